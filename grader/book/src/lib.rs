//! The book: the course as a website to read offline, made of the files of the checkout. Handouts, the
//! documentation of the stubs, hints, answers and solutions become pages with search, contents and interactive figures.
//!
//! [`course`] is what the manifests say, [`make`] makes the pages, [`Book::write`] puts them into a folder.

mod assets;
mod code;
pub mod course;
mod figure;
mod frame;
mod functions;
mod handout;
mod home;
mod links;
mod markdown;
mod outline;
mod output;
mod search;
mod source;
mod spoken;
#[cfg(test)]
mod testing;

use anyhow::{Context, Result};
use course::{Course, text};
use frame::{ABOUT, Page};
use links::Links;
use search::{Entry, squeezed};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A book.
#[derive(Debug)]
pub struct Book {
    /// Its files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Links of the course's files that lead to nothing in the book, with the file that has each. They are shown as words.
    pub left_out: Vec<(PathBuf, String)>,
}

/// Makes the book of a course.
///
/// # Errors
/// Returns an error if a file of the course cannot be read, or shows a picture or a figure that is not there.
pub fn make(course: &Course) -> Result<Book> {
    let links = links(course)?;
    let mut pages: Vec<Page> = home::pages(course, &links)?.into();
    let mut entries = vec![];
    for exercise in &course.exercises {
        pages.push(handout::page(course, exercise, &links)?);
        let functions = functions::page(course, exercise, &links)?;
        pages.push(functions.page);
        entries.extend(functions.folded);
    }
    entries.extend(pages.iter().flat_map(found));
    let mut files = BTreeMap::new();
    for at in 0..pages.len() {
        let html = frame::html(course, &pages, at);
        files.insert(pages[at].file.clone(), html.into_bytes());
    }
    files.insert(
        "assets/index.js".to_owned(),
        search::script(&entries)?.into_bytes(),
    );
    files.extend(assets::files());
    for (name, path) in links.pictures() {
        let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        files.insert(name, content);
    }
    Ok(Book {
        files,
        left_out: links.left_out(),
    })
}

impl Book {
    /// Writes the book to a folder, in place of the book that is there.
    ///
    /// # Errors
    /// Returns an error if something else is there, or it cannot be written.
    pub fn write(&self, out: &Path) -> Result<()> {
        output::write(&self.files, out)
    }
}

/// The pages of the files that others may link to, with their anchors.
fn links(course: &Course) -> Result<Links> {
    let mut links = Links::new(&course.root);
    links.add_page(home::README, ABOUT);
    let readme = text(&course.root.join(home::README))?;
    links.add_anchors(ABOUT, outline::anchors(&readme));
    for exercise in &course.exercises {
        let folder = Path::new("exercises").join(&exercise.folder);
        let handout = text(&course.root.join(&folder).join("README.md"))?;
        links.add_anchors(&exercise.handout(), outline::anchors(&handout));
        links.add_page(folder.join("README.md"), &exercise.handout());
        for place in ["hints.md", "src", "src/lib.rs"] {
            links.add_page(folder.join(place), &exercise.functions());
        }
        links.add_page(folder, &exercise.handout());
        if let Some(solution) = course.solution(exercise) {
            for place in ["README.md", "src", "src/lib.rs"] {
                links.add_page(solution.join(place), &exercise.functions());
            }
            links.add_page(solution, &exercise.functions());
        }
    }
    Ok(links)
}

/// The sections of a page, as the search finds them.
fn found(page: &Page) -> impl Iterator<Item = Entry> {
    page.sections.iter().map(|section| {
        let anchor = match section.anchor.as_str() {
            "" => String::new(),
            anchor => format!("#{anchor}"),
        };
        let title = if section.title.is_empty() {
            &page.title
        } else {
            &section.title
        };
        Entry {
            to: format!("{}{anchor}", page.file),
            title: title.clone(),
            page: page.title.clone(),
            words: squeezed(&section.words),
            folded: false,
        }
    })
}
