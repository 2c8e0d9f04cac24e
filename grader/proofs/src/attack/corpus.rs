//! The attacks, as they are stored on disk.

use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use sandbox::Layer;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A hostile submission: its parts, and the result that it must get.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attack {
    /// `04-include-of-a-file`: the row of threats it belongs to, and what it is. The folder's name.
    #[serde(skip)]
    pub name: String,
    /// The attack's folder.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The aim of the attack, in one line.
    pub tries: String,
    /// The defence that stops it, in one line.
    pub stopped_by: String,
    /// The crate of the exercise that it hands in.
    pub exercise: String,
    /// The points that its honest part earns. More is a gain; less, and something of it was graded wrongly.
    pub points: f64,
    /// A text that its result must contain. It shows that the attack got as far as the defence that is said to stop it.
    /// None if the submission is not even looked at.
    pub evidence: Option<String>,
    /// The changes to the solution. A text may hold the marks that `submission` fills in.
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
    /// Layers that are left out from the start, for an attack that the layers behind them are to stop.
    #[serde(default)]
    pub past: Vec<Layer>,
    /// The layers without which the attack gains something, as `attack --prove` shows. A single layer if that alone
    /// stops it.
    #[serde(default)]
    pub gains_without: Vec<Layer>,
    /// A requirement that this project does not meet, without which the attack cannot be tried.
    pub needs: Option<String>,
}

/// One change of the solution's `src/lib.rs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The text to be replaced, which occurs exactly once.
    pub find: String,
    /// The replacement.
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
    /// The kind of the entry.
    #[serde(default)]
    pub kind: EntryKind,
    /// The content of a file, or the target of a link. `\xNN` stands for a byte.
    #[serde(default)]
    pub text: String,
    /// MiB of zeros that it holds.
    #[serde(default)]
    pub zeros: usize,
    /// The number of copies of the entry. `{i}` stands for the number of each.
    #[serde(default = "one")]
    pub count: usize,
}

fn one() -> usize {
    1
}

/// The kind of an archive's entry.
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

/// Reads the attacks of the course at `root`, sorted by name; if `only` is not empty, those whose name begins with one
/// of its texts.
///
/// # Errors
/// Returns an error if an attack cannot be read, or no attack's name begins with one of `only`.
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
