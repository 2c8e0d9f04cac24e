//! Finished results on disk: one file a submission, written whole or not at all, so that a batch that was killed goes
//! on where it was; and `results.json`, made of them.

use crate::grading::verdict::SubmissionGrade;
use crate::limits::LimitOverrides;
use crate::machine::files::{hold, write_whole, write_whole_by};
use anyhow::{Context, Result};
use serde::ser::{Error as _, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The version of `results.json`; it grows when a field changes its meaning or goes.
pub const SCHEMA: u32 = 3;

/// The folder that `--out` names, held by this process alone.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    terms: Terms,
    _lock: File,
}

/// The conditions that a result depends on besides the submission. They are stored with it, and it is reused only under
/// the same conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The grader's version.
    pub grader: String,
    /// The course's title.
    pub title: String,
    /// SHA-256 over the course's tests, manifests and solutions, and over the grader's sources.
    pub course: String,
    /// The exercises that are graded, by folder.
    pub exercises: Vec<String>,
    /// SHA-256 of the class's seed.
    pub seed: String,
    /// The data set that models are trained on: `none`, `digits` or `mnist`.
    pub train: String,
    /// The layers of the sandbox that are in force.
    pub sandbox: String,
    /// The limits set on the command line. Those of the exercises are part of the course.
    pub limits: LimitOverrides,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    terms: Terms,
    graded: SubmissionGrade,
}

impl Ledger {
    /// Opens the folder, or creates it.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be made or written, or another grader holds it.
    pub fn open(folder: &Path, terms: Terms) -> Result<Self> {
        for part in [
            folder.to_owned(),
            folder.join("submissions"),
            folder.join("reports"),
        ] {
            fs::create_dir_all(&part)
                .with_context(|| format!("{} cannot be created", part.display()))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            terms,
            _lock: hold(folder, "another grader")?,
        })
    }

    /// The result of a submission of this name, or of the one that it replaces, if there is one under the same terms.
    pub fn earlier(&self, name: &str) -> Option<SubmissionGrade> {
        let entry = read(&self.entry_path(name)).ok()?;
        (entry.terms == self.terms).then_some(entry.graded)
    }

    /// Writes a result and its report.
    ///
    /// # Errors
    /// Returns an error if they cannot be written.
    pub fn keep(&self, graded: &SubmissionGrade, report: &str) -> Result<()> {
        let report_path = self
            .folder
            .join("reports")
            .join(format!("{}.md", graded.submission));
        write_whole(&report_path, report)?;
        let entry = Entry {
            terms: self.terms.clone(),
            graded: graded.clone(),
        };
        write_whole_by(&self.entry_path(&graded.submission), |file| {
            Ok(serde_json::to_writer_pretty(file, &entry)?)
        })
    }

    /// Writes `results.json` with the results of the submissions named, in that order. They are read one at a time, so
    /// that memory does not grow with the class.
    ///
    /// # Errors
    /// Returns an error if a result is missing or the file cannot be written.
    pub fn write_results(&self, names: &[String]) -> Result<PathBuf> {
        let path = self.folder.join("results.json");
        let results = Results {
            schema: SCHEMA,
            terms: &self.terms,
            submissions: Entries {
                ledger: self,
                names,
            },
        };
        write_whole_by(&path, |file| {
            Ok(serde_json::to_writer_pretty(file, &results)?)
        })?;
        Ok(path)
    }

    fn entry_path(&self, name: &str) -> PathBuf {
        self.folder.join("submissions").join(format!("{name}.json"))
    }
}

#[derive(Serialize)]
struct Results<'a> {
    schema: u32,
    #[serde(flatten)]
    terms: &'a Terms,
    submissions: Entries<'a>,
}

/// The entries of a ledger, read while they are written.
struct Entries<'a> {
    ledger: &'a Ledger,
    names: &'a [String],
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = serializer.serialize_seq(Some(self.names.len()))?;
        for name in self.names {
            let entry = read(&self.ledger.entry_path(name))
                .map_err(|error| S::Error::custom(format!("{error:#}")))?;
            entries.serialize_element(&entry.graded)?;
        }
        entries.end()
    }
}

fn read(path: &Path) -> Result<Entry> {
    let text =
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a result", path.display()))
}
