//! An exercise's hints: `hints.md` has a section for each tier, from the idea to the calls of the library, and in it a section
//! for each item, or for several: `### layer_norm and rms_norm`.

use super::record::Record;
use crate::course::{Course, Exercise};
use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use std::fs;

/// The hints of an exercise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// In the order in which they are given.
    sections: Vec<Section>,
}

/// A section: one tier's hint for some items.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    tier: String,
    subjects: Vec<String>,
    text: String,
}

/// One hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint<'a> {
    /// The title of its tier: `Shapes`.
    pub tier: &'a str,
    /// Its text, as Markdown.
    pub text: &'a str,
}

/// The hints about one subject that are to be shown, and how many are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HintSelection {
    /// The function or type that they are about.
    pub subject: String,
    /// Those that are to be shown now, with their numbers from 1; none if all were shown before.
    pub hints: Vec<(usize, String, String)>,
    /// The number of hints that there are.
    pub total: usize,
    /// The number of hints that have not been shown yet.
    pub left: usize,
}

impl Hints {
    /// Reads the hints of an exercise.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn open(course: &Course, exercise: &Exercise) -> Result<Self> {
        let path = course
            .root
            .join("exercises")
            .join(&exercise.folder)
            .join("hints.md");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut hints = Self::default();
        let mut tier = String::new();
        // Lines before the first item of a tier are about the tier.
        let mut is_open = false;
        let mut fence = None;
        for line in text.lines() {
            let mark = line.trim_start();
            let marks = ["```", "~~~"].into_iter().find(|it| mark.starts_with(it));
            match (fence, marks) {
                (None, Some(_)) => fence = marks,
                (Some(open), Some(close)) if open == close => fence = None,
                _ => {}
            }
            let is_code = fence.is_some() || marks.is_some();
            if let (false, Some(title)) = (is_code, line.strip_prefix("## ")) {
                title.trim().clone_into(&mut tier);
                is_open = false;
            } else if let (false, Some(title)) = (is_code, line.strip_prefix("### ")) {
                hints.sections.push(Section {
                    tier: tier.clone(),
                    subjects: subjects(title),
                    text: String::new(),
                });
                is_open = true;
            } else if let (true, Some(section)) = (is_open, hints.sections.last_mut()) {
                section.text.push_str(line);
                section.text.push('\n');
            }
        }
        for section in &mut hints.sections {
            section.text = section.text.trim().to_owned();
        }
        hints
    }

    /// The functions and types that there are hints about, in their order.
    pub fn subjects(&self) -> Vec<&str> {
        let mut found: Vec<&str> = vec![];
        for subject in self.sections.iter().flat_map(|section| &section.subjects) {
            if !found.contains(&subject.as_str()) {
                found.push(subject);
            }
        }
        found
    }

    /// The subject whose hints are about an item: the item itself, or the type that it is a function of.
    pub fn subject(&self, item: &str) -> Option<&str> {
        let subjects = self.subjects();
        let owner = item.rsplit_once("::").map(|(owner, _)| owner);
        let of = |name: &str| subjects.iter().copied().find(|subject| *subject == name);
        of(item).or_else(|| of(owner?))
    }

    /// The hints about a subject, from the first tier to the last.
    pub fn about(&self, subject: &str) -> Vec<Hint<'_>> {
        let sections = self.sections.iter();
        let own = sections.filter(|section| section.subjects.iter().any(|it| it == subject));
        let hints = own.map(|section| Hint {
            tier: &section.tier,
            text: &section.text,
        });
        hints.collect()
    }
}

/// The names in a heading.
fn subjects(title: &str) -> Vec<String> {
    let title = title.replace('`', "").replace(" and ", ",");
    let names = title.split(',').map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// Returns the next hint about an item, or all hints, and records that they were shown.
///
/// # Errors
/// Returns an error if there are no hints about it, or the hints or the record cannot be read or written.
pub fn show(course: &Course, exercise: &Exercise, item: &str, all: bool) -> Result<HintSelection> {
    let hints = Hints::open(course, exercise)?;
    let subject = hints.subject(item).ok_or_else(|| {
        anyhow!(
            "exercises/{}/hints.md has no hints about {item}",
            exercise.folder
        )
    });
    let subject = subject.hint(format!(
        "it has hints about {}",
        hints.subjects().join(", ")
    ))?;
    let about = hints.about(subject);
    let total = about.len();
    let (from, to) = Record::update(&course.root, |record| {
        let shown = record.of(exercise).and_then(|it| it.hints.get(subject));
        // A course's update may have taken some away.
        let before = shown.copied().unwrap_or_default().min(total);
        let after = if all { total } else { total.min(before + 1) };
        if after > before {
            let of_exercise = record.of_mut(exercise);
            of_exercise.hints.insert(subject.to_owned(), after);
        }
        (if all { 0 } else { before }, after)
    })?;
    let numbered = about.iter().enumerate().take(to).skip(from);
    Ok(HintSelection {
        subject: subject.to_owned(),
        hints: numbered
            .map(|(i, hint)| (i + 1, hint.tier.to_owned(), hint.text.to_owned()))
            .collect(),
        total,
        left: total - to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Hints\n\nRead one.\n\n## Idea\n\nOf all.\n\n### a\n\nThink.\n\n### Long and b_c\n\nOf both.\n\n\
        ## Shapes\n\n### b_c\n\n```text\n### not a heading\n## nor this\n```\nafter\n\n### a\n[N]\n";

    #[test]
    fn hints_about_a_subject_are_one_for_each_tier_that_has_one() {
        let hints = Hints::parse(TEXT);
        assert_eq!(hints.subjects(), ["a", "Long", "b_c"]);
        let of_a: Vec<_> = hints.about("a").iter().map(|it| it.tier).collect();
        assert_eq!(of_a, ["Idea", "Shapes"]);
        assert_eq!(hints.about("a")[1].text, "[N]");
        let both = hints.about("b_c");
        assert_eq!(both[0].text, "Of both.");
        assert_eq!(both[0], hints.about("Long")[0]);
        let code = "```text\n### not a heading\n## nor this\n```\nafter";
        assert_eq!(both[1].text, code);
        assert!(hints.about("not").is_empty());
    }

    #[test]
    fn hints_about_a_type_are_those_about_its_functions() {
        let hints = Hints::parse(TEXT);
        assert_eq!(hints.subject("Long::new"), Some("Long"));
        assert_eq!(hints.subject("a"), Some("a"));
        assert_eq!(hints.subject("new"), None);
        assert_eq!(hints.subject("Other::a"), None);
    }

    #[test]
    fn a_file_of_windows_and_one_without_hints_are_read() {
        let windows = Hints::parse(&TEXT.replace('\n', "\r\n"));
        assert_eq!(windows, Hints::parse(TEXT));
        assert_eq!(Hints::parse("# Hints\n\n```\n## a\n").subjects().len(), 0);
    }
}
