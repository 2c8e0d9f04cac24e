//! The README of a release: the course's own without the lines between `<!-- not given out -->` and `<!-- given out -->`, with
//! no link to what is left out.

use super::{Files, holds};
use anyhow::{Context, Result, anyhow, bail};
use hints::WithHint;

/// The file.
const README: &str = "README.md";

/// The marks of lines that are left out.
const LEFT_OUT: [&str; 2] = ["<!-- not given out -->", "<!-- given out -->"];

/// The commands that a release does not have.
const COMMANDS: [&str; 8] = [
    "attack", "desk", "diff", "grade", "new", "release", "solution", "verify",
];

/// The words to students, above the first heading.
const NOTE: &str = "\
This is the students' repository of the course. It holds no solutions, so `cargo grader check` compares drawn results with
stored answers, tests an exercise with your own code of the earlier ones, and explains what is wrong, but does not name the
mistake as in the example below. Commands that need the solutions say so.

";

/// Rewrites the README.
///
/// # Errors
/// Returns an error if its marks do not match, or it names a command that is left out.
pub(super) fn adapt(files: &mut Files) -> Result<()> {
    let content = files.get(README).context("README.md is missing")?;
    let text = str::from_utf8(content).context("README.md is not UTF-8")?;
    let kept = without_marked(text)?;
    let rows = kept.lines().filter(|line| !is_row_of_missing(line, files));
    let kept = rows.fold(String::new(), |text, line| text + line + "\n");
    let anchors: Vec<_> = kept.lines().filter_map(anchor).collect();
    let is_there = |target: &str| {
        let (file, place) = target.split_once('#').unwrap_or((target, ""));
        match file {
            "" | README => place.is_empty() || anchors.iter().any(|it| it == place),
            _ => holds(files, file),
        }
    };
    let text = without_links(&kept, &is_there);
    check_commands(&text)?;
    let start = text
        .find("\n## ")
        .context("README.md has no second heading")?
        + 1;
    let (before, after) = text.split_at(start);
    let mut text = format!("{before}{NOTE}{after}");
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    files.insert(README.to_owned(), text.into_bytes());
    Ok(())
}

fn without_marked(text: &str) -> Result<String> {
    let [begin, end] = LEFT_OUT;
    let mut kept = String::new();
    let mut since = None;
    for (line, number) in text.lines().zip(1..) {
        match (line.trim() == begin, line.trim() == end, since) {
            (true, _, None) => since = Some(number),
            (_, true, Some(_)) => since = None,
            (true, ..) | (_, true, None) => {
                bail!("README.md:{number}: {line} without the other mark")
            }
            (.., Some(_)) => {}
            (.., None) => {
                kept += line;
                kept.push('\n');
            }
        }
    }
    match since {
        Some(number) => bail!("README.md:{number}: {begin} without {end}"),
        None => Ok(kept),
    }
}

/// Returns whether a line is the row of a table that begins with a link to an exercise that is left out.
fn is_row_of_missing(line: &str, files: &Files) -> bool {
    let target = line
        .strip_prefix("| [")
        .and_then(|it| it.split_once("](exercises/"));
    target.is_some_and(|(_, rest)| {
        let folder = rest.split(')').next().unwrap_or_default();
        !holds(files, &format!("exercises/{folder}"))
    })
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(line: &str) -> Option<String> {
    let heading = line
        .strip_prefix('#')?
        .trim_start_matches('#')
        .strip_prefix(' ')?;
    let letters = heading.chars().filter_map(|c| match c {
        ' ' | '-' => Some('-'),
        c if c.is_alphanumeric() || c == '_' => Some(c),
        _ => None,
    });
    Some(letters.collect::<String>().to_lowercase())
}

/// A text in which links to what is not there are words only; pictures, and links that are nothing but a remark in parentheses,
/// go.
fn without_links(text: &str, is_there: &dyn Fn(&str) -> bool) -> String {
    let mut result = String::new();
    let mut is_code = false;
    let mut rest = text;
    while let Some(i) = rest.find(['[', '`']) {
        let (before, from) = rest.split_at(i);
        result += before;
        if from.starts_with("```") {
            is_code = !is_code;
        }
        let link = from.strip_prefix('[').filter(|_| !is_code).and_then(link);
        let Some((words, target, length)) = link else {
            let length = if from.starts_with("```") { 3 } else { 1 };
            result += &from[..length];
            rest = &from[length..];
            continue;
        };
        let is_relative = !target.contains("://") && !target.starts_with("mailto:");
        let after = &from[length..];
        if !is_relative || is_there(target) {
            result += &from[..length];
        } else if result.ends_with('!') {
            // A picture of an exercise that is left out.
            result.pop();
        } else if let (Some(before), Some(after)) =
            (result.strip_suffix('('), after.strip_prefix(')'))
        {
            let length = before.trim_end().len();
            result.truncate(length);
            rest = after;
            continue;
        } else {
            result += words;
        }
        rest = after;
    }
    result + rest
}

/// The words and the target of a link, and its length with the bracket before it.
fn link(text: &str) -> Option<(&str, &str, usize)> {
    let end = text.find(['[', ']'])?;
    let (words, rest) = text.split_at(end);
    let rest = rest.strip_prefix("](")?;
    let (target, _) = rest.split_once(')')?;
    (!target.contains(char::is_whitespace)).then(|| (words, target, words.len() + target.len() + 4))
}

fn check_commands(text: &str) -> Result<()> {
    for (line, number) in text.lines().zip(1..) {
        let commands = line.split("cargo grader ").skip(1);
        let mut words = commands.map(|it| it.split(|c: char| !c.is_alphanumeric()).next());
        if let Some(Some(command)) =
            words.find(|word| word.is_some_and(|it| COMMANDS.contains(&it)))
        {
            let [begin, end] = LEFT_OUT;
            return Err(anyhow!(
                "line {number} of the students' README names `cargo grader {command}`, which they do not get"
            ))
            .hint(format!("put the passage of README.md between {begin} and {end}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapted(readme: &str) -> Result<String> {
        let files = [
            (README, readme),
            ("exercises/01-a/README.md", ""),
            ("LICENSE", ""),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let mut files = Files::from(files);
        adapt(&mut files)?;
        Ok(String::from_utf8(
            files.remove(README).context("a README")?,
        )?)
    }

    #[test]
    fn marked_lines_and_links_to_what_is_left_out_go() -> Result<()> {
        let text = adapted(
            "# A course\n\nIntro ([more](grader/README.md)), [the table](#rows).\n\n\
             <!-- not given out -->\n\nHidden.\n\n## Grades\n\n<!-- given out -->\n\n\
             ## Rows\n\n| [01](exercises/01-a) |\n| [02](exercises/02-b) |\n\n\
             [A](exercises/01-a) [b](solutions/01-a) [c](README.md#grades) [d](https://x.y) [l](LICENSE)\n\n\
             ![A picture](exercises/02-b/picture.png)\n\n```rust\nlet x = y[0](z);\n```\n",
        )?;
        let expected = format!(
            "# A course\n\nIntro, [the table](#rows).\n\n{NOTE}## Rows\n\n| [01](exercises/01-a) |\n\n\
             [A](exercises/01-a) b c [d](https://x.y) [l](LICENSE)\n\n```rust\nlet x = y[0](z);\n```\n"
        );
        assert_eq!(text, expected);
        Ok(())
    }

    #[test]
    fn a_command_that_students_do_not_get_and_a_mark_without_the_other_are_errors() {
        let error = |text: &str| adapted(text).expect_err("a fault").to_string();
        let text = error("# A\n\n## B\n\n    cargo grader verify --x\n");
        assert!(
            text.contains("line 5") && text.contains("`cargo grader verify`"),
            "{text}"
        );
        assert!(error("# A\n<!-- not given out -->\n## B\n").contains("README.md:2"));
        assert!(error("# A\n<!-- given out -->\n## B\n").contains("README.md:2"));
    }
}
