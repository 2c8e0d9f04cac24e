//! That solutions written otherwise pass every test, the drawn ones with room to spare, and are accused of nothing:
//! neither as they are, nor if every test had failed. They lie in `solutions/NN-name/variants`: `NAME.rs` is a whole lib.rs,
//! `NAME.diff` a diff of the solution's below a sentence on what is different, for one that differs in few lines.

use super::{Finding, first_line, trials};
use crate::course::{Course, Exercise};
use crate::grading::grade::{Doubt, Grader, Trial};
use crate::grading::naming::misconception::{apply, solution_of, words_and_diff};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// The least number of variants of an exercise.
const LEAST: usize = 2;

/// The part of the tolerance of drawn tests that they must keep to: one in so many.
const MARGIN: u8 = 4;

/// A solution written otherwise.
struct Variant<'a> {
    exercise: &'a Exercise,
    name: String,
    source: String,
}

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut variants = vec![];
    let mut faults = vec![];
    for exercise in &grader.environment.exercises {
        let of_exercise = variants_of(&grader.environment.course, exercise)?;
        if of_exercise.len() < LEAST {
            faults.push(format!(
                "solutions/{}/variants holds {} solutions written otherwise; {LEAST} are the least",
                exercise.folder,
                of_exercise.len()
            ));
        }
        variants.extend(of_exercise);
    }
    let mut strict = grader.clone();
    strict.environment.margin = MARGIN;
    let of_variants = trials::each(&variants, |variant| {
        let trial = trials::of_source(
            &strict,
            variant.exercise,
            &variant.source,
            Doubt::Everything,
        )?;
        Ok(faults_of(&trial))
    })?;
    let right = of_variants
        .iter()
        .filter(|faults| faults.is_empty())
        .count();
    for (variant, of_variant) in variants.iter().zip(of_variants) {
        let of_variant = of_variant.into_iter();
        faults.extend(
            of_variant
                .map(|fault| format!("{} {}: {fault}", variant.exercise.folder, variant.name)),
        );
    }
    Ok(Finding {
        showed: format!(
            "{right} of {} solutions written otherwise pass, within a quarter of the tolerances, and are accused of nothing",
            variants.len()
        ),
        faults,
    })
}

fn variants_of<'a>(course: &Course, exercise: &'a Exercise) -> Result<Vec<Variant<'a>>> {
    let folder = course
        .root
        .join("solutions")
        .join(&exercise.folder)
        .join("variants");
    let solved = solution_of(course, exercise)?;
    let mut variants = vec![];
    for entry in fs::read_dir(&folder).into_iter().flatten() {
        let path = entry
            .with_context(|| format!("{} cannot be read", folder.display()))?
            .path();
        variants.push(Variant {
            exercise,
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            source: source_of(&path, &solved)?,
        });
    }
    variants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(variants)
}

/// The source of a variant: its file, or the solution with its file's diff applied.
fn source_of(path: &Path, solved: &str) -> Result<String> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
    match path.extension().and_then(OsStr::to_str) {
        Some("rs") => Ok(text),
        Some("diff") => changed(&text, solved).with_context(|| shown.to_string()),
        _ => bail!("{shown} is no variant: its name must be NAME.rs or NAME.diff"),
    }
}

/// The solution with a diff applied that stands below words.
fn changed(text: &str, solved: &str) -> Result<String> {
    let (words, diff) = words_and_diff(text)?;
    if words.trim().is_empty() {
        bail!("it must begin with a sentence on what is different");
    }
    apply(diff, solved)
}

fn faults_of(trial: &Trial) -> Vec<String> {
    if let Some(why) = trials::untested(trial) {
        return vec![format!("it {why}")];
    }
    let failed = trial.tests.iter().filter(|tested| !tested.passed);
    let mut faults: Vec<_> = failed
        .map(|tested| {
            let message = tested.message.as_deref().unwrap_or_default();
            format!("{} fails: {}", tested.test, first_line(message))
        })
        .collect();
    match trials::suspected(trial) {
        Ok(suspected) if suspected.is_empty() => {}
        Ok(suspected) => faults.push(format!("it is accused of {}", suspected.join(", "))),
        Err(error) => faults.push(error),
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::naming::Suspicion;
    use crate::grading::verdict::Outcome;
    use crate::maintain::proof::misconceptions::testing::misconception;
    use crate::maintain::proof::submissions::testing::tested;

    #[test]
    fn a_variant_is_a_whole_source_or_a_diff_below_words() -> Result<()> {
        const SOLVED: &str = "one\ntwo\nthree\n";
        const DIFF: &str =
            "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
        let folder = tempfile::tempdir()?;
        let read = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text)?;
            source_of(&path, SOLVED)
        };
        assert_eq!(read("a.rs", "anything")?, "anything");
        let text = format!("Written with a digit.\n\n{DIFF}");
        assert_eq!(read("a.diff", &text)?, "one\n2\nthree\n");
        let error = |name, text: &str| read(name, text).map_err(|error| format!("{error:#}"));
        for (name, text, words) in [
            ("a.diff", "Words alone.\n", "holds no diff"),
            ("a.diff", &format!("\n{DIFF}"), "must begin with a sentence"),
            ("a.diff", &text.replace("-two", "-tow"), "does not apply"),
            ("a.txt", &text, "NAME.rs or NAME.diff"),
        ] {
            let error = error(name, text).expect_err("it is no variant");
            assert!(error.contains(words), "{error}");
        }
        Ok(())
    }

    #[test]
    fn one_that_fails_a_test_or_is_accused_has_faults() {
        let trial = |message, suspicion| Trial {
            outcome: Outcome::Tested,
            tests: vec![tested("x", message)],
            suspicion: Ok(suspicion),
        };
        assert_eq!(faults_of(&trial(None, Suspicion::default())), [""; 0]);
        assert_eq!(
            faults_of(&trial(Some("off"), Suspicion::from(misconception("a")))),
            ["shape::x fails: off", "it is accused of a"]
        );
    }
}
