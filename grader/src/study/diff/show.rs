//! A comparison as a learner reads it: in a terminal, as a page, as a patch, as JSON.

mod html;
mod patch;
mod terminal;

pub use html::html;
pub use patch::patch;
pub use terminal::{Look, terminal};

use super::compare::{Comparison, ItemDiff, Verdict};
use super::solutions::{REFERENCE, Solution};
use serde::Serialize;

/// A comparison with what is said around it.
#[derive(Clone, Debug, Serialize)]
pub struct Report<'a> {
    /// The exercise's folder.
    pub exercise: &'a str,
    /// Its title.
    pub title: &'a str,
    /// The comparison.
    #[serde(flatten)]
    pub comparison: &'a Comparison,
    /// Items that are not shown, since their tests do not pass.
    pub closed: Vec<&'a str>,
    /// True if both sides are formatted.
    pub formatted: bool,
    /// The solutions.
    #[serde(skip)]
    pub solutions: &'a [Solution],
}

impl Report<'_> {
    /// The report as JSON.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// The sentences on which solution is nearest.
    fn summary(&self) -> String {
        let Comparison {
            nearest,
            asked,
            likeness,
            longer,
            items,
            ..
        } = self.comparison;
        let is_same = |it: &ItemDiff| it.verdict != Verdict::Differs && it.against == *nearest;
        let solution = self.solution(nearest);
        let alike = percent(*likeness);
        let begin = if items.iter().all(is_same) {
            match items.iter().all(|it| it.verdict == Verdict::Same) {
                true => format!("Yours is {solution}."),
                false => format!("Yours is {solution} but for names."),
            }
        } else if *asked {
            format!("Yours beside {solution}: {alike} alike.")
        } else if items.iter().all(|it| it.unlike) {
            let all = self.solutions.len();
            format!("Yours is unlike all {all} solutions: closest is {solution}, {alike} alike.")
        } else {
            format!("Yours is closest to {solution}: {alike} alike.")
        };
        let lines = |count: i64| match count {
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        };
        let length = match *longer {
            0 => "The reference has as many lines of code.".to_owned(),
            longer if longer > 0 => format!("The reference is {} shorter.", lines(longer)),
            longer => format!("The reference is {} longer.", lines(-longer)),
        };
        format!("{begin} {length}")
    }

    /// A solution in words.
    fn solution(&self, name: &str) -> String {
        match name {
            REFERENCE => "the reference solution".to_owned(),
            name => {
                let about = self.solutions.iter().find(|it| it.name == name);
                let about = about.and_then(|it| it.about.as_deref());
                let about = about.map(|it| format!(" ({})", lower(it.trim_end_matches('.'))));
                format!("`{name}`{}", about.unwrap_or_default())
            }
        }
    }
}

/// A sentence as a part of another.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn percent(share: f64) -> String {
    // A share below 1 is never rounded up to 100 %.
    format!("{:.0} %", (100.0 * share).min(99.0))
}

/// The verdict in words.
fn verdict(item: &ItemDiff) -> String {
    let whose = match item.against.as_str() {
        REFERENCE => "the reference".to_owned(),
        name => format!("`{name}`"),
    };
    match item.verdict {
        Verdict::Same => format!("the same as {whose}"),
        Verdict::SameButNames => {
            let names = names(item);
            format!("the same as {whose} but for names{names}")
        }
        Verdict::Differs => {
            let [yours, theirs] = item.lines;
            let lines = match yours == theirs {
                true => format!("{yours} lines of code each"),
                false => format!("{yours} lines of code, there {theirs}"),
            };
            match item.unlike {
                true => format!(
                    "unlike all solutions; {} like {whose}, which is closest; {lines}",
                    percent(item.likeness)
                ),
                false => format!("{} like {whose}; {lines}", percent(item.likeness)),
            }
        }
    }
}

/// The names that differ in the solution.
fn names(item: &ItemDiff) -> String {
    let names = item.names.iter();
    let names: Vec<_> = names
        .map(|(theirs, yours)| format!("{yours} is {theirs}"))
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" ({})", names.join(", ")),
    }
}

/// The helpers of both sides.
fn helpers(item: &ItemDiff) -> Option<String> {
    let list = |whose: &str, paths: &[String]| {
        let names: Vec<_> = paths.iter().map(|it| format!("`{it}`")).collect();
        (!names.is_empty()).then(|| format!("with {whose} {}", names.join(", ")))
    };
    let parts = [
        list("your helper", &item.helpers),
        list("the solution's helper", &item.their_helpers),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Text of which nothing is hidden. It is a part of a line: what begins it is not what begins the line.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\t' => shown.push_str("    "),
            letter if wire::is_hidden(letter) => shown.extend(letter.escape_unicode()),
            letter => shown.push(letter),
        }
    }
    shown
}
