//! That submissions of every sort come out as written: each folder of `grader/testdata` is a case, made into a
//! submission and graded in a batch with the others, as a class would be.

mod case;
mod expected;
mod leftovers;
#[cfg(test)]
pub(super) mod testing;

use super::Finding;
use anyhow::{Context, Result, bail};
use case::Case;
use grader::grading::batch::{self, Audience};
use grader::grading::grade::Grader;
use grader::grading::stage::Stage;
use grader::grading::verdict::SubmissionGrade;
use grader::limits::LimitOverrides;
use grader::machine::lanes;
use intake::{Reading, discover};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let folder = grader.environment.course.root.join("grader/testdata");
    let cases = Case::all(&folder)?;
    let mut faults = faults_of_readme(&folder, &cases);
    let mut right = 0;
    for (seconds, cases) in by_limits(&cases) {
        let batch = Batch::grade(grader, limits(seconds), &cases)?;
        for case in cases {
            let of_case = batch.faults_of(case);
            right += usize::from(of_case.is_empty());
            let named = of_case
                .into_iter()
                .map(|fault| format!("{}: {fault}", case.name));
            faults.extend(named);
        }
        faults.extend(batch.leftovers);
    }
    Ok(Finding {
        showed: format!("{right} of {} submissions come out as written", cases.len()),
        faults,
    })
}

/// The time limits for a call and for an exercise, of a case that does not use the default ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Seconds {
    call: u64,
    exercise: u64,
}

/// The limits of a case, as the command line would set them.
fn limits(seconds: Option<Seconds>) -> LimitOverrides {
    LimitOverrides {
        call_seconds: seconds.map(|seconds| seconds.call),
        exercise_seconds: seconds.map(|seconds| seconds.exercise),
        memory_mib: None,
    }
}

/// The cases that can be graded together.
fn by_limits(cases: &[Case]) -> BTreeMap<Option<Seconds>, Vec<&Case>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for case in cases {
        groups.entry(case.limits).or_default().push(case);
    }
    groups
}

/// The result of a batch of cases.
struct Batch {
    /// The cases of which no submission could be made, with the reason.
    not_made: BTreeMap<String, String>,
    graded: BTreeMap<String, SubmissionGrade>,
    leftovers: Vec<String>,
}

impl Batch {
    fn grade(grader: &Grader, limits: LimitOverrides, cases: &[&Case]) -> Result<Self> {
        let class = tempfile::tempdir().context("no temporary folder can be made")?;
        let mut not_made = BTreeMap::new();
        for case in cases {
            if let Err(error) = case.lay_out(&grader.environment.course, class.path()) {
                not_made.insert(case.name.clone(), format!("{error:#}"));
            }
        }
        // A scratch folder of its own: what is left in it is of this batch.
        let scratch = Arc::new(grader.environment.scratch.part()?);
        let mut grader = grader.clone();
        grader.environment.limits = limits;
        grader.environment.scratch = Arc::clone(&scratch);
        let found = discover(
            &[class.path().to_owned()],
            &grader.environment.course.folders(),
            Some(Reading::Class),
        )?;
        let results = Results::default();
        let jobs = lanes::processors();
        let tally = batch::run(&grader, &found.candidates, jobs, None, &results)?;
        if tally.stopped {
            bail!("stopped");
        }
        Ok(Self {
            not_made,
            graded: results
                .0
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            leftovers: leftovers::below(scratch.path()),
        })
    }

    fn faults_of(&self, case: &Case) -> Vec<String> {
        match (self.not_made.get(&case.name), self.graded.get(&case.name)) {
            (Some(why), _) => vec![why.clone()],
            (None, Some(graded)) => case.expected.faults_of(graded),
            (None, None) => vec!["the batch went on without it".to_owned()],
        }
    }
}

/// Keeps what a batch gives.
#[derive(Default)]
struct Results(Mutex<BTreeMap<String, SubmissionGrade>>);

impl Audience for Results {
    fn at(&self, _job: usize, _submission: &str, _stage: Stage<'_>) {}

    fn finished(&self, _job: usize, graded: &SubmissionGrade, _before: bool) {
        let mut results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        results.insert(graded.submission.clone(), graded.clone());
    }
}

/// README.md has a table with a row for each case and no other.
fn faults_of_readme(folder: &Path, cases: &[Case]) -> Vec<String> {
    let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
    let rows: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(str::to_owned)
        .collect();
    let wanted: Vec<_> = cases
        .iter()
        .map(|case| format!("| `{}` | {} |", case.name, case.about))
        .collect();
    let missing = wanted.iter().filter(|row| !rows.contains(row));
    let missing = missing.map(|row| format!("grader/testdata/README.md lacks the row {row}"));
    let surplus = rows.iter().filter(|row| !wanted.contains(row));
    let surplus =
        surplus.map(|row| format!("grader/testdata/README.md has a row of no case: {row}"));
    missing.chain(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::testing::{case, graded, tested};
    use super::*;
    use grader::grading::verdict::Outcome;

    #[test]
    fn cases_of_the_same_limits_are_graded_together() {
        let quick = "limits = { call = 1, exercise = 5 }";
        let cases = [case("a", ""), case("b", quick), case("c", "")];
        let groups = by_limits(&cases);
        let names: Vec<Vec<_>> = groups
            .values()
            .map(|cases| cases.iter().map(|case| case.name.as_str()).collect())
            .collect();
        assert_eq!(names, [vec!["a", "c"], vec!["b"]]);
        assert_eq!(limits(cases[1].limits).call_seconds, Some(1));
    }

    #[test]
    fn a_case_that_is_not_made_not_graded_or_graded_otherwise_has_faults() {
        let missing = graded(vec![("01-a", Outcome::Missing, vec![])]);
        let surprise = graded(vec![("01-a", Outcome::Tested, vec![tested("x", None)])]);
        let batch = Batch {
            not_made: BTreeMap::from([("broken".to_owned(), "no such edit".to_owned())]),
            graded: [("right", missing), ("wrong", surprise)]
                .map(|(name, graded)| (name.to_owned(), graded))
                .into(),
            leftovers: vec![],
        };
        let faults = |name: &str| batch.faults_of(&case(name, ""));
        assert_eq!(faults("right"), [""; 0]);
        assert_eq!(faults("broken"), ["no such edit"]);
        assert_eq!(faults("lost"), ["the batch went on without it"]);
        assert_eq!(faults("wrong").len(), 1);
    }

    #[test]
    fn the_readme_has_a_row_for_each_case_and_no_other() {
        let dir = tempfile::TempDir::new().expect("a temporary folder");
        let cases = [case("a", ""), case("b", "")];
        let table = "| case | about |\n|---|---|\n| `a` | about a |\n| `b` | about b |\n";
        fs::write(dir.path().join("README.md"), table).expect("a new file");
        assert_eq!(faults_of_readme(dir.path(), &cases), [""; 0]);
        assert_eq!(
            faults_of_readme(dir.path(), &cases[..1]),
            ["grader/testdata/README.md has a row of no case: | `b` | about b |"]
        );
        fs::write(dir.path().join("README.md"), "").expect("a new file");
        assert_eq!(faults_of_readme(dir.path(), &cases).len(), 2);
    }
}
