use super::*;
use crate::course::testing::MANIFEST;
use std::error::Error;
use std::fs;
use tempfile::TempDir;

type TestResult = std::result::Result<(), Box<dyn Error>>;

const STUB: &str = "//! Sums.

use std::fmt;

/// Adds.
pub fn sum(x: &[f32]) -> f32 {
    todo!(\"add them up\")
}

/// A mean.
#[derive(Debug)]
pub struct Mean {
    /// Number of items.
    pub count: usize,
}

impl Mean {
    /// Makes one.
    pub fn new(count: usize) -> Self {
        todo!(\"keep it\")
    }

    /// Takes the mean.
    pub fn of(&self, x: &[f32]) -> f32 {
        todo!(
            \"divide\"
        )
    }
}
";

const SOLVED: &str = "//! Sums, mine.

use std::fmt;

// A note of mine: größer.
/// Adds. I think of it as a fold.
#[inline]
// still mine
pub fn sum(x: &[f32]) -> f32 {
    // inside
    helper(x) + 0.0
}

fn helper(x: &[f32]) -> f32 { x.iter().sum() }

/// A mean.
#[derive(Debug, Clone)]
pub struct Mean {
    /// Number of items.
    pub count: usize,
    mine: u8,
}

impl Mean {
    /// Makes one.
    pub fn new(count: usize) -> Self {
        Self { count, mine: 1 }
    }

    fn own(&self) -> f32 { 1.0 }

    /// Takes the mean.
    pub fn of(&self, x: &[f32]) -> f32 {
        sum(x) / self.own()
    }
}
// the end
";

/// A course of one exercise.
struct Scene {
    _folder: TempDir,
    course: Course,
}

impl Scene {
    fn with(files: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let exercise = folder.path().join("exercises/01-sums");
        let own = [
            ("Cargo.toml", MANIFEST),
            ("interface.rs", ""),
            ("stubs/lib.rs", STUB),
        ];
        for (name, text) in own.iter().chain(files) {
            sources::write_file(&exercise.join(name), Some(text.as_bytes()))?;
        }
        let course = Course::open(folder.path())?;
        Ok(Self {
            _folder: folder,
            course,
        })
    }

    fn solved() -> Result<Self> {
        Self::with(&[("src/lib.rs", SOLVED)])
    }

    fn exercise(&self) -> &Exercise {
        &self.course.exercises[0]
    }

    fn reset(&self, item: Option<&str>) -> Result<Reset> {
        Reset::of(&self.course, self.exercise(), item)
    }

    fn apply(&self, item: Option<&str>) -> Result<Option<String>> {
        self.reset(item)?.apply()
    }

    fn undo(&self) -> Result<Option<String>> {
        Reset::undo(&self.course, self.exercise())?.apply()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.course.root.join("exercises/01-sums/src").join(name)
    }

    fn text(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.path(name))?)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        sources::write_file(&self.path(name), Some(text.as_bytes()))
    }
}

/// The error's text with its causes, and its hints.
fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.expect_err("an error");
    format!("{error:#} {:?}", hints::hints(&error))
}

#[test]
fn a_function_is_cut_out_and_all_around_it_stays_to_the_byte() -> TestResult {
    let scene = Scene::solved()?;
    scene.apply(Some("sum"))?;
    let old = "{\n    // inside\n    helper(x) + 0.0\n}";
    let expected = SOLVED.replace(old, "{\n    todo!(\"add them up\")\n}");
    assert_ne!(expected, SOLVED);
    assert_eq!(scene.text("lib.rs")?, expected);
    Ok(())
}

#[test]
fn a_method_comes_back_alone_and_a_type_with_all_its_stubs_while_helpers_stay() -> TestResult {
    let scene = Scene::solved()?;
    scene.apply(Some("Mean::of"))?;
    let of = "{\n        todo!(\n            \"divide\"\n        )\n    }";
    let expected = SOLVED.replace("{\n        sum(x) / self.own()\n    }", of);
    assert_eq!(scene.text("lib.rs")?, expected);
    scene.apply(Some("Mean"))?;
    let expected = expected
        .replace("#[derive(Debug, Clone)]", "#[derive(Debug)]")
        .replace("    mine: u8,\n", "")
        .replace("Self { count, mine: 1 }", "todo!(\"keep it\")");
    assert_eq!(scene.text("lib.rs")?, expected);
    assert!(expected.contains("fn own(&self)"));
    Ok(())
}

#[test]
fn a_file_of_windows_keeps_its_line_ends_and_its_mark() -> TestResult {
    let text = format!("\u{feff}{}", SOLVED.replace('\n', "\r\n"));
    let scene = Scene::with(&[("src/lib.rs", &text)])?;
    scene.apply(Some("Mean::of"))?;
    let found = scene.text("lib.rs")?;
    assert!(found.starts_with("\u{feff}//! Sums, mine."));
    assert_eq!(found.matches('\n').count(), found.matches("\r\n").count());
    assert!(
        found.contains("todo!(\r\n            \"divide\"\r\n        )"),
        "{found}"
    );
    scene.undo()?;
    assert_eq!(scene.text("lib.rs")?, text);
    Ok(())
}

#[test]
fn a_function_that_moved_to_a_module_or_a_file_of_its_own_is_found_and_indented_there() -> TestResult
{
    let inline = "pub use a::b::sum;\nmod a {\n    pub mod b {\n        pub fn sum(x: &[f32]) -> f32 {\n            1.0\n        }\n    }\n}\n";
    let scene = Scene::with(&[("src/lib.rs", inline)])?;
    scene.apply(Some("sum"))?;
    let stub = "/// Adds.\n        pub fn sum(x: &[f32]) -> f32 {\n            todo!(\"add them up\")\n        }";
    let old = "pub fn sum(x: &[f32]) -> f32 {\n            1.0\n        }";
    assert_eq!(scene.text("lib.rs")?, inline.replace(old, stub));

    let scene = Scene::with(&[
        ("src/lib.rs", "mod own;\npub use own::sum;\n"),
        (
            "src/own.rs",
            "/// Mine.\npub fn sum(x: &[f32]) -> f32 { 2.0 }\n",
        ),
    ])?;
    scene.apply(Some("sum"))?;
    assert_eq!(scene.text("lib.rs")?, "mod own;\npub use own::sum;\n");
    let expected = "/// Mine.\npub fn sum(x: &[f32]) -> f32 {\n    todo!(\"add them up\")\n}\n";
    assert_eq!(scene.text("own.rs")?, expected);
    Ok(())
}

#[test]
fn of_several_functions_of_one_name_that_of_the_stubs_module_is_meant_or_none() -> TestResult {
    let beside = format!("{SOLVED}\nmod old {{ pub fn sum() {{}} }}\n");
    let scene = Scene::with(&[("src/lib.rs", &beside)])?;
    scene.apply(Some("sum"))?;
    assert!(
        scene
            .text("lib.rs")?
            .contains("mod old { pub fn sum() {} }")
    );
    let twice = "mod a { pub fn sum() {} }\nmod b { pub fn sum() {} }\n";
    scene.write("lib.rs", twice)?;
    let error = said(scene.reset(Some("sum")));
    assert!(error.contains("there are several sum"), "{error}");
    Ok(())
}

#[test]
fn a_body_that_is_not_rust_is_reset_and_a_file_that_cannot_be_cut_is_named() -> TestResult {
    let broken = SOLVED.replace("helper(x) + 0.0", "let = ; if x {{ }} else");
    let scene = Scene::with(&[("src/lib.rs", &broken)])?;
    scene.apply(Some("sum"))?;
    assert!(scene.text("lib.rs")?.contains("todo!(\"add them up\")"));
    scene.write("lib.rs", &SOLVED.replace("// inside", "{ ("))?;
    let error = said(scene.reset(Some("sum")));
    assert!(error.contains("src/lib.rs: line "), "{error}");
    assert!(
        error.contains("`cargo grader reset sums` puts back the whole exercise"),
        "{error}"
    );
    scene.apply(None)?;
    assert_eq!(scene.text("lib.rs")?, STUB);
    Ok(())
}

#[test]
fn what_was_deleted_comes_back_where_it_belongs() -> TestResult {
    let scene = Scene::with(&[(
        "src/lib.rs",
        "//! Mine.\n\nimpl Mean {\n    fn own() {}\n}\n",
    )])?;
    scene.apply(Some("Mean::of"))?;
    let text = scene.text("lib.rs")?;
    assert!(
        text.starts_with(
            "//! Mine.\n\nimpl Mean {\n    fn own() {}\n\n    /// Takes the mean.\n    pub fn of"
        ),
        "{text}"
    );
    scene.write("lib.rs", "//! Mine.\n")?;
    scene.apply(Some("Mean"))?;
    let text = scene.text("lib.rs")?;
    syn::parse_file(&text)?;
    for piece in [
        "pub struct Mean {",
        "pub fn new(",
        "pub fn of(",
        "//! Mine.\n",
    ] {
        assert_eq!(text.matches(piece).count(), 1, "{piece} in {text}");
    }
    scene.write("lib.rs", "impl Mean {}\n")?;
    scene.apply(Some("Mean"))?;
    let text = scene.text("lib.rs")?;
    syn::parse_file(&text)?;
    let places = ["pub fn new(", "pub fn of("].map(|piece| text.find(piece));
    assert!(places[0] < places[1], "{text}");
    Ok(())
}

#[test]
fn a_whole_exercise_is_as_it_was_given_out_and_undone_to_the_byte() -> TestResult {
    let scene = Scene::with(&[
        ("src/lib.rs", SOLVED),
        ("src/own/mod.rs", "// mine"),
        ("src/notes.md", "not a source"),
    ])?;
    let reset = scene.reset(None)?;
    let diff = reset.diff().join("\n");
    assert!(diff.contains("-    helper(x) + 0.0\n"), "{diff}");
    assert!(diff.contains("exercises/01-sums/src/own/mod.rs"), "{diff}");
    let place = reset.apply()?.ok_or("a backup")?;
    assert_eq!(scene.text("lib.rs")?, STUB);
    assert!(!scene.path("own/mod.rs").exists());
    assert_eq!(scene.text("notes.md")?, "not a source");
    let kept = scene.course.root.join(place).join("own/mod.rs");
    assert_eq!(fs::read_to_string(kept)?, "// mine");
    assert!(scene.reset(None)?.is_empty());
    scene.undo()?;
    assert_eq!(scene.text("lib.rs")?, SOLVED);
    assert_eq!(scene.text("own/mod.rs")?, "// mine");
    Ok(())
}

#[test]
fn resets_are_undone_one_after_the_other_and_then_there_is_none() -> TestResult {
    let scene = Scene::solved()?;
    scene.apply(Some("sum"))?;
    let once = scene.text("lib.rs")?;
    scene.apply(Some("Mean"))?;
    scene.undo()?;
    assert_eq!(scene.text("lib.rs")?, once);
    scene.undo()?;
    assert_eq!(scene.text("lib.rs")?, SOLVED);
    let error = said(scene.undo());
    assert!(
        error.contains("there is no reset of sums to undo"),
        "{error}"
    );
    Ok(())
}

#[test]
fn undoing_a_function_keeps_what_was_written_elsewhere_since() -> TestResult {
    let scene = Scene::solved()?;
    scene.apply(Some("sum"))?;
    let edited = scene
        .text("lib.rs")?
        .replace("sum(x) / self.own()", "f32::NAN");
    scene.write("lib.rs", &edited)?;
    scene.undo()?;
    let expected = SOLVED.replace("sum(x) / self.own()", "f32::NAN");
    assert_eq!(scene.text("lib.rs")?, expected);
    Ok(())
}

#[test]
fn undoing_a_whole_exercise_keeps_a_backup_of_what_was_written_since() -> TestResult {
    let scene = Scene::solved()?;
    scene.apply(None)?;
    scene.write("lib.rs", "// another try")?;
    let place = scene.undo()?.ok_or("a backup")?;
    assert_eq!(scene.text("lib.rs")?, SOLVED);
    let kept = scene.course.root.join(place).join("lib.rs");
    assert_eq!(fs::read_to_string(kept)?, "// another try");
    Ok(())
}

#[test]
fn what_changed_since_it_was_shown_is_not_written_over() -> TestResult {
    let scene = Scene::solved()?;
    let (first, second) = (scene.reset(Some("sum"))?, scene.reset(Some("Mean"))?);
    first.apply()?;
    let after = scene.text("lib.rs")?;
    let error = said(second.apply());
    assert!(
        error.contains("src/lib.rs has changed in the meantime"),
        "{error}"
    );
    assert_eq!(scene.text("lib.rs")?, after);
    Ok(())
}

#[test]
fn of_resets_at_once_every_one_is_done_or_says_why_not() -> TestResult {
    let scene = Scene::solved()?;
    let items = ["sum", "Mean::of", "Mean::new", "sum"];
    let done: Vec<_> = std::thread::scope(|scope| {
        let runs = items.map(|item| {
            let scene = &scene;
            scope.spawn(move || scene.apply(Some(item)).map_err(|error| error.to_string()))
        });
        runs.into_iter().filter_map(|run| run.join().ok()).collect()
    });
    assert_eq!(done.len(), items.len());
    for error in done.iter().filter_map(|it| it.as_ref().err()) {
        assert!(error.contains("in the meantime"), "{error}");
    }
    let backups = done.iter().filter(|it| matches!(it, Ok(Some(_)))).count();
    assert!(backups > 0);
    for _ in 0..backups {
        scene.undo()?;
    }
    assert_eq!(scene.text("lib.rs")?, SOLVED);
    Ok(())
}

#[test]
fn an_item_is_named_in_short_and_a_mistyped_one_gets_a_suggestion() -> TestResult {
    let scene = Scene::solved()?;
    for (name, item) in [
        ("of", "Mean::of"),
        ("mean", "Mean"),
        ("sums::sum()", "sum"),
        ("Mean.new", "Mean::new"),
    ] {
        assert_eq!(
            scene.reset(Some(name))?.item.as_deref(),
            Some(item),
            "{name}"
        );
    }
    let error = said(scene.reset(Some("summ")));
    assert!(
        error.contains("sums has no item \"summ\"") && error.contains("did you mean `sum`?"),
        "{error}"
    );
    let error = said(scene.reset(Some("quite-another")));
    assert!(error.contains("sum, Mean, Mean::new, Mean::of"), "{error}");
    Ok(())
}

#[test]
fn a_checkout_without_stubs_says_so() -> TestResult {
    let scene = Scene::solved()?;
    fs::remove_dir_all(scene.course.root.join("exercises/01-sums/stubs"))?;
    let error = said(scene.reset(None));
    assert!(
        error.contains("exercises/01-sums/stubs holds no stubs"),
        "{error}"
    );
    Ok(())
}
