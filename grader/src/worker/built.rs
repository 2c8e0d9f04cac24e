//! The record of what was built, and of what it was built of. As long as none of it has changed, cargo is not asked again: it
//! takes half a second to say so. In doubt it is asked.

use crate::course::{Course, Exercise};
use crate::machine::files::{version_of, write_whole};
use crate::machine::libtorch::{CPU_LIBRARY, LINK};
use crate::machine::settings;
use crate::machine::tools;
use anyhow::Result;
use intake::PartsDigest;
use sandbox::confining_program;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of the records within the course.
const FOLDER: &str = "target/grader/built";

/// Variables that shells set for themselves: they change from command to command, and no build depends on them.
const OF_SHELLS: [&str; 6] = ["COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "_"];

/// The record of what was built for some exercises.
pub(super) struct BuildRecord {
    path: PathBuf,
    /// The digest of all that a build depends on, as it is now.
    inputs: String,
}

/// The content of a record.
#[derive(Serialize, Deserialize)]
struct BuildEntry<T> {
    inputs: String,
    built: T,
    /// The files that were built.
    files: BTreeMap<PathBuf, (u64, SystemTime)>,
}

impl BuildRecord {
    /// The record for these exercises, whether it is there or not.
    ///
    /// # Errors
    /// Returns an error if a folder of the course cannot be read.
    pub(super) fn of(course: &Course, exercises: &[Exercise]) -> Result<Self> {
        let mut names = PartsDigest::default();
        let mut inputs = PartsDigest::default();
        for exercise in exercises {
            names.add(exercise.folder.as_bytes());
            inputs.add(exercise.folder.as_bytes());
            for file in course.sources_of_earlier(exercise)? {
                add_file(&mut inputs, &course.root.join(file));
            }
        }
        for file in course.files_of_builds()? {
            add_file(&mut inputs, &course.root.join(file));
        }
        for file in settings::files_of_builds(&course.root) {
            add_file(&mut inputs, &file);
        }
        for file in tools::files_of_the_choice(&course.root) {
            add_file(&mut inputs, &file);
        }
        // The options with which it builds are the grader's own.
        add_file(&mut inputs, &confining_program()?);
        let torch = course.root.join(LINK);
        let torch = torch.canonicalize().unwrap_or(torch);
        add_file(&mut inputs, &torch.join("lib").join(CPU_LIBRARY));
        for (name, value) in env::vars_os() {
            let is_left_out =
                |name: &str| OF_SHELLS.contains(&name) || settings::is_of_a_package(name);
            if !name.to_str().is_some_and(is_left_out) {
                inputs.add(name.as_encoded_bytes());
                inputs.add(value.as_encoded_bytes());
            }
        }
        let name = format!("{}.json", &names.hex()[..16]);
        Ok(Self {
            path: course.root.join(FOLDER).join(name),
            inputs: inputs.hex(),
        })
    }

    /// The files that were built, if they are unchanged and nothing has changed that they were built from.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        let kept: BuildEntry<T> = serde_json::from_slice(&fs::read(&self.path).ok()?).ok()?;
        let is_there = |(file, version): (&PathBuf, &(u64, SystemTime))| {
            version_of(file).is_ok_and(|now| now == *version)
        };
        (kept.inputs == self.inputs && kept.files.iter().all(is_there)).then_some(kept.built)
    }

    /// Keeps what was built, in these files. The inputs are those of before the build: what changed meanwhile is seen the
    /// next time.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub(super) fn write(self, built: impl Serialize, files: Vec<PathBuf>) -> Result<()> {
        let files = files.into_iter();
        let files = files.map(|file| version_of(&file).map(|version| (file, version)));
        let kept = BuildEntry {
            files: files.collect::<io::Result<_>>()?,
            built,
            inputs: self.inputs,
        };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        write_whole(&self.path, serde_json::to_vec(&kept)?)
    }
}

/// Adds a file's name, size and time, or that there is none.
fn add_file(digest: &mut PartsDigest, file: &Path) {
    digest.add(file.as_os_str().as_encoded_bytes());
    digest.add(format!("{:?}", version_of(file).ok()).as_bytes());
}
