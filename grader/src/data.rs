//! The data sets: their folders, the files that are there, and loading them.

use crate::machine::libtorch::CACHE_FOLDER;
use crate::machine::setup::Surroundings;
use anyhow::{Context, Result};
use clap::ValueEnum;
use datasets::digits::{DigitsConfig, generate};
use datasets::fetch::Source;
use datasets::{Dataset, fashion_mnist, mnist};
use hints::WithHint;
use serde::{Deserialize, Serialize};
use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    /// Digits made from a seed, with nothing to fetch
    Digits,
    /// Handwritten digits (LeCun, Cortes and Burges, 1998)
    Mnist,
    /// Articles of clothing (Xiao, Rasul and Vollgraf, 2017)
    FashionMnist,
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Set::Digits => "digits",
            Set::Mnist => "mnist",
            Set::FashionMnist => "fashion-mnist",
        })
    }
}

/// The part of a published data set that is in its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Bytes of what is whole, and of what is begun.
    pub here: u64,
    /// Bytes of all its files, packed.
    pub all: u64,
    /// The files that are not whole.
    pub missing: Vec<String>,
}

impl Set {
    /// All of them.
    pub const ALL: [Set; 3] = [Set::Digits, Set::Mnist, Set::FashionMnist];

    /// The source of its files; None for the digits, which are generated.
    pub fn source(self) -> Option<Source> {
        match self {
            Set::Digits => None,
            Set::Mnist => Some(mnist::source()),
            Set::FashionMnist => Some(fashion_mnist::source()),
        }
    }

    /// The folder of its files: below `folder`, if that is given; else the value of `MNIST_DIR`, for MNIST; else in the
    /// user's cache.
    ///
    /// # Errors
    /// Returns an error if there is no cache folder.
    pub fn folder(self, folder: Option<&Path>) -> Result<PathBuf> {
        if let Some(folder) = folder {
            return Ok(folder.join(self.to_string()));
        }
        let named = env::var_os(mnist::DIR_VARIABLE).filter(|name| !name.is_empty());
        if let (Set::Mnist, Some(named)) = (self, named) {
            return Ok(named.into());
        }
        let cache = Surroundings::of(Path::new("")).cache;
        let cache = cache
            .context("there is no folder for caches: neither HOME nor XDG_CACHE_HOME is set")
            .hint("name a folder with --data-dir")?;
        Ok(cache
            .join(CACHE_FOLDER)
            .join("datasets")
            .join(self.to_string()))
    }

    /// The folder of its files below a folder that the user names: the one that `data fetch --data-dir` made there, or
    /// else the folder itself.
    pub fn folder_in(self, folder: &Path) -> PathBuf {
        let fetched = folder.join(self.to_string());
        if fetched.is_dir() {
            fetched
        } else {
            folder.to_owned()
        }
    }

    /// The files that are in the folder, by name and size alone: loading them checks that they are the published ones.
    /// `None` for the digits.
    pub fn stock(self, folder: &Path) -> Option<Stock> {
        let source = self.source()?;
        let size = |name: &str| {
            let about = fs::metadata(folder.join(name)).ok();
            about.filter(fs::Metadata::is_file).map(|about| about.len())
        };
        let mut stock = Stock {
            here: 0,
            all: source.files.iter().map(|file| file.bytes).sum(),
            missing: vec![],
        };
        for file in &source.files {
            // Unpacked, or packed by somebody else, it is as good.
            let unpacked = file.name.strip_suffix(".gz").and_then(size);
            let is_there = |bytes: Option<u64>| bytes.is_some_and(|bytes| bytes > 0);
            if is_there(size(&file.name)) || is_there(unpacked) {
                stock.here += file.bytes;
            } else {
                let begun = size(&format!("{}.partial", file.name)).unwrap_or(0);
                stock.here += begun.min(file.bytes);
                stock.missing.push(file.name.clone());
            }
        }
        Some(stock)
    }

    /// The hint where its files are missing.
    pub fn how_to_fetch(self) -> String {
        format!("`cargo grader data fetch {self}` downloads it; --data-dir names another folder")
    }

    /// The names of the classes, by label.
    pub fn classes(self) -> Vec<String> {
        match self {
            Set::Digits | Set::Mnist => (0..10).map(|digit| digit.to_string()).collect(),
            Set::FashionMnist => fashion_mnist::CLASSES.map(str::to_owned).into(),
        }
    }

    /// Some of its test images, or all.
    ///
    /// # Errors
    /// Returns an error if its files are missing, or are not the published ones.
    pub fn load(self, folder: Option<&Path>) -> Result<Dataset> {
        let from = |load: fn(&Path) -> Result<datasets::Split, datasets::LoadError>| {
            let folder = self.folder(folder)?;
            let split = load(&folder)
                .with_context(|| format!("{self} cannot be shown"))
                .hint(self.how_to_fetch())?;
            Ok(split.test)
        };
        match self {
            Set::Digits => {
                let config = DigitsConfig {
                    seed: 0,
                    train: 0,
                    validation: 0,
                    test: 600,
                };
                Ok(generate(&config).test)
            }
            Set::Mnist => from(mnist::load),
            Set::FashionMnist => from(fashion_mnist::load),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hints::hints;

    #[test]
    fn what_is_whole_begun_and_missing_is_told_apart() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let write = |name: &str, bytes: u64| -> Result<()> {
            let file = fs::File::create(folder.path().join(name))?;
            Ok(file.set_len(bytes)?)
        };
        let files = mnist::source().files;
        let nothing = Set::Mnist.stock(folder.path()).context("it has files")?;
        assert_eq!((nothing.here, nothing.missing.len()), (0, 4));
        assert_eq!(nothing.all, 11_594_722);
        write(&files[0].name, files[0].bytes)?;
        write("train-labels-idx1-ubyte", 60_008)?;
        write(&format!("{}.partial", files[2].name), 1000)?;
        write(&files[3].name, 0)?; // nothing in it
        let some = Set::Mnist.stock(folder.path()).context("it has files")?;
        assert_eq!(some.here, files[0].bytes + files[1].bytes + 1000);
        assert_eq!(some.missing, [files[2].name.clone(), files[3].name.clone()]);
        assert_eq!(Set::Digits.stock(folder.path()), None);
        Ok(())
    }

    #[test]
    fn each_set_has_a_folder_of_its_own() -> Result<()> {
        let folder = Path::new("data");
        assert_eq!(Set::Mnist.folder(Some(folder))?, Path::new("data/mnist"));
        assert_eq!(
            Set::FashionMnist.folder(Some(folder))?,
            Path::new("data/fashion-mnist")
        );
        Ok(())
    }

    #[test]
    fn what_was_fetched_into_a_folder_is_found_in_it_and_so_are_files_that_lie_there() -> Result<()>
    {
        let folder = tempfile::tempdir()?;
        assert_eq!(Set::Mnist.folder_in(folder.path()), folder.path());
        let fetched = Set::Mnist.folder(Some(folder.path()))?;
        fs::create_dir(&fetched)?;
        assert_eq!(Set::Mnist.folder_in(folder.path()), fetched);
        assert_eq!(Set::FashionMnist.folder_in(folder.path()), folder.path());
        Ok(())
    }

    #[test]
    fn what_is_not_there_says_how_to_get_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let error = Set::FashionMnist
            .load(Some(folder.path()))
            .expect_err("an empty folder");
        let expected =
            "`cargo grader data fetch fashion-mnist` downloads it; --data-dir names another folder";
        assert_eq!(hints(&error), [expected]);
        assert_eq!(Set::Digits.load(None)?.len(), 600);
        Ok(())
    }
}
