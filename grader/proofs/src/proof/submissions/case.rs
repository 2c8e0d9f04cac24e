//! A case: `case.toml`, which states its purpose, how its submission is made and the result that it must get.

use super::Seconds;
use super::expected::Expected;
use anyhow::{Context, Result, bail};
use grader::course::Course;
use grader::machine::files::files_below;
use intake::{Candidate, IntakeLimits, Source};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// A small submission, and the result that it must get.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Its folder's name, and the submission's.
    pub(super) name: String,
    /// The purpose of the case, in one line.
    pub(super) about: String,
    /// The time limits that it is graded under.
    pub(super) limits: Option<Seconds>,
    /// The expected result.
    pub(super) expected: Expected,
    folder: PathBuf,
    made: Made,
}

/// `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    about: String,
    #[serde(default)]
    limits: Option<Seconds>,
    base: Base,
    #[serde(default)]
    archive: Option<String>,
    #[serde(default, rename = "edit")]
    edits: Vec<Edit>,
    #[serde(default)]
    expect: Expected,
}

/// The parts of which a submission is made.
#[derive(Clone, Debug)]
struct Made {
    base: Base,
    archive: Option<String>,
    edits: Vec<Edit>,
}

/// The sources that a submission begins with, for the exercises of which a result is expected.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Base {
    /// The solutions'.
    Solution,
    /// The stubs'.
    Stubs,
    /// None.
    Nothing,
}

/// A text that stands once in a file of the base, and another in its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    exercise: String,
    /// Relative to `src`.
    file: String,
    replace: String,
    with: String,
}

impl Case {
    /// The cases of a folder, by name.
    ///
    /// # Errors
    /// Returns an error if a case cannot be read, or the folder holds none.
    pub(super) fn all(folder: &Path) -> Result<Vec<Self>> {
        let says = || format!("{} cannot be read", folder.display());
        let mut cases = vec![];
        for entry in fs::read_dir(folder).with_context(says)? {
            let path = entry.with_context(says)?.path();
            let sheet = path.join("case.toml");
            if !sheet.is_file() {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let text = fs::read_to_string(&sheet)
                .with_context(|| format!("{} cannot be read", sheet.display()))?;
            cases.push(
                Self::read(&name, &path, &text)
                    .with_context(|| format!("{} is not a case", sheet.display()))?,
            );
        }
        if cases.is_empty() {
            bail!("{} holds no case", folder.display());
        }
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cases)
    }

    /// Parses a case from `text`, the content of its `case.toml`.
    ///
    /// # Errors
    /// Returns an error if the text is not a valid case.
    pub(super) fn read(name: &str, folder: &Path, text: &str) -> Result<Self> {
        let sheet: Sheet = toml::from_str(text)?;
        if sheet.archive.is_some() && (sheet.base != Base::Nothing || !sheet.edits.is_empty()) {
            bail!("an archive is handed in as it is: base must be \"nothing\", and no edit given");
        }
        Ok(Self {
            name: name.to_owned(),
            about: sheet.about,
            limits: sheet.limits,
            expected: sheet.expect,
            folder: folder.to_owned(),
            made: Made {
                base: sheet.base,
                archive: sheet.archive,
                edits: sheet.edits,
            },
        })
    }

    /// Makes the submission, named as the case, in the folder of a class.
    ///
    /// # Errors
    /// Returns an error if the submission cannot be made as the case describes.
    pub(super) fn lay_out(&self, course: &Course, class: &Path) -> Result<()> {
        if let Some(archive) = &self.made.archive {
            let from = self.folder.join(archive);
            let Some((_, ending)) = archive.split_once('.') else {
                bail!("{archive} has no ending that says what archive it is");
            };
            copy(&from, &class.join(format!("{}.{ending}", self.name)))?;
            return Ok(());
        }
        let submission = class.join(&self.name);
        fs::create_dir(&submission)
            .with_context(|| format!("{} cannot be created", submission.display()))?;
        for (path, text) in self.sources(course)? {
            let path = submission.join(path);
            make_parent(&path)?;
            fs::write(&path, text)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        let files = self.folder.join("files");
        if files.is_dir() {
            copy_all(&files, &submission)?;
        }
        Ok(())
    }

    /// The edited sources of the base, by their paths in the submission.
    fn sources(&self, course: &Course) -> Result<Vec<(String, String)>> {
        let base = match self.made.base {
            Base::Solution => "solutions",
            Base::Stubs => "exercises",
            Base::Nothing if self.made.edits.is_empty() => return Ok(vec![]),
            Base::Nothing => bail!("an edit changes a file of the base, and there is none"),
        };
        let concerned: Vec<_> = self.expected.exercises().collect();
        let candidate = Candidate::new(base, course.root.join(base));
        let base = candidate.read(&concerned, &IntakeLimits::default())?;
        if let Some(why) = base.left_out.into_values().next() {
            bail!(why);
        }
        let mut exercises = base.exercises;
        for edit in &self.made.edits {
            let sources = exercises.get_mut(&edit.exercise);
            edit.apply(sources.map_or(&mut [], Vec::as_mut_slice))?;
        }
        let mut files = vec![];
        for (exercise, sources) in exercises {
            for source in sources {
                let path = format!("exercises/{exercise}/src/{}", source.path);
                files.push((path, String::from_utf8(source.bytes)?));
            }
        }
        Ok(files)
    }
}

impl Edit {
    fn apply(&self, sources: &mut [Source]) -> Result<()> {
        let place = format!("{}/src/{}", self.exercise, self.file);
        let Some(source) = sources.iter_mut().find(|source| source.path == self.file) else {
            bail!("there is no {place} to edit");
        };
        let text = String::from_utf8_lossy(&source.bytes);
        match text.matches(&self.replace).count() {
            1 => source.bytes = text.replacen(&self.replace, &self.with, 1).into_bytes(),
            0 => bail!(
                "{place} does not hold what an edit replaces: {:?}",
                self.replace
            ),
            times => bail!(
                "{place} holds what an edit replaces {times} times: {:?}",
                self.replace
            ),
        }
        Ok(())
    }
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for file in files_below(from)? {
        let target = to.join(file.strip_prefix(from)?);
        make_parent(&target)?;
        copy(&file, &target)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}

fn make_parent(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A course of one exercise, solved, and room for cases and a class.
    struct World {
        dir: TempDir,
        course: Course,
    }

    impl World {
        fn new() -> Self {
            let dir = TempDir::new().expect("a temporary folder");
            for (path, text) in [
                ("exercises/01-one/src/lib.rs", "pub fn cut() { todo!() }"),
                ("solutions/01-one/src/lib.rs", "pub fn cut() { work() }"),
            ] {
                write(&dir.path().join(path), text);
            }
            fs::create_dir(dir.path().join("class")).expect("a new folder");
            let course = Course {
                root: dir.path().to_owned(),
                title: String::new(),
                exercises: vec![],
                withholds_solutions: false,
            };
            Self { dir, course }
        }

        /// Lays a case out; gives the lib.rs of the submission.
        fn lay_out(&self, text: &str) -> Result<String> {
            let text = format!("about = \"x\"\n{text}");
            let case = Case::read("ada", &self.dir.path().join("case"), &text)?;
            let class = self.dir.path().join("class");
            let laid = case.lay_out(&self.course, &class);
            let submission = class.join("ada");
            let lib = fs::read_to_string(submission.join("exercises/01-one/src/lib.rs"));
            let _ = fs::remove_dir_all(submission);
            laid?;
            Ok(lib.unwrap_or_default())
        }
    }

    fn write(path: &Path, text: &str) {
        make_parent(path).expect("a new folder");
        fs::write(path, text).expect("a new file");
    }

    const EXPECT: &str = "[expect.01-one]\noutcome = \"tested\"\nfails = \"none\"";

    fn edited(replace: &str) -> String {
        format!(
            "base = \"solution\"\n[[edit]]\nexercise = \"01-one\"\nfile = \"lib.rs\"\nreplace = \"{replace}\"\nwith = \"rest()\"\n{EXPECT}"
        )
    }

    fn error<T>(result: Result<T>) -> String {
        format!("{:#}", result.err().expect("this is to fail"))
    }

    #[test]
    fn a_case_begins_with_the_solution_the_stubs_or_nothing() {
        let world = World::new();
        let lib = |base: &str| world.lay_out(&format!("base = \"{base}\"\n{EXPECT}")).ok();
        assert_eq!(lib("solution").as_deref(), Some("pub fn cut() { work() }"));
        assert_eq!(lib("stubs").as_deref(), Some("pub fn cut() { todo!() }"));
        assert_eq!(lib("nothing").as_deref(), Some(""));
    }

    #[test]
    fn only_exercises_of_which_something_is_expected_are_in_a_case() {
        assert_eq!(
            World::new().lay_out("base = \"solution\"").ok().as_deref(),
            Some("")
        );
    }

    #[test]
    fn an_edit_replaces_the_one_place() {
        let lib = World::new().lay_out(&edited("work()"));
        assert_eq!(lib.ok().as_deref(), Some("pub fn cut() { rest() }"));
    }

    #[test]
    fn an_edit_of_a_text_that_is_not_there_or_there_twice_is_a_fault() {
        let world = World::new();
        let none = error(world.lay_out(&edited("walk()")));
        assert_eq!(
            none,
            "01-one/src/lib.rs does not hold what an edit replaces: \"walk()\""
        );
        let two = error(world.lay_out(&edited("()")));
        assert_eq!(
            two,
            "01-one/src/lib.rs holds what an edit replaces 2 times: \"()\""
        );
        let no_file = error(world.lay_out(&edited("work()").replace("lib.rs", "main.rs")));
        assert_eq!(no_file, "there is no 01-one/src/main.rs to edit");
    }

    #[test]
    fn files_are_laid_over_the_base() {
        let world = World::new();
        let file = "case/files/exercises/01-one/src/lib.rs";
        write(&world.dir.path().join(file), "pub fn other() {}");
        let lib = world.lay_out(&format!("base = \"solution\"\n{EXPECT}"));
        assert_eq!(lib.ok().as_deref(), Some("pub fn other() {}"));
    }

    #[test]
    fn an_archive_is_handed_in_as_it_is_under_the_cases_name() {
        let world = World::new();
        write(&world.dir.path().join("case/cut.tar.gz"), "bytes");
        world
            .lay_out("base = \"nothing\"\narchive = \"cut.tar.gz\"")
            .expect("it is laid out");
        let archive = world.dir.path().join("class/ada.tar.gz");
        assert_eq!(fs::read_to_string(archive).ok().as_deref(), Some("bytes"));
        let missing = error(world.lay_out("base = \"nothing\"\narchive = \"gone.zip\""));
        assert!(missing.contains("gone.zip"), "{missing}");
        let based = error(world.lay_out("base = \"stubs\"\narchive = \"cut.tar.gz\""));
        assert!(based.contains("as it is"), "{based}");
    }

    #[test]
    fn a_sheet_with_an_unknown_word_is_no_case() {
        for text in [
            "base = \"mine\"",
            "base = \"stubs\"\nnote = \"x\"",
            "base = \"stubs\"\n[expect.01-one]\noutcome = \"great\"",
            "base = \"stubs\"\n[expect.01-one]\noutcome = \"tested\"\nfails = \"some\"",
        ] {
            let text = format!("about = \"x\"\n{text}");
            assert!(Case::read("a", "".as_ref(), &text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_folder_without_cases_is_an_error() {
        let dir = TempDir::new().expect("a temporary folder");
        assert!(error(Case::all(dir.path())).ends_with("holds no case"));
        write(
            &dir.path().join("b/case.toml"),
            "about = \"b\"\nbase = \"nothing\"",
        );
        write(
            &dir.path().join("a/case.toml"),
            "about = \"a\"\nbase = \"nothing\"",
        );
        let cases = Case::all(dir.path()).expect("two cases");
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        write(&dir.path().join("c/case.toml"), "");
        assert!(error(Case::all(dir.path())).contains("is not a case"));
    }
}
