//! The course as the book takes it from the manifests: the exercises in order, and whether solutions may be shown.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The course.
#[derive(Clone, Debug)]
pub struct Course {
    /// Its top folder.
    pub root: PathBuf,
    /// Its title.
    pub title: String,
    /// True if the solutions are not to be shown.
    pub withholds_solutions: bool,
    /// Its exercises, in order.
    pub exercises: Vec<Exercise>,
}

/// One exercise.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// The name of its folder, by which its pages are called, too.
    pub folder: String,
    /// The name of its crate.
    pub name: String,
    /// The title.
    pub title: String,
    /// One sentence on what is written.
    pub description: String,
    /// The approximate time that it takes, in minutes.
    pub minutes: u32,
    /// From 1, easy, to 5.
    pub difficulty: u8,
    /// The folders of the exercises whose crates it uses.
    pub builds_on: Vec<String>,
    /// True if its functions work on libtorch's tensors.
    pub uses_torch: bool,
}

#[derive(Deserialize)]
struct Top {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    metadata: TopMetadata,
}

#[derive(Deserialize)]
struct TopMetadata {
    course: CourseFacts,
}

#[derive(Deserialize)]
struct CourseFacts {
    title: String,
    solutions: Option<String>,
}

#[derive(Deserialize)]
struct Manifest {
    package: Package,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    description: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    exercise: ExerciseMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ExerciseMetadata {
    title: String,
    minutes: u32,
    difficulty: u8,
    #[serde(default)]
    builds_on: Vec<String>,
}

impl Course {
    /// Reads the manifests of a checkout.
    ///
    /// # Errors
    /// Returns an error if a manifest cannot be read or is not valid, or there is no exercise.
    pub fn read(root: &Path) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot open {}", root.display()))?;
        let top: Top = manifest(&root.join("Cargo.toml"))?;
        let facts = top.workspace.metadata.course;
        let withholds_solutions = match facts.solutions.as_deref() {
            None | Some("shown") => false,
            Some("withheld") => true,
            Some(other) => bail!(
                "{}: solutions = {other:?} is neither \"shown\" nor \"withheld\"",
                root.join("Cargo.toml").display()
            ),
        };
        let folder = root.join("exercises");
        let says = || format!("cannot read {}", folder.display());
        let mut exercises = vec![];
        for entry in fs::read_dir(&folder).with_context(says)? {
            let path = entry.with_context(says)?.path();
            if path.join("Cargo.toml").is_file() {
                exercises.push(Exercise::read(&path)?);
            }
        }
        if exercises.is_empty() {
            bail!("{} holds no exercise", folder.display());
        }
        exercises.sort_by(|a, b| a.folder.cmp(&b.folder));
        Ok(Self {
            root,
            title: facts.title,
            withholds_solutions,
            exercises,
        })
    }

    /// The folder of an exercise's solution; none where it is withheld or not there.
    pub fn solution(&self, exercise: &Exercise) -> Option<PathBuf> {
        let folder = Path::new("solutions").join(&exercise.folder);
        (!self.withholds_solutions && self.root.join(&folder).is_dir()).then_some(folder)
    }
}

impl Exercise {
    fn read(path: &Path) -> Result<Self> {
        let Manifest {
            package,
            dependencies,
        } = manifest(&path.join("Cargo.toml"))?;
        let folder = path.file_name().and_then(|name| name.to_str());
        let folder = folder.with_context(|| format!("{} is not UTF-8", path.display()))?;
        let ExerciseMetadata {
            title,
            minutes,
            difficulty,
            builds_on,
        } = package.metadata.exercise;
        Ok(Self {
            folder: folder.to_owned(),
            name: package.name,
            title,
            description: package.description,
            minutes,
            difficulty: difficulty.clamp(1, 5),
            builds_on,
            uses_torch: dependencies.contains_key("tch"),
        })
    }

    /// The number in front of the folder's name.
    pub fn number(&self) -> &str {
        let digits = self.folder.find(|c: char| !c.is_ascii_digit());
        &self.folder[..digits.unwrap_or(self.folder.len())]
    }

    /// The page of the handout.
    pub fn handout(&self) -> String {
        format!("{}.html", self.folder)
    }

    /// The page of the functions, with hints and solution.
    pub fn functions(&self) -> String {
        format!("{}-functions.html", self.folder)
    }
}

fn manifest<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    toml::from_str(&text(path)?).with_context(|| format!("cannot read {}", path.display()))
}

/// The text of a file.
///
/// # Errors
/// Returns an error if it cannot be read.
pub fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
