//! GitHub Actions: for each person, annotations as workflow commands, and a summary of the step in Markdown.

use super::finding::{Finding, findings};
use super::{Class, Export, ExportOutput};
use crate::grading::{State, Student};
use crate::terminal::points;
use anyhow::Result;
use std::fmt::Write as _;
use wire::printable;

/// The annotations of a kind that GitHub shows for a step.
const MOST_ANNOTATIONS: usize = 10;

/// The export as annotations and summaries.
#[derive(Clone, Copy, Debug)]
pub struct Github;

impl Export for Github {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput::default();
        for student in &class.grades.gradebook.students {
            let id = &student.person.id;
            let findings = findings(class, student)?;
            if findings.len() > MOST_ANNOTATIONS {
                exported.notes.push(format!(
                    "{id}: GitHub shows {MOST_ANNOTATIONS} annotations of a step; the summary has all {}",
                    findings.len()
                ));
            }
            let commands: String = findings
                .iter()
                .take(MOST_ANNOTATIONS)
                .map(command)
                .collect();
            let summary = summary(class, student, &findings);
            exported.add(id, "txt", commands.into_bytes());
            exported.add(id, "md", summary.into_bytes());
        }
        Ok(exported)
    }
}

/// The workflow command of an annotation, escaped as `toolkit/packages/core/src/command.ts` of actions does.
fn command(finding: &Finding) -> String {
    let data = |text: &str| {
        let text = text.replace('%', "%25");
        text.replace('\r', "%0D").replace('\n', "%0A")
    };
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    format!(
        "::error file={},line=1,title={}::{}\n",
        property(&finding.path),
        property(&finding.title),
        data(&finding.message)
    )
}

/// The summary: points, and all findings.
fn summary(class: &Class<'_>, student: &Student, findings: &[Finding]) -> String {
    let mut page = match student.total {
        Some(total) => format!(
            "## {} of {} points\n",
            points(total),
            points(student.max_total)
        ),
        None => "## Not all is graded yet\n".to_owned(),
    };
    page += "\n| exercise | points | of |\n|---|---:|---:|\n";
    let columns = class.grades.gradebook.exercises.iter();
    for (column, grade) in columns.zip(&student.exercises) {
        let value = match (grade.state, grade.points) {
            (State::Excused, _) => "excused".to_owned(),
            (_, None) => "not graded".to_owned(),
            (_, Some(value)) => points(value),
        };
        let most = points(grade.max_points);
        let _ = writeln!(page, "| {} | {value} | {most} |", plain(&column.exercise));
    }
    for finding in findings {
        let longest = finding.message.split(|c| c != '`').map(str::len).max();
        let fence = "`".repeat(longest.unwrap_or_default().max(2) + 1);
        let _ = write!(
            page,
            "\n### {}\n\n{fence}text\n{}\n{fence}\n",
            plain(&finding.title),
            finding.message
        );
    }
    page
}

/// Text that no Markdown is read in: all punctuation of ASCII may stand behind `\`.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in printable(text).chars() {
        if c.is_ascii_punctuation() {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the properties and the message, as the runner's `ActionCommand.TryParseV2` reads a line.
    fn read(line: &str) -> (Vec<(String, String)>, String) {
        let unescape = |text: &str, marks: &[(&str, &str)]| {
            let unescaped = marks
                .iter()
                .fold(text.to_owned(), |text, (mark, c)| text.replace(mark, c));
            unescaped.replace("%25", "%")
        };
        let data = [("%0D", "\r"), ("%0A", "\n")];
        let property = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")];
        let (head, message) = line
            .strip_prefix("::")
            .expect("::")
            .split_once("::")
            .expect("::");
        let (name, properties) = head.split_once(' ').expect("properties");
        assert_eq!(name, "error");
        let properties = properties.split(',').map(|it| {
            let (key, value) = it.split_once('=').expect("a value");
            (key.to_owned(), unescape(value, &property))
        });
        (properties.collect(), unescape(message, &data))
    }

    #[test]
    fn an_annotation_is_one_command_whatever_it_says() {
        let finding = Finding {
            rule: String::new(),
            title: "a::b, c=d 100%0A".to_owned(),
            message: "1\n::error::2 %0A".to_owned(),
            path: "exercises/03-msa/src/lib.rs".to_owned(),
            is_fatal: false,
        };
        let line = command(&finding);
        assert_eq!(line.lines().count(), 1);
        let (properties, message) = read(line.trim_end());
        assert_eq!(message, finding.message);
        let title = ("title".to_owned(), finding.title.clone());
        assert_eq!(
            properties,
            [
                ("file".to_owned(), finding.path),
                ("line".to_owned(), "1".to_owned()),
                title
            ]
        );
    }

    #[test]
    fn text_is_no_markdown() {
        assert_eq!(plain("<b>|`x`\n@me"), "\\<b\\>\\|\\`x\\`\\\\u\\{a\\}\\@me");
    }
}
