//! Rules that a submission's sources must keep: no unsafe code, no ready-made form of what an exercise asks to write, no
//! loader of code that is not Rust.
//!
//! Sources are not parsed: whatever is parsed here, the compiler might read in another way. Words of the whole text are
//! compared, in comments and literals too. On what is called at run time, see the crate `observer`.

use crate::course::Exercise;
use crate::worker::broken::Broken;
use aho_corasick::AhoCorasick;
use anyhow::{Context, Result, bail};
use intake::Source;
use std::borrow::Cow;
use wire::printable;
use wire::words;

/// The first rule that the sources break: the file, the line, and what to do; `None` if they keep all.
///
/// Takes time in proportion to their size.
///
/// # Errors
/// Returns an error if `stop` returns true: the run is interrupted.
pub fn breach(
    exercise: &Exercise,
    sources: &[Source],
    stop: &dyn Fn() -> bool,
) -> Result<Option<String>> {
    let forbidden = &exercise.facts.forbidden.words;
    for source in sources {
        let found = match frontmatter(&source.bytes) {
            Some(line) => Some((line, FRONTMATTER.to_owned())),
            None => word(forbidden, &source.bytes, stop)?,
        };
        if let Some((line, fault)) = found {
            return Ok(Some(format!(
                "exercises/{}/src/{}:{line}: {fault}",
                exercise.folder, source.path
            )));
        }
    }
    Ok(None)
}

/// The rule that was broken at run time, from what a worker or its judge printed of the forbidden operator.
pub fn forbidden_operator(printed: &str) -> String {
    let named = words::forbidden_operator(printed).unwrap_or_default();
    let (operator, operation) = named.split_once(" in ").unwrap_or((named, ""));
    let place = match operation {
        "" | "*" => String::new(),
        operation => format!(" in the operation `{}`", printable(operation)),
    };
    match operator {
        "" => format!("an operator of libtorch was called: {READY_MADE}"),
        "TorchScript" => format!("TorchScript was run{place}: {FOREIGN}"),
        operator => {
            let operator = printable(operator);
            format!("libtorch's operator `{operator}` was called{place}: {READY_MADE}")
        }
    }
}

const FRONTMATTER: &str =
    "a source may not begin with frontmatter (`---`), which compilers do not agree on";

/// The line that opens a frontmatter, which some compilers skip: before any code, but for a byte order mark, a first line
/// of the shell and white space.
fn frontmatter(text: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_script = text.starts_with("#!");
    let mut lines = text.lines().enumerate().skip(usize::from(is_script));
    // As the language has it, white space is more than `char::is_whitespace` knows.
    let is_space = |c: char| c.is_whitespace() || matches!(c, '\u{200e}' | '\u{200f}');
    let (number, first) = lines.find(|(_, line)| !line.trim_matches(is_space).is_empty())?;
    first
        .trim_start_matches(is_space)
        .starts_with("---")
        .then_some(number + 1)
}

/// Unsafe code could run before a worker is confined, or write where it must not. The compiler denies it, and no source may
/// take that back.
const UNSAFE: &str = "unsafe";

/// Parts of the names of all that reads TorchScript in tch, in which nothing could be looked for. What is merely called
/// `load` is not among them, which people write of weights: TorchScript that runs is found by the observer.
const LOADERS: [&str; 8] = [
    "CModule",
    "IValue",
    "load_multi",
    "loadz_multi",
    "load_from_stream",
    "load_partial",
    "load_data",
    "load_on_device",
];
/// The module of tch that has most of them. The word is short: it counts as a whole.
const TORCHSCRIPT: &str = "jit";

const READY_MADE: &str = "it is a ready-made form of what this exercise asks you to write, so write it out; give functions of \
                          your own other names";
const FOREIGN: &str = "that is code which is not Rust: write it in Rust";

/// The first word that is forbidden: its line, and why.
fn word(
    families: &[String],
    text: &[u8],
    stop: &dyn Fn() -> bool,
) -> Result<Option<(usize, String)>> {
    let ready_made = families.iter().map(|family| (family.as_str(), READY_MADE));
    let foreign = LOADERS.iter().chain([&TORCHSCRIPT]);
    let foreign = foreign.map(|&part| (part, FOREIGN));
    let parts: Vec<_> = foreign.chain([(UNSAFE, "")]).chain(ready_made).collect();
    let names: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
    let is_meant = |place: usize, part: &str| part != TORCHSCRIPT || word_at(text, place) == part;
    // One pass over the text, however long it is and whatever it holds.
    let automaton = AhoCorasick::new(names).context("the forbidden words cannot be looked for")?;
    if stop() {
        bail!(Broken::Stopped);
    }
    for found in automaton.find_overlapping_iter(text) {
        let (place, part) = (found.start(), parts[found.pattern().as_usize()]);
        if is_meant(place, part.0) {
            return Ok(Some(broken(text, place, part)));
        }
    }
    Ok(None)
}

/// The line of a forbidden word, and why it may not stand there.
fn broken(text: &[u8], place: usize, (part, why): (&str, &str)) -> (usize, String) {
    let line = 1 + text[..place].iter().filter(|&&byte| byte == b'\n').count();
    let written = match part {
        UNSAFE => part.to_owned(),
        _ => printable(&word_at(text, place)),
    };
    let mut fault =
        format!("the word `{written}` may not stand in a submission, not even in a comment");
    if !why.is_empty() {
        fault.push_str(": ");
        fault.push_str(why);
    }
    (line, fault)
}

/// The whole word that a part at this place belongs to. Letters beyond ASCII end a word: no name that is looked for has any,
/// nor has one a `K`, the only letter of ASCII that the compiler reads for another one (the sign of kelvin).
fn word_at(text: &[u8], place: usize) -> Cow<'_, str> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let before = text[..place].iter().rev().take_while(is_part).count();
    let after = text[place..].iter().take_while(is_part).count();
    let end = place + after.min(LONGEST_SHOWN);
    String::from_utf8_lossy(&text[place - before.min(LONGEST_SHOWN)..end])
}

/// The longest part of a word that is shown on either side.
const LONGEST_SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Course;
    use std::path::Path;
    use std::time::{Duration, Instant};

    const NEVER: &dyn Fn() -> bool = &|| false;

    fn found(text: &str) -> Option<(usize, String)> {
        let families = ["dot_attention".to_owned()];
        word(&families, text.as_bytes(), NEVER).expect("nobody stops it")
    }

    #[test]
    fn a_forbidden_word_is_found_wherever_it_stands_and_in_every_form() {
        for text in [
            "\nunsafe fn b() {}",
            "\n// unsafe",
            "\n#![allow(unsafe_code)]",
            "\n\"unsafe\"",
            "\nTensor::dot_attention(q)",
            "\nTensor::internal_scaled_dot_attention_for_cpu_backward(q)",
            "\nuse Tensor::r#f_dot_attention_ as mine;",
            "\nmacro_rules! m { () => { Tensor::dot_attention_out(q) } }",
            "\n// dot_attention",
            "\n/* \"dot_attention */",
            "\nm!('r\"\\\"\" dot_attention \"\\\"\");",
            "\né_dot_attention",
            "\ntch::CModule::load_data(x)",
            "\nuse tch::{TrainableCModule as M};",
            "\ntch::jit::f()",
            "\nTensor::f_load_multi_from_stream(x)",
            "\nvs.load_partial(x)",
        ] {
            assert_eq!(found(text).map(|(line, _)| line), Some(2), "{text}");
        }
    }

    #[test]
    fn other_words_are_not_found() {
        for text in [
            "fn safe() {}",
            "fn jitter() {}",
            "dot attention",
            "vs.load(x)",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn the_word_is_named_as_it_is_written_and_comments_are_spoken_of() {
        let (line, fault) = found("\n\nx.f_dot_attention_()").expect("a fault");
        assert_eq!(line, 3);
        assert!(
            fault.starts_with("the word `f_dot_attention_` may not"),
            "{fault}"
        );
        assert!(fault.contains("not even in a comment"), "{fault}");
    }

    #[test]
    fn frontmatter_is_found_behind_all_that_may_stand_before_it() {
        for (text, line) in [
            ("---\n---", 1),
            ("\u{feff}---cargo\n", 1),
            ("#!/usr/bin/env x\n\n --- \n", 3),
            ("\u{200e}\n\t\u{85}---", 2),
            ("\n#!x\n", 0),
            ("// ---\n---", 0),
            ("#![allow(dead_code)]\nfn a() {}", 0),
            ("", 0),
        ] {
            assert_eq!(frontmatter(text.as_bytes()).unwrap_or(0), line, "{text:?}");
        }
    }

    #[test]
    fn megabytes_of_tokens_take_little_time_and_stopping_is_heard() {
        let text = "()[]{}'r#\"a_b ".repeat(600_000);
        let start = Instant::now();
        assert_eq!(found(&text), None);
        let taken = start.elapsed();
        // A fifth of a second on an idle machine; dividing it into tokens took half a minute.
        assert!(taken < Duration::from_secs(5), "{taken:?}");
        assert!(word(&[], text.as_bytes(), &|| true).is_err());
    }

    #[test]
    fn an_operator_is_named_with_the_operation_that_called_it() {
        let said = |printed: &str, start: &str| {
            let said = forbidden_operator(printed);
            assert!(said.starts_with(start), "{said}");
        };
        let line = "x
forbidden operator: aten::layer_norm in layer_norm
";
        let start =
            "libtorch's operator `aten::layer_norm` was called in the operation `layer_norm`: it";
        said(line, start);
        said(
            "forbidden operator: TorchScript in *",
            "TorchScript was run: that",
        );
        said(
            "nothing",
            "an operator of libtorch was called: it is a ready-made form",
        );
    }

    fn course() -> Course {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Course::open(&root).expect("the course of this checkout")
    }

    #[test]
    fn nothing_that_the_course_hands_out_or_solves_breaks_a_rule() {
        let course = course();
        for exercise in &course.exercises {
            let words = &exercise.facts.forbidden.words;
            let places = ["exercises", "solutions"].map(|top| course.root.join(top));
            let mut files = vec![];
            for folder in places.map(|top| top.join(&exercise.folder)) {
                let wrong = ["misconceptions", "misconceptions/otherwise"];
                for part in ["src", "variants", "hints.md"].iter().chain(&wrong) {
                    files.extend(files_of(&folder.join(part)));
                }
            }
            assert!(files.len() > 3, "{}", exercise.folder);
            for file in files.iter().filter(|file| file.is_file()) {
                let text = std::fs::read(file).expect("a file of the course");
                let fault = word(words, &text, NEVER).expect("nobody stops it");
                assert_eq!(fault, None, "{}", file.display());
            }
        }
    }

    fn files_of(path: &Path) -> Vec<std::path::PathBuf> {
        match std::fs::read_dir(path) {
            Ok(entries) => {
                let paths = entries.map(|entry| entry.expect("a file of the course").path());
                paths.collect()
            }
            Err(_) if path.is_file() => vec![path.to_owned()],
            Err(_) => vec![],
        }
    }

    /// The compiler composes identifiers (NFC): what is looked for must have no other spelling.
    #[test]
    fn forbidden_words_have_one_spelling() {
        let course = course();
        let words = course.exercises.iter();
        let words = words.flat_map(|exercise| exercise.facts.forbidden.words.iter());
        for word in words
            .map(String::as_str)
            .chain(LOADERS)
            .chain([TORCHSCRIPT, UNSAFE])
        {
            let has_one = |c: char| (c.is_ascii_alphanumeric() || c == '_') && c != 'K';
            assert!(!word.is_empty() && word.chars().all(has_one), "{word}");
        }
    }
}
