//! The attacks as they lie on disk.

use crate::hint::WithHint;
use crate::sandbox::confine::Layer;
use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A hostile submission: what it is made of, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attack {
    /// `04-include-of-a-file`: the row of threats it belongs to, and what it is. The folder's name.
    #[serde(skip)]
    pub name: String,
    /// Where it lies.
    #[serde(skip)]
    pub folder: PathBuf,
    /// What it tries, in one line.
    pub tries: String,
    /// What stops it, in one line.
    pub stopped_by: String,
    /// The crate of the exercise that it hands in.
    pub exercise: String,
    /// The points that its honest part earns. More is a gain; less, and something of it was graded wrongly.
    pub points: f64,
    /// What its result must say, which shows that it got as far as to be stopped by what is said to stop it. None
    /// where it is not even looked at.
    pub evidence: Option<String>,
    /// What is changed in the solution. A text may hold the marks that `submission` fills in.
    #[serde(default)]
    pub edit: Vec<Edit>,
    /// Whole files besides, by their path in the submission.
    #[serde(default)]
    pub file: BTreeMap<String, String>,
    /// Files of the attack's folder that are handed in as they are, by their path in the submission.
    #[serde(default)]
    pub copy: BTreeMap<String, PathBuf>,
    /// That it is handed in as an archive of just these entries.
    pub archive: Option<Archive>,
    /// The name of its folder, if that is part of the attack; the attack's own otherwise.
    pub called: Option<String>,
    /// Layers that are left out from the start, for what is to be stopped by those behind them.
    #[serde(default)]
    pub past: Vec<Layer>,
    /// The layers without which it gains something: `attack --prove` shows it. One, where one alone stops it.
    #[serde(default)]
    pub gains_without: Vec<Layer>,
    /// What it takes to be tried, and is not there.
    pub needs: Option<String>,
}

/// One change of the solution's `src/lib.rs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// What stands there, once.
    pub find: String,
    /// What is put there.
    pub put: String,
}

/// An archive made entry by entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Archive {
    /// `zip` or `tar.gz`.
    pub format: String,
    /// Empty gzip members behind it.
    #[serde(default)]
    pub empty_members: usize,
    /// Records before a zip archive that look like its end.
    #[serde(default)]
    pub end_records: usize,
    /// Its entries, in order.
    pub entry: Vec<Entry>,
}

/// An entry of an archive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its path, as it is. `\xNN` stands for a byte.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: EntryKind,
    /// What it holds; where a link points. `\xNN` stands for a byte.
    #[serde(default)]
    pub text: String,
    /// MiB of zeros that it holds.
    #[serde(default)]
    pub zeros: usize,
    /// How many there are of it, with their number put for `{i}`.
    #[serde(default = "one")]
    pub count: usize,
}

fn one() -> usize {
    1
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A file.
    #[default]
    File,
    /// A symbolic link.
    Link,
    /// A second name for another file.
    Hardlink,
    /// A device.
    Device,
}

/// Reads the attacks of the course at `root`, by name; those whose name begins with one of `only`, if any are given.
///
/// # Errors
/// Where one is not as it must be, or there is none of a name.
pub fn corpus(root: &Path, only: &[String]) -> Result<Vec<Attack>> {
    let folder = root.join("grader/testdata/hostile");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut attacks = vec![];
    for entry in entries {
        let folder = entry?.path();
        let path = folder.join("attack.toml");
        let says = || format!("{} is not an attack", path.display());
        let text = fs::read_to_string(&path).with_context(says)?;
        let mut attack: Attack = toml::from_str(&text).with_context(says)?;
        attack.name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        attack.folder = folder;
        attacks.push(attack);
    }
    attacks.sort_by(|a, b| a.name.cmp(&b.name));
    for name in only {
        if !attacks.iter().any(|attack| attack.name.starts_with(name)) {
            let hint = format!("the attacks are the folders of {}", folder.display());
            return Err(anyhow!("there is no attack {name:?}")).hint(hint);
        }
    }
    let wanted = |attack: &Attack| only.iter().any(|name| attack.name.starts_with(name));
    attacks.retain(|attack| only.is_empty() || wanted(attack));
    Ok(attacks)
}
