//! The Rust files of a folder, by their paths within it.

use super::outline::Outline;
use crate::machine::files::write_whole;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The files with their contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sources(pub(super) BTreeMap<String, Vec<u8>>);

impl Sources {
    /// Reads the files of a folder; none where there is no folder. Links to folders are not followed.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut sources = Self::default();
        if folder.exists() {
            sources.add(folder, "")?;
        }
        Ok(sources)
    }

    fn add(&mut self, folder: &Path, within: &str) -> Result<()> {
        let says = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(folder).with_context(says)? {
            let entry = entry.with_context(says)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = entry.path();
            if entry.file_type().with_context(says)?.is_dir() {
                self.add(&path, &format!("{within}{name}/"))?;
            } else if Path::new(&name).extension().is_some_and(|end| end == "rs")
                && let Some(content) = read_file(&path)?
            {
                self.0.insert(format!("{within}{name}"), content);
            }
        }
        Ok(())
    }

    /// The text of a file.
    pub(super) fn text(&self, name: &str) -> Result<&str> {
        let content = self
            .0
            .get(name)
            .with_context(|| format!("src holds no {name}"))?;
        std::str::from_utf8(content)
            .with_context(|| format!("cannot read src/{name}: it is not UTF-8"))
    }

    /// The outlines of all files, by name.
    pub(super) fn outlines(&self) -> Result<BTreeMap<&str, Outline>> {
        let outline = |name| -> Result<_> {
            let outline = Outline::of(self.text(name)?, &modules(name));
            let outline = outline.with_context(|| format!("cannot read src/{name}"))?;
            Ok((name, outline))
        };
        self.0.keys().map(|name| outline(name.as_str())).collect()
    }
}

/// The module that a file is: `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn modules(name: &str) -> Vec<String> {
    let mut parts: Vec<_> = name.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&("lib" | "mod"))) {
        parts.pop();
    }
    parts.into_iter().map(str::to_owned).collect()
}

/// The content of a file; None if it is not there.
pub(super) fn read_file(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a file whole, or removes it. A link stays one, and what it leads to is written.
pub(super) fn write_file(path: &Path, content: Option<&[u8]>) -> Result<()> {
    let Some(content) = content else {
        return fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()));
    };
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write_whole(&path, content)
}
