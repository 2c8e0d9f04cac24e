//! The files that a call reads, and those that it writes.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The files of requests and of their answers.
pub(super) struct Files {
    /// The folder of answers, where there is one.
    pub(super) folder: Option<PathBuf>,
    /// Each file of tensors, and where its answer goes.
    pub(super) pairs: Vec<(PathBuf, PathBuf)>,
}

impl Files {
    /// One file; or, where `input` is a folder, each safetensors file in it, answered by one of its name in `output`.
    pub(super) fn of(input: &Path, output: &Path) -> Result<Self> {
        if !input.is_dir() {
            return Ok(Self {
                folder: None,
                pairs: vec![(input.to_owned(), output.to_owned())],
            });
        }
        let says = || format!("{} cannot be read", input.display());
        let mut pairs = vec![];
        for entry in fs::read_dir(input).with_context(says)? {
            let entry = entry.with_context(says)?;
            let path = entry.path();
            if path.extension().is_some_and(|end| end == "safetensors") {
                pairs.push((path, output.join(entry.file_name())));
            }
        }
        if pairs.is_empty() {
            bail!("{} holds no safetensors file", input.display());
        }
        pairs.sort();
        Ok(Self {
            folder: Some(output.to_owned()),
            pairs,
        })
    }

    pub(super) fn make_folder(&self) -> Result<()> {
        self.folder.iter().try_for_each(|folder| {
            fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be created", folder.display()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_answered_by_a_file() -> Result<()> {
        let files = Files::of("in.safetensors".as_ref(), "out".as_ref())?;
        assert_eq!(files.folder, None);
        assert_eq!(files.pairs, [("in.safetensors".into(), "out".into())]);
        Ok(())
    }

    #[test]
    fn each_safetensors_file_of_a_folder_is_answered_by_one_of_its_name() -> Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["b.safetensors", "a.safetensors", "notes.txt"] {
            fs::write(folder.path().join(name), "")?;
        }
        let output = folder.path().join("new/answers");
        let files = Files::of(folder.path(), &output)?;
        let pair = |name: &str| (folder.path().join(name), output.join(name));
        assert_eq!(files.pairs, ["a.safetensors", "b.safetensors"].map(pair));
        files.make_folder()?;
        assert!(output.is_dir());
        Ok(())
    }

    #[test]
    fn a_folder_without_such_files_is_an_error() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let error = Files::of(folder.path(), "out".as_ref()).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.ends_with("holds no safetensors file"), "{error}");
        Ok(())
    }
}
