//! Links of the course's files, turned into links between pages.

use anyhow::{Context, Result, bail};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The pages that files have, and the pictures that pages show.
#[derive(Debug, Default)]
pub(crate) struct Links {
    root: PathBuf,
    /// The page of each file or folder, below the course's root.
    pages: BTreeMap<PathBuf, String>,
    /// The anchors of each page to which files link.
    anchors: BTreeMap<String, BTreeSet<String>>,
    /// The pictures to be copied: the name in the book, and the file.
    pictures: RefCell<BTreeMap<String, PathBuf>>,
    /// Links that have no page in the book: the file that has each, and where it leads.
    left_out: RefCell<Vec<(PathBuf, String)>>,
}

/// The place that a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A page of the book, or a part of one.
    Page(String),
    /// Another site.
    Site,
    /// Nothing that the book has.
    Nowhere,
}

/// A picture as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Its place in the book.
    pub(crate) source: String,
    /// Width and height in pixels, where the file says.
    pub(crate) size: Option<(u32, u32)>,
}

impl Links {
    /// Links of the course at `root`, with no pages yet.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ..Self::default()
        }
    }

    /// Adds the page of a file or folder.
    pub(crate) fn add_page(&mut self, place: impl Into<PathBuf>, page: &str) {
        self.pages.insert(place.into(), page.to_owned());
    }

    /// Adds anchors that links may lead to.
    pub(crate) fn add_anchors(&mut self, page: &str, anchors: impl IntoIterator<Item = String>) {
        self.anchors
            .entry(page.to_owned())
            .or_default()
            .extend(anchors);
    }

    /// The target of a link in a file. One that leads nowhere is written down.
    pub(crate) fn target(&self, file: &Path, page: &str, link: &str) -> Target {
        let target = self.find(file, page, link);
        if target == Target::Nowhere {
            let mut left_out = self.left_out.borrow_mut();
            left_out.push((file.to_owned(), link.to_owned()));
        }
        target
    }

    fn find(&self, file: &Path, page: &str, link: &str) -> Target {
        if ["https://", "http://", "mailto:"]
            .iter()
            .any(|it| link.starts_with(it))
        {
            return Target::Site;
        }
        let (path, anchor) = match link.split_once('#') {
            Some((path, anchor)) => (path, Some(anchor)),
            None => (link, None),
        };
        let found = match path.is_empty() {
            true => Some(page),
            false => beside(file, path)
                .and_then(|it| self.pages.get(&it))
                .map(String::as_str),
        };
        let Some(found) = found else {
            return Target::Nowhere;
        };
        let has = |anchor: &str| {
            self.anchors
                .get(found)
                .is_some_and(|all| all.contains(anchor))
        };
        match anchor {
            None => Target::Page(found.to_owned()),
            Some(anchor) if has(anchor) => Target::Page(format!("{found}#{anchor}")),
            Some(_) => Target::Nowhere,
        }
    }

    /// A picture that a file shows.
    ///
    /// # Errors
    /// Returns an error if it is not a picture below the course's folder, or not there.
    pub(crate) fn picture(&self, file: &Path, link: &str) -> Result<Picture> {
        let place = beside(file, link).with_context(|| {
            format!(
                "{}: the picture {link} is not below the course's folder",
                file.display()
            )
        })?;
        let ending = place
            .extension()
            .and_then(|it| it.to_str())
            .unwrap_or_default();
        if !["gif", "jpeg", "jpg", "png", "svg", "webp"].contains(&ending) {
            bail!("{}: {link} is not a picture", file.display());
        }
        let path = self.root.join(&place);
        let bytes = fs::read(&path)
            .with_context(|| format!("{}: cannot read the picture {link}", file.display()))?;
        let parts = place.iter().map(|part| part.to_string_lossy());
        let name = parts
            .filter(|it| it != "exercises")
            .collect::<Vec<_>>()
            .join("-");
        let source = format!("pictures/{name}");
        self.pictures.borrow_mut().insert(source.clone(), path);
        Ok(Picture {
            source,
            size: png_size(&bytes),
        })
    }

    /// The pictures that pages show, with their places in the book.
    pub(crate) fn pictures(&self) -> BTreeMap<String, PathBuf> {
        self.pictures.borrow().clone()
    }

    /// Links that lead to nothing in the book, with the file that has each.
    pub(crate) fn left_out(&self) -> Vec<(PathBuf, String)> {
        self.left_out.borrow().clone()
    }
}

/// A path beside a file, below the course's root; none where it would leave it.
fn beside(file: &Path, path: &str) -> Option<PathBuf> {
    let mut place = file.parent()?.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => place.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !place.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(place)
}

/// The size that a PNG file gives in its first chunk.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return None;
    }
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

/// The anchors that GitHub gives to headings: one for each, with a number where one was there before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Anchors(BTreeSet<String>);

impl Anchors {
    /// The anchor of a heading.
    pub(crate) fn of(&mut self, heading: &str) -> String {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter_map(|c| match c {
            ' ' | '-' => Some('-'),
            '_' => Some('_'),
            c => c.is_alphanumeric().then_some(c),
        });
        let name: String = kept.collect();
        let name = if name.is_empty() {
            "section".to_owned()
        } else {
            name
        };
        let names = (1..).map(|n| format!("{name}-{n}"));
        let mut names = std::iter::once(name.clone()).chain(names);
        let free = names.find(|it| !self.0.contains(it)).unwrap_or(name);
        self.0.insert(free.clone());
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        let mut links = Links::new(Path::new("/course"));
        links.add_page("exercises/02-b", "02-b.html");
        links.add_page("exercises/02-b/README.md", "02-b.html");
        links.add_anchors("02-b.html", ["run-it".to_owned()]);
        links.add_anchors("01-a.html", ["shapes".to_owned()]);
        links
    }

    #[test]
    fn relative_links_lead_to_pages_and_all_others_nowhere() {
        let links = links();
        let target = |link| links.target(Path::new("exercises/01-a/README.md"), "01-a.html", link);
        let page = |page: &str| Target::Page(page.to_owned());
        assert_eq!(target("../02-b"), page("02-b.html"));
        assert_eq!(target("../02-b/"), page("02-b.html"));
        assert_eq!(target("../02-b/README.md#run-it"), page("02-b.html#run-it"));
        assert_eq!(target("#shapes"), page("01-a.html#shapes"));
        assert_eq!(target("https://example.org/a"), Target::Site);
        assert_eq!(links.left_out(), []);
        let nowhere = [
            "../02-b/README.md#no-such",
            "../03-c",
            "../../../etc/passwd",
            "/etc/passwd",
            "javascript:alert(1)",
            "data:text/html,a",
            "file:///etc/passwd",
            "//example.org/a",
        ];
        for link in nowhere {
            assert_eq!(target(link), Target::Nowhere, "{link}");
        }
        assert_eq!(links.left_out().len(), nowhere.len());
    }

    #[test]
    fn pictures_outside_the_course_are_not_taken() {
        for link in ["../../../a.png", "/etc/a.png", "../../.git/config"] {
            let found = links().picture(Path::new("exercises/01-a/README.md"), link);
            assert!(found.is_err(), "{link}");
        }
    }

    #[test]
    fn headings_get_the_anchors_that_github_gives_them() {
        let mut anchors = Anchors::default();
        assert_eq!(
            anchors.of("An example, to do by_hand"),
            "an-example-to-do-by_hand"
        );
        assert_eq!(anchors.of("01 · Patches"), "01--patches");
        assert_eq!(anchors.of("Shapes"), "shapes");
        assert_eq!(anchors.of("Shapes"), "shapes-1");
        assert_eq!(anchors.of("√"), "section");
    }
}
