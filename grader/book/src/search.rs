//! The index that the search reads: a script, since a page that is opened as a file may fetch nothing.

use serde::Serialize;

/// A place that can be found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// The page and anchor.
    pub(crate) to: String,
    /// The heading.
    pub(crate) title: String,
    /// The page's title.
    pub(crate) page: String,
    /// The words of the text.
    pub(crate) words: String,
    /// True if the text is folded away: the search leads there, and shows nothing of it.
    pub(crate) folded: bool,
}

/// The script.
pub(crate) fn script(entries: &[Entry]) -> serde_json::Result<String> {
    Ok(format!(
        "window.BOOK_INDEX = {};\n",
        serde_json::to_string(entries)?
    ))
}

/// Words with single spaces between them.
pub(crate) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
