//! The passages of a solution's README that are about an item. A line `<!-- items: PATH, PATH -->` stands in front of each; it
//! ends with the next such line, or the next heading.

use crate::course::{Course, Exercise};
use anyhow::{Context, Result};
use std::fs;

/// The beginning and the end of a mark.
const MARK: (&str, &str) = ("<!-- items:", "-->");

/// A passage of a README.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The paths of the items that it is about.
    pub items: Vec<String>,
    /// Its Markdown.
    pub text: String,
}

/// The marked passages of an exercise's solution.
///
/// # Errors
/// Returns an error if its README cannot be read.
pub fn passages(course: &Course, exercise: &Exercise) -> Result<Vec<Passage>> {
    let folder = course.root.join("solutions").join(&exercise.folder);
    let path = folder.join("README.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(passages_of(&text))
}

/// The marked passages of a Markdown text.
pub(super) fn passages_of(text: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = vec![];
    let mut is_open = false;
    for line in text.lines() {
        let mark = line.trim().strip_prefix(MARK.0);
        if let Some(names) = mark.and_then(|rest| rest.strip_suffix(MARK.1)) {
            passages.push(Passage {
                items: names.split(',').map(|it| it.trim().to_owned()).collect(),
                text: String::new(),
            });
            is_open = true;
        } else if line.starts_with('#') {
            is_open = false;
        } else if let Some(last) = passages.last_mut().filter(|_| is_open) {
            last.text.push_str(line);
            last.text.push('\n');
        }
    }
    for passage in &mut passages {
        passage.text = passage.text.trim().to_owned();
    }
    passages
}
