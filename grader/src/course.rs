//! The course as it lies on disk: its exercises, with the content of each one's Cargo.toml.

use crate::limits::LimitOverrides;
use crate::terminal::suggestion;
use crate::train::learner::Targets;
use anyhow::{Context, Result, anyhow, bail};
use hints::WithHint;
use indexmap::IndexMap;
use interface::{Interface, Item, Operation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The checkout that holds the exercises, their tests and the grader's own crates.
#[derive(Clone, Debug)]
pub struct Course {
    /// Its top folder.
    pub root: PathBuf,
    /// Its title.
    pub title: String,
    /// Its exercises, by number.
    pub exercises: Vec<Exercise>,
    /// True if learners are not shown solutions.
    pub withholds_solutions: bool,
}

/// The solutions that learners are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Solutions {
    /// Each item's, once its tests pass or it is given up.
    #[default]
    Shown,
    /// Nothing.
    Withheld,
}

/// `[workspace.metadata.course]` of the course's top manifest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct CourseFacts {
    title: String,
    /// The solutions that learners are shown.
    solutions: Solutions,
    /// Words that no submission to any exercise may hold.
    forbidden_words: Vec<String>,
    /// The points of each kind of test in exercises that do not say otherwise.
    points: BTreeMap<Kind, f64>,
}

/// One exercise.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Its folder's name: `03-msa`.
    pub folder: String,
    /// Its crate's name: `msa`.
    pub name: String,
    /// The description of its crate: what it is, in a line.
    pub about: String,
    /// Whether its functions work on libtorch's tensors.
    pub uses_torch: bool,
    /// The crates of the earlier exercises that it builds on, and that these build on.
    pub earlier: Vec<String>,
    /// The crates a submission may use, which are those of the exercise's manifest.
    pub dependencies: Vec<String>,
    /// The content of `[package.metadata.exercise]`.
    pub facts: Facts,
    /// The source of its worker.
    pub worker: String,
    /// The operations that `grader call` can call.
    pub operations: IndexMap<String, Operation>,
    /// Its public functions and types.
    pub items: Vec<Item>,
}

/// `[package.metadata.exercise]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Facts {
    /// The title in tables.
    pub title: String,
    /// The approximate time that it takes, in minutes.
    pub minutes: u32,
    /// From 1, easy, to 5.
    pub difficulty: u8,
    /// The exercises whose crates it uses, by folder.
    #[serde(default)]
    pub builds_on: Vec<String>,
    /// The ready-made forms of what is to be written.
    #[serde(default)]
    pub forbidden: Forbidden,
    /// The inputs on which `diff` measures what solutions cost, by operation.
    #[serde(default)]
    pub sizes: BTreeMap<String, Sizes>,
    /// Operations that return constants of the course, which nothing can be drawn for.
    #[serde(default)]
    pub constants: Vec<String>,
    /// Misconceptions that do less than an operation takes, with the operations for which none of their tests may count.
    #[serde(default)]
    pub shortcuts: BTreeMap<String, Vec<String>>,
    /// The model that it builds, if it builds one for `train`, `cost` and `draw`.
    #[serde(default)]
    pub model: Option<ModelFacts>,
    /// True if its pictures take a trained model's attention, which its own functions do not compute.
    #[serde(default)]
    pub borrows_attention: bool,
    /// The test of kind training that a training on all of MNIST replaces, if it is requested.
    #[serde(default)]
    pub trained: Option<String>,
    /// The limits on its code that differ from the defaults.
    #[serde(default)]
    pub limits: LimitOverrides,
    /// Points by kind of test: the exercise's own, or the course's.
    #[serde(default)]
    pub points: BTreeMap<Kind, f64>,
    /// The names of the graded tests.
    pub tests: BTreeMap<Kind, Vec<String>>,
}

/// The input of an operation by the names of its tensors and arguments. A module's are those of its methods, too.
pub type Sizes = BTreeMap<String, Input>;

/// A tensor or an argument.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A tensor of this shape, with values of 0 to 1.
    Shape(Vec<usize>),
    /// Whole numbers below another: labels.
    Labels {
        /// The shape.
        shape: Vec<usize>,
        /// The number that they are below.
        below: i64,
    },
    /// Numbered tensors, whose name ends with `*`.
    Several {
        /// The number of tensors.
        count: usize,
        /// The shape of each.
        shape: Vec<usize>,
    },
    /// A tensor of these whole numbers.
    Values {
        /// The numbers.
        values: Vec<i64>,
    },
    /// An argument.
    Argument(toml::Value),
}

/// `[package.metadata.exercise.model]`: the exercise has a type of its own name that classifies images, with the operations
/// `NAME.new` and `NAME.forward_t`, and `NAME`, which gives the attention of each block.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelFacts {
    /// The number of tokens in front of those of the patches.
    pub tokens: usize,
    /// The targets of its training.
    pub targets: Targets,
}

/// Families of names: each is every name that it is a part of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Forbidden {
    /// Words that may not stand in the sources.
    #[serde(default)]
    pub words: Vec<String>,
    /// Operators of libtorch that no operation may call. The workers' observer reads these from the manifest itself.
    #[serde(default)]
    pub operators: Vec<String>,
    /// The same of single operations, by their names.
    #[serde(default)]
    pub by_operation: BTreeMap<String, Vec<String>>,
}

/// The kinds of test, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sizes, and the panic that bad sizes get.
    Shape,
    /// Values stored from PyTorch.
    Snapshot,
    /// Agreement with the reference, at drawn sizes and values.
    Drawn,
    /// Properties, at drawn sizes and values.
    Property,
    /// Gradients.
    Gradient,
    /// Learning: a batch by heart, and enough to read images that were held back.
    Training,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Shape => "shape",
            Kind::Snapshot => "snapshot",
            Kind::Drawn => "drawn",
            Kind::Property => "property",
            Kind::Gradient => "gradient",
            Kind::Training => "training",
        })
    }
}

/// The parts of a manifest that are read.
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
    exercise: Facts,
}

impl Course {
    /// The course whose folder is `start` or holds it; failing that, the one whose target folder holds this program.
    ///
    /// # Errors
    /// Returns an error if there is none, or a manifest does not say what it must.
    pub fn find(start: &Path) -> Result<Self> {
        let is_course = |folder: &&Path| {
            folder.join("exercises").is_dir() && folder.join("grader/judge").is_dir()
        };
        let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
        // Not a path that was compiled in: it would lead from a copy to the checkout that was copied.
        let program = std::env::current_exe().unwrap_or_default();
        let root = start
            .ancestors()
            .chain(program.ancestors())
            .find(is_course)
            .with_context(|| format!("{} is not in a checkout of the course", start.display()))
            .hint(NAME_A_COURSE)?;
        Self::open(root)
    }

    /// The course of a folder.
    ///
    /// # Errors
    /// Returns an error if the folder holds no exercises, or a manifest is not valid.
    pub fn open(root: &Path) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("{} cannot be opened", root.display()))?;
        let folder = root.join("exercises");
        if !folder.is_dir() {
            let error = anyhow!(
                "{} is not a checkout of the course: it has no folder exercises",
                root.display()
            );
            return Err(error).hint(NAME_A_COURSE);
        }
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        let facts = CourseFacts::read(&root)?;
        let mut exercises = vec![];
        for entry in entries {
            let path = entry
                .with_context(|| format!("{} cannot be read", folder.display()))?
                .path();
            if path.join("Cargo.toml").is_file() {
                exercises.push(Exercise::open(&root, &facts, &path)?);
            }
        }
        if exercises.is_empty() {
            bail!("{} holds no exercise", folder.display());
        }
        exercises.sort_by(|a, b| a.folder.cmp(&b.folder));
        find_earlier(&mut exercises)?;
        Ok(Self {
            root,
            title: facts.title,
            exercises,
            withholds_solutions: facts.solutions == Solutions::Withheld,
        })
    }

    /// The exercises named, by crate, folder or number; all if `names` is empty.
    ///
    /// # Errors
    /// Returns an error if no exercise has one of the names.
    pub fn select(&self, names: &[String]) -> Result<Vec<Exercise>> {
        for name in names {
            if !self
                .exercises
                .iter()
                .any(|exercise| exercise.is_called(name))
            {
                let known: Vec<_> = self
                    .exercises
                    .iter()
                    .map(|exercise| exercise.name.as_str())
                    .collect();
                let hint = format!("the exercises are {}", known.join(", "));
                let error = Err(anyhow!("there is no exercise {name:?}"));
                return match suggestion(name, &known) {
                    Some(suggestion) => error.hint(suggestion).hint(hint),
                    None => error.hint(hint),
                };
            }
        }
        let wanted = |exercise: &&Exercise| {
            names.is_empty() || names.iter().any(|name| exercise.is_called(name))
        };
        Ok(self.exercises.iter().filter(wanted).cloned().collect())
    }

    /// The exercises that build a model, with its facts.
    pub fn models(&self) -> impl Iterator<Item = (&Exercise, ModelFacts)> {
        let exercises = self.exercises.iter();
        exercises.filter_map(|exercise| Some((exercise, exercise.facts.model?)))
    }

    /// The exercise whose model this is, by crate, folder or number; the first that builds one, where none is named.
    ///
    /// # Errors
    /// Returns an error if no exercise builds it.
    pub fn model(&self, name: Option<&str>) -> Result<(&Exercise, ModelFacts)> {
        let is_meant = |exercise: &Exercise| name.is_none_or(|name| exercise.is_called(name));
        let found = self.models().find(|(exercise, _)| is_meant(exercise));
        let names: Vec<_> = self.models().map(|(it, _)| it.name.as_str()).collect();
        let known = match names.is_empty() {
            true => "the course builds none".to_owned(),
            false => format!("the course builds {}", names.join(", ")),
        };
        found
            .with_context(|| match name {
                Some(name) => format!("there is no model {name:?}"),
                None => "there is no model".to_owned(),
            })
            .hint(known)
    }

    /// SHA-256 over all of the course that a grade can depend on besides a submission: every file of its folders but
    /// those that no grade depends on (`is_of_no_grade`).
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub fn digest(&self) -> Result<String> {
        self.digest_over(PARTS.map(PathBuf::from))
    }

    /// The files of the course that a build of its judges and libraries can read, as seen from its root. Those of a
    /// learner's own code are none of them.
    ///
    /// # Errors
    /// Returns an error if a folder cannot be read.
    pub fn files_of_builds(&self) -> Result<Vec<PathBuf>> {
        let mut files = self.files_of(PARTS.map(PathBuf::from))?;
        files.retain(|file| !is_a_learners(file));
        Ok(files)
    }

    /// The files among those files and folders, and below them, that grades can depend on.
    fn files_of(&self, places: impl IntoIterator<Item = PathBuf>) -> Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = vec![];
        for part in places {
            if self.root.join(&part).exists() {
                collect_files(&self.root, part, &mut files)?;
            }
        }
        files.sort();
        Ok(files)
    }

    /// SHA-256 over the names and contents of those files and folders that are there.
    fn digest_over(&self, places: impl IntoIterator<Item = PathBuf>) -> Result<String> {
        let mut hash = Sha256::new();
        for file in self.files_of(places)? {
            let content = fs::read(self.root.join(&file))
                .with_context(|| format!("{} cannot be read", file.display()))?;
            hash.update(file.as_os_str().as_encoded_bytes());
            hash.update([0]);
            hash.update(content.len().to_le_bytes());
            hash.update(content);
        }
        Ok(format!("{:x}", hash.finalize()))
    }

    /// SHA-256 over an exercise's tests and its solution.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub fn digest_of(&self, exercise: &Exercise) -> Result<String> {
        let parts = [
            Path::new("exercises").join(&exercise.folder).join("tests"),
            Path::new("solutions").join(&exercise.folder).join("src"),
        ];
        self.digest_over(parts)
    }

    /// Returns whether the course holds the reference solution of an exercise, and was not given out without it.
    pub fn has_reference(&self, exercise: &Exercise) -> bool {
        let solutions = self.root.join("solutions").join(&exercise.folder);
        solutions.join("src/lib.rs").is_file()
    }

    /// Checks that the course holds the reference solution of an exercise.
    ///
    /// # Errors
    /// Returns an error if it was given out without it.
    pub fn check_reference(&self, exercise: &Exercise) -> Result<()> {
        if self.has_reference(exercise) {
            return Ok(());
        }
        Err(anyhow!(
            "this course was given out without the solution of {}",
            exercise.folder
        ))
        .hint("ask whoever gave it to you")
    }

    /// The sources of the earlier exercises whose code an exercise is tested with where the course holds no solutions: the
    /// learner's own. None where it does.
    ///
    /// # Errors
    /// Returns an error if a folder cannot be read.
    pub fn sources_of_earlier(&self, exercise: &Exercise) -> Result<Vec<PathBuf>> {
        if self.has_reference(exercise) {
            return Ok(vec![]);
        }
        let earlier = self.exercises.iter();
        let earlier = earlier.filter(|it| exercise.earlier.contains(&it.name));
        let sources = earlier.map(|it| Path::new("exercises").join(&it.folder).join("src"));
        self.files_of(sources)
    }

    /// The folder names of all exercises.
    pub fn folders(&self) -> Vec<&str> {
        self.exercises
            .iter()
            .map(|exercise| exercise.folder.as_str())
            .collect()
    }
}

impl CourseFacts {
    /// Reads them from the top manifest; a course without one has none.
    fn read(root: &Path) -> Result<Self> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Manifest {
            workspace: Workspace,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Workspace {
            metadata: Metadata,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Metadata {
            course: CourseFacts,
        }
        let path = root.join("Cargo.toml");
        if !path.is_file() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let manifest: Manifest = toml::from_str(&text)
            .with_context(|| format!("{} is not the manifest of a course", path.display()))?;
        Ok(manifest.workspace.metadata.course)
    }
}

/// Follows `builds-on`. Exercises come in the order of their numbers, and build on earlier ones alone.
fn find_earlier(exercises: &mut [Exercise]) -> Result<()> {
    for i in 0..exercises.len() {
        let (before, rest) = exercises.split_at_mut(i);
        let Some(exercise) = rest.first_mut() else {
            break;
        };
        for folder in &exercise.facts.builds_on {
            let base = before
                .iter()
                .find(|base| base.folder == *folder)
                .with_context(|| {
                    format!(
                        "exercises/{}/Cargo.toml builds on {folder}, which is not an earlier exercise",
                        exercise.folder
                    )
                })?;
            exercise.earlier.push(base.name.clone());
            exercise.earlier.extend(base.earlier.iter().cloned());
        }
    }
    Ok(())
}

/// The hint where there is no course.
const NAME_A_COURSE: &str = "go to a checkout of the course, or name one with --course DIR";

/// Parts of a checkout that decide grades: what is built, and what it is built with.
const PARTS: [&str; 9] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "datasets",
    "exercises",
    "grader",
    "rust-toolchain",
    "rust-toolchain.toml",
    "solutions",
];

/// Returns whether a file or folder of the course is for readers alone, tests the grader, or was left by tools. Whatever else
/// there is may decide grades, also what nobody thought of when this was written.
fn is_of_no_grade(place: &Path) -> bool {
    let about_the_grader = [
        "agreement",
        "authoring",
        "benches",
        "book",
        "desk",
        "template",
        "testdata",
        "tests",
    ];
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let ending = place.extension().unwrap_or_default();
    let below_grader = place.parent() == Some(Path::new("grader"));
    (below_grader && about_the_grader.contains(&&*name))
        || ["md", "png", "svg"].iter().any(|it| ending == *it)
        || ["target", "__pycache__"].contains(&&*name)
        || (name.starts_with('.') && name != ".cargo")
}

/// Returns whether a file is one of `exercises/NN-name/src`, which learners write.
fn is_a_learners(file: &Path) -> bool {
    let mut parts = file.iter();
    parts.next().is_some_and(|part| part == "exercises")
        && parts.nth(1).is_some_and(|part| part == "src")
}

/// Adds the file, or all files below the folder.
fn collect_files(root: &Path, place: PathBuf, files: &mut Vec<PathBuf>) -> Result<()> {
    if is_of_no_grade(&place) {
        return Ok(());
    }
    let path = root.join(&place);
    let says = || format!("{} cannot be read", path.display());
    if !path.is_dir() {
        files.push(place);
        return Ok(());
    }
    for entry in fs::read_dir(&path).with_context(says)? {
        collect_files(
            root,
            place.join(entry.with_context(says)?.file_name()),
            files,
        )?;
    }
    Ok(())
}

impl Exercise {
    fn open(course: &Path, of_course: &CourseFacts, path: &Path) -> Result<Self> {
        let manifest_path = path.join("Cargo.toml");
        let says = || {
            format!(
                "{} is not the manifest of an exercise",
                manifest_path.display()
            )
        };
        let text = fs::read_to_string(&manifest_path).with_context(says)?;
        let manifest: Manifest = toml::from_str(&text).with_context(says)?;
        let mut facts = manifest.package.metadata.exercise;
        if facts.points.is_empty() {
            let scale = of_course.points.iter();
            let in_use = scale.filter(|(kind, _)| facts.tests.contains_key(kind));
            facts.points = in_use.map(|(&kind, &points)| (kind, points)).collect();
        }
        let everywhere = of_course.forbidden_words.iter().cloned();
        facts.forbidden.words.extend(everywhere);
        if !facts.points.keys().eq(facts.tests.keys()) {
            bail!(
                "{}: points (its own, or the course's) and tests name other kinds of test",
                manifest_path.display()
            );
        }
        if facts.tests.values().any(Vec::is_empty) {
            bail!("{}: a kind of test without tests", manifest_path.display());
        }
        let folder = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let interface = Interface::open(course, &folder)?;
        let operations = interface.operations();
        let mut limited = facts.forbidden.by_operation.keys();
        if let Some(unknown) = limited.find(|name| !operations.contains_key(*name)) {
            bail!(
                "{}: forbidden.by-operation names {unknown}, which is not an operation",
                manifest_path.display()
            );
        }
        Ok(Self {
            folder,
            name: manifest.package.name,
            about: manifest.package.description,
            uses_torch: manifest.dependencies.contains_key("tch"),
            earlier: vec![],
            dependencies: manifest.dependencies.into_keys().collect(),
            facts,
            operations,
            items: interface.items(),
            worker: interface.worker(),
        })
    }

    fn is_called(&self, name: &str) -> bool {
        // Shells complete it to the path of its folder.
        let name = name.trim_end_matches('/').trim_start_matches("exercises/");
        let number = self.folder.split('-').next().unwrap_or_default();
        name == self.name
            || name == self.folder
            || name == number
            || name.parse::<u32>().is_ok_and(|n| number.parse() == Ok(n))
    }

    /// Returns whether it is compared with the reference on drawn inputs, so that it is known which functions are implemented.
    pub fn has_drawn_tests(&self) -> bool {
        self.facts.tests.contains_key(&Kind::Drawn)
    }

    /// Leaves out a kind of test, and its points.
    pub fn leave_out(&mut self, kind: Kind) {
        self.facts.points.remove(&kind);
        self.facts.tests.remove(&kind);
    }

    /// The points that all tests give.
    pub fn max_points(&self) -> f64 {
        self.facts.points.values().sum()
    }

    /// The graded tests as the judge names them, `shape::two_grey_images`, with their kinds.
    pub fn tests(&self) -> impl Iterator<Item = (Kind, String)> + '_ {
        self.facts.tests.iter().flat_map(|(&kind, names)| {
            names
                .iter()
                .map(move |name| (kind, format!("{kind}::{name}")))
        })
    }
}

#[cfg(test)]
pub(crate) mod testing {
    /// The manifest of an exercise `sums` with one test.
    pub(crate) const MANIFEST: &str = r#"
[package]
name = "sums"
[package.metadata.exercise]
title = "Sums"
minutes = 1
difficulty = 1
[package.metadata.exercise.points]
shape = 1
[package.metadata.exercise.tests]
shape = ["a_sum_has_no_axis"]
"#;
}

#[cfg(test)]
mod tests {
    use super::testing::MANIFEST;
    use super::*;

    const INTERFACE: &str = "";

    #[test]
    fn an_exercise_has_the_courses_points_unless_it_has_its_own_and_never_fewer_forbidden_words()
    -> Result<()> {
        let root = tempfile::tempdir()?;
        let course = r#"
[workspace.metadata.course]
title = "Sums"
forbidden-words = ["ready_made"]
[workspace.metadata.course.points]
shape = 3
drawn = 4
"#;
        write(&root.path().join("Cargo.toml"), course)?;
        let (own, rest) = MANIFEST
            .split_once("[package.metadata.exercise.points]\n")
            .context("a table")?;
        let without = format!("{own}{}", rest.trim_start_matches("shape = 1\n"));
        for (folder, manifest) in [("01-sums", MANIFEST), ("02-more", &without)] {
            let folder = root.path().join("exercises").join(folder);
            write(&folder.join("Cargo.toml"), manifest)?;
            write(&folder.join("interface.rs"), INTERFACE)?;
        }
        let course = Course::open(root.path())?;
        assert_eq!(course.title, "Sums");
        let points = course.exercises.iter().map(Exercise::max_points);
        assert_eq!(points.collect::<Vec<_>>(), [1.0, 3.0]);
        for exercise in &course.exercises {
            assert_eq!(exercise.facts.forbidden.words, ["ready_made"]);
        }
        Ok(())
    }

    /// One file of each kind that a grade can depend on.
    const FILES: [&str; 19] = [
        ".cargo/config.toml",
        "Cargo.lock",
        "Cargo.toml",
        "datasets/Cargo.toml",
        "datasets/src/digits.rs",
        "exercises/01-sums/Cargo.toml",
        "exercises/01-sums/interface.rs",
        "exercises/01-sums/src/lib.rs",
        "exercises/01-sums/tests/drawn/answers.safetensors",
        "exercises/01-sums/tests/shape.rs",
        "exercises/01-sums/tests/snapshots/sum.snap",
        "grader/client/src/process.rs",
        "grader/judge/src/lib.rs",
        "grader/src/grading/judge.rs",
        "grader/testkit/src/snapshot.rs",
        "grader/wire/src/frame.rs",
        "grader/workers/src/lib.rs",
        "solutions/01-sums/misconceptions/off-by-one.diff",
        "solutions/01-sums/src/lib.rs",
    ];

    /// Files that no grade depends on.
    const OTHERS: [&str; 6] = [
        "exercises/01-sums/README.md",
        "exercises/01-sums/picture.png",
        "grader/template/ndarray/exercise/src/lib.rs",
        "grader/testdata/perfect/01-sums/src/lib.rs",
        "grader/tests/batch.rs",
        "target/debug/grader",
    ];

    fn text(file: &str) -> &'static str {
        if file.ends_with("interface.rs") {
            INTERFACE
        } else {
            MANIFEST
        }
    }

    fn write(path: &Path, text: &str) -> Result<()> {
        fs::create_dir_all(path.parent().context("a file")?)?;
        Ok(fs::write(path, text)?)
    }

    #[test]
    fn a_change_of_any_file_that_a_grade_depends_on_changes_the_digest() -> Result<()> {
        let root = tempfile::tempdir()?;
        for file in FILES.iter().chain(&OTHERS) {
            write(&root.path().join(file), text(file))?;
        }
        let course = Course::open(root.path())?;
        let before = course.digest()?;
        for file in FILES.iter().chain(&OTHERS) {
            let path = root.path().join(file);
            write(&path, &format!("{}\n", text(file)))?;
            let is_same = course.digest()? == before;
            assert_eq!(is_same, OTHERS.contains(file), "{file}");
            write(&path, text(file))?;
            assert_eq!(course.digest()?, before, "{file}");
        }
        // A file that is added beside them counts, too.
        write(&root.path().join("exercises/01-sums/draws.json"), "")?;
        assert_ne!(course.digest()?, before);
        Ok(())
    }

    #[test]
    fn a_file_of_the_course_that_cannot_be_read_is_an_error() -> Result<()> {
        let root = tempfile::tempdir()?;
        for file in [
            "exercises/01-sums/Cargo.toml",
            "exercises/01-sums/interface.rs",
        ] {
            write(&root.path().join(file), text(file))?;
        }
        let course = Course::open(root.path())?;
        let dangling = root.path().join("exercises/01-sums/gone.snap");
        std::os::unix::fs::symlink("nowhere", dangling)?;
        let error = course.digest().expect_err("a link that leads nowhere");
        assert!(
            error.to_string().contains("gone.snap cannot be read"),
            "{error}"
        );
        Ok(())
    }
}
