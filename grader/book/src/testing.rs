//! The course's own handouts, for tests.

use anyhow::{Context, Result};
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
use std::fs;
use std::path::Path;

/// The handouts of the course that hold a text.
pub(crate) fn handouts_with(marker: &str) -> Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../exercises");
    let mut found = vec![];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path().join("README.md");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        if text.contains(marker) {
            found.push(text);
        }
    }
    Ok(found)
}

/// The text blocks of a handout.
pub(crate) fn text_blocks(handout: &str) -> Vec<String> {
    let mut blocks = vec![];
    let mut events = crate::outline::parse(handout).into_iter();
    while let Some(event) = events.next() {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) = event
            && &*language == "text"
        {
            let text = events.by_ref().map_while(|it| match it {
                Event::Text(text) => Some(text.into_string()),
                Event::End(TagEnd::CodeBlock) => None,
                _ => Some(String::new()),
            });
            blocks.push(text.collect());
        }
    }
    blocks
}
