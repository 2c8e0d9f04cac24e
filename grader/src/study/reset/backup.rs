//! Backups of the code that resets replace, in `.study/backups/CRATE/NUMBER`: the files as they were, and `entry.json` with
//! digests of the files that the reset left in their place.

use super::Change;
use super::sources::{Sources, read_file};
use crate::machine::files::{hold_in_turn, write_whole};
use crate::study::record::FOLDER;
use anyhow::{Context, Result};
use intake::PartsDigest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file that describes a backup.
const ENTRY: &str = "entry.json";

/// The folder in it with the files as they were.
const BEFORE: &str = "before";

/// The backups of an exercise.
#[derive(Clone, Debug)]
pub(super) struct Backups {
    folder: PathBuf,
    /// The same within the course.
    shown: String,
}

/// A reset that can be undone.
#[derive(Clone, Debug)]
pub(super) struct Backup {
    pub(super) number: u32,
    pub(super) item: Option<String>,
    pub(super) before: BTreeMap<String, Vec<u8>>,
    entry: Entry,
    place: String,
}

/// `entry.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// The function or type that was reset; None for the whole exercise.
    item: Option<String>,
    /// True if the reset is undone, or if the backup was made by an undo.
    undone: bool,
    /// The SHA-256 of each file that the reset left; None where it removed one.
    after: BTreeMap<String, Option<String>>,
}

impl Backups {
    /// The backups of an exercise, by its crate.
    pub(super) fn of(root: &Path, name: &str) -> Self {
        Self {
            folder: root.join(FOLDER).join("backups").join(name),
            shown: format!("{FOLDER}/backups/{name}"),
        }
    }

    /// Holds the backups, and with them the sources, for this process; another one is waited for.
    pub(super) fn hold(&self) -> Result<File> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot create {}", self.folder.display()))?;
        hold_in_turn(&self.folder)
    }

    /// The numbers of the backups, from the first.
    fn numbers(&self) -> Result<Vec<u32>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
            entries => entries.with_context(|| format!("cannot read {}", self.folder.display()))?,
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut numbers: Vec<u32> = names.filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The last reset that is not undone.
    pub(super) fn last(&self) -> Result<Option<Backup>> {
        for number in self.numbers()?.into_iter().rev() {
            let entry = self.entry(number)?;
            if !entry.undone {
                let folder = self.folder.join(number.to_string());
                return Ok(Some(Backup {
                    number,
                    item: entry.item.clone(),
                    before: Sources::read(&folder.join(BEFORE))?.0,
                    entry,
                    place: format!("{}/{number}/{BEFORE}", self.shown),
                }));
            }
        }
        Ok(None)
    }

    fn entry_path(&self, number: u32) -> PathBuf {
        self.folder.join(number.to_string()).join(ENTRY)
    }

    fn entry(&self, number: u32) -> Result<Entry> {
        let path = self.entry_path(number);
        let text = read_file(&path)?.with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} does not describe a backup", path.display()))
    }

    /// Keeps the files that a change is about. Returns the place of the copies within the course.
    pub(super) fn keep(
        &self,
        item: Option<&str>,
        changes: &BTreeMap<String, Change>,
        undoes: Option<u32>,
    ) -> Result<String> {
        let number = self.numbers()?.last().map_or(1, |last| last + 1);
        let says = || format!("cannot write a backup to {}", self.folder.display());
        // Moved into its place whole: half a backup is none.
        let scratch = tempfile::Builder::new()
            .prefix(".unfinished-")
            .tempdir_in(&self.folder)
            .with_context(says)?;
        for (name, change) in changes {
            if let Some(content) = &change.before {
                let path = scratch.path().join(BEFORE).join(name);
                fs::create_dir_all(path.parent().unwrap_or(scratch.path())).with_context(says)?;
                write_whole(&path, content)?;
            }
        }
        let digest = |change: &Change| change.after.as_deref().map(digest_of);
        let entry = Entry {
            item: item.map(str::to_owned),
            undone: undoes.is_some(),
            after: changes
                .iter()
                .map(|(name, it)| (name.clone(), digest(it)))
                .collect(),
        };
        let text = serde_json::to_string_pretty(&entry).with_context(says)?;
        write_whole(&scratch.path().join(ENTRY), text + "\n")?;
        fs::rename(scratch.path(), self.folder.join(number.to_string())).with_context(says)?;
        Ok(format!("{}/{number}/{BEFORE}", self.shown))
    }

    /// Notes that a reset is undone.
    pub(super) fn set_undone(&self, number: u32) -> Result<()> {
        let mut entry = self.entry(number)?;
        entry.undone = true;
        let text = serde_json::to_string_pretty(&entry).context("cannot write a backup")?;
        write_whole(&self.entry_path(number), text + "\n")
    }
}

impl Backup {
    /// The place of the copies within the course.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Returns whether the files are still as the reset left them.
    pub(super) fn is_as_left(&self, current: &BTreeMap<String, Vec<u8>>) -> bool {
        let mut files = self.entry.after.iter();
        files.all(|(name, after)| current.get(name).map(|it| digest_of(it)) == *after)
    }

    /// The sources with the files of the backup as they were.
    pub(super) fn restored(&self, current: &BTreeMap<String, Vec<u8>>) -> Sources {
        let mut files = current.clone();
        for name in self.entry.after.keys() {
            match self.before.get(name) {
                Some(content) => files.insert(name.clone(), content.clone()),
                None => files.remove(name),
            };
        }
        Sources(files)
    }
}

/// The SHA-256 of a file's content.
fn digest_of(content: &[u8]) -> String {
    let mut digest = PartsDigest::default();
    digest.add(content);
    digest.hex()
}
