//! The folder of a book: written beside its place, and moved there when it is whole.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The file by which a folder is known as a book.
const MARK: &str = ".book";

/// The content of that file.
const MARKED: &str = "A book made by `cargo grader book`, which may replace this folder.\n";

/// Writes files to a folder, in place of the book that is there.
///
/// # Errors
/// Returns an error if something else is there, or the files cannot be written; what was there stays then.
pub(crate) fn write(files: &BTreeMap<String, Vec<u8>>, out: &Path) -> Result<()> {
    // A link to a folder is followed: what it leads to is replaced.
    let out = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    let is_there = out.symlink_metadata().is_ok();
    if is_there && !is_book(&out)? {
        bail!(
            "{} is there and is not a book: name another folder with --out",
            out.display()
        );
    }
    let parent = match out.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let says = || format!("cannot write {}", out.display());
    fs::create_dir_all(&parent).with_context(says)?;
    let scratch = tempfile::Builder::new()
        .prefix(".book-")
        .tempdir_in(&parent)
        .with_context(says)?;
    // Folders of their own: who may read them is the umask's to say.
    let (new, old) = (scratch.path().join("new"), scratch.path().join("old"));
    fs::create_dir(&new).with_context(says)?;
    for (name, content) in files {
        let path = new.join(name);
        let folder = path.parent().unwrap_or(&new);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, content))
            .with_context(says)?;
    }
    fs::write(new.join(MARK), MARKED).with_context(says)?;
    if is_there {
        fs::rename(&out, &old).with_context(says)?;
    }
    if let Err(error) = fs::rename(&new, &out) {
        if is_there {
            fs::rename(&old, &out).with_context(says)?;
        }
        return Err(error).with_context(says);
    }
    Ok(())
}

/// Returns whether a place may be replaced: an empty folder, or one that holds a book.
fn is_book(place: &Path) -> Result<bool> {
    if !place.is_dir() {
        return Ok(false);
    }
    let mut entries =
        fs::read_dir(place).with_context(|| format!("cannot read {}", place.display()))?;
    let marked = fs::read_to_string(place.join(MARK));
    Ok(marked.is_ok_and(|it| it == MARKED) || entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(content: &str) -> BTreeMap<String, Vec<u8>> {
        let names = ["index.html", "assets/book.css"];
        names
            .map(|name| (name.to_owned(), content.as_bytes().to_vec()))
            .into()
    }

    #[test]
    fn a_book_replaces_a_book_whole() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let out = folder.path().join("deep/book");
        let mut first = files("first");
        first.insert("gone.html".to_owned(), vec![]);
        write(&first, &out)?;
        write(&files("second"), &out)?;
        assert_eq!(fs::read_to_string(out.join("assets/book.css"))?, "second");
        assert!(!out.join("gone.html").exists());
        let beside = fs::read_dir(folder.path().join("deep"))?.count();
        assert_eq!(beside, 1, "scratch folders are left");
        Ok(())
    }

    #[test]
    fn what_is_not_a_book_stays_as_it_is() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let thesis = folder.path().join("thesis.txt");
        fs::write(&thesis, "years of work")?;
        for out in [folder.path(), &thesis] {
            let error = write(&files("book"), out)
                .expect_err("not a book")
                .to_string();
            assert!(error.contains("is not a book"), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        assert_eq!(fs::read_to_string(&thesis)?, "years of work");
        Ok(())
    }

    #[test]
    fn an_empty_folder_and_a_linked_one_become_books() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (empty, link) = (folder.path().join("empty"), folder.path().join("link"));
        fs::create_dir(&empty)?;
        std::os::unix::fs::symlink(&empty, &link)?;
        write(&files("book"), &link)?;
        assert!(link.symlink_metadata()?.is_symlink());
        assert!(empty.join("index.html").is_file());
        Ok(())
    }
}
