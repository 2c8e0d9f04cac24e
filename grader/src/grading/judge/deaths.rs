//! A judge that dies in the midst of a test: of what a worker answered, or of the machine.
//!
//! The judge is the course's own code and ends by itself, unless an answer is so large or so odd that comparing it takes
//! more memory than there is. That is the submission's doing, and fails the test that was running; the others are run
//! again without it. What tells it from a fault of the machine is that it comes again, and not with the reference's
//! answers. A worker may remember what it was asked before and kill a judge in a whole run alone: so the reference answers
//! the same run.

use anyhow::{Result, bail};
use sandbox::process::CompletedProcess;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;

/// Tests that may end their judge, each of which costs four runs or more. After that, no other is tried.
const MOST_DEATHS: usize = 3;
/// Deaths that do not come again before the machine is given up.
const MOST_ACCIDENTS: usize = 2;

/// Further runs of a judge.
pub(super) trait Rerun {
    /// Runs the judge on the submission's worker: all tests, or those of these names.
    fn submission(&self, tests: &[String]) -> Result<CompletedProcess>;
    /// Returns whether these tests, or all, get to their end with the reference's answers, passed or failed.
    fn reference(&self, tests: &[String]) -> Result<bool>;
}

/// Runs a judge: all its tests, or where it is `selective`, these alone; again without the tests that it died in where it
/// did. Gives the last run, and by the names of the tests
/// that are not part of it why they failed.
///
/// # Errors
/// Returns an error if the judge cannot be run, or dies of the machine.
pub(super) fn hear(
    judge: &impl Rerun,
    tests: &[String],
    selective: bool,
) -> Result<(CompletedProcess, BTreeMap<String, String>)> {
    let mut failed = BTreeMap::new();
    let mut accidents = 0;
    let mut only = if selective { tests.to_vec() } else { vec![] };
    loop {
        let finished = judge.submission(&only)?;
        let Some((signal, test)) = death(&finished, tests) else {
            return Ok((finished, failed));
        };
        let again = judge.submission(std::slice::from_ref(&test))?;
        if again.timed_out {
            // Tests that did not run are out of time.
            return Ok((again, failed));
        }
        // The tests that killed it: one, or that one after the others.
        let deadly = if death(&again, tests).is_some() {
            vec![test.clone()]
        } else {
            accidents += 1;
            if accidents <= MOST_ACCIDENTS {
                continue;
            }
            only.clone()
        };
        if !judge.reference(&deadly)? {
            bail!(
                "the judge is ended by signal {signal} in {test}, with the reference's answers too"
            );
        }
        failed.insert(test, reason(signal));
        only = tests
            .iter()
            .filter(|test| !failed.contains_key(*test))
            .cloned()
            .collect();
        if failed.len() == MOST_DEATHS {
            for test in only.drain(..) {
                let why = format!(
                    "not tried: what was answered ended the judge in {MOST_DEATHS} other tests"
                );
                failed.insert(test, why);
            }
        }
        if only.is_empty() {
            return Ok((finished, failed));
        }
    }
}

/// The signal that ended a judge by itself, and the test that was running.
fn death(finished: &CompletedProcess, tests: &[String]) -> Option<(i32, String)> {
    let signal = finished.status.signal().filter(|_| !finished.timed_out)?;
    // The harness names a test before it runs it, and says nothing more of it until it is over.
    let last = finished.stdout.lines().last()?;
    let name = last.strip_prefix("test ")?.split(" ... ").next()?;
    let mut tests = tests.iter();
    tests
        .find(|test| *test == name)
        .map(|test| (signal, test.clone()))
}

fn reason(signal: i32) -> String {
    let how = match signal {
        6 => "ran out of memory or gave up (SIGABRT)",
        9 => "was killed (SIGKILL)",
        11 => "crashed (SIGSEGV)",
        24 => "ran out of processor time (SIGXCPU)",
        _ => "was ended",
    };
    format!(
        "the judge {how} over what was answered, each time, and does not over the reference's answers: results are far larger than those that the test is about, or nothing like them"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::process::ExitStatus;

    /// A judge of three tests that dies in some, with whose answers and how often.
    struct Judge {
        dies: Vec<&'static str>,
        times: usize,
        /// True if it dies in a test that runs alone, too.
        alone: bool,
        reference_dies: bool,
        runs: RefCell<Vec<Vec<String>>>,
    }

    const TESTS: [&str; 3] = ["shape::a", "snapshot::b", "snapshot::bc"];

    fn run(tests: &[&str], dies: &[&str]) -> CompletedProcess {
        let mut stdout = format!("\nrunning {} tests\n", tests.len());
        let mut status = ExitStatus::from_raw(0);
        for test in tests {
            stdout += &format!("test {test} ... ");
            if dies.contains(test) {
                status = ExitStatus::from_raw(6);
                break;
            }
            stdout += "ok\n";
        }
        CompletedProcess {
            status,
            timed_out: false,
            stdout,
            stderr: String::new(),
        }
    }

    impl Rerun for Judge {
        fn submission(&self, only: &[String]) -> Result<CompletedProcess> {
            self.runs.borrow_mut().push(only.to_vec());
            let is_alone = only.len() == 1;
            let dies = if self.runs.borrow().len() <= self.times && (self.alone || !is_alone) {
                &self.dies[..]
            } else {
                &[]
            };
            let all = TESTS.into_iter();
            let tests: Vec<_> = all
                .filter(|test| only.is_empty() || only.iter().any(|only| only == test))
                .collect();
            Ok(run(&tests, dies))
        }

        fn reference(&self, _: &[String]) -> Result<bool> {
            Ok(!self.reference_dies)
        }
    }

    fn judge(dies: &[&'static str]) -> Judge {
        Judge {
            dies: dies.to_vec(),
            times: usize::MAX,
            alone: true,
            reference_dies: false,
            runs: RefCell::default(),
        }
    }

    fn heard(judge: &Judge) -> Result<(Vec<String>, Vec<String>)> {
        let (finished, failed) = hear(judge, &TESTS.map(str::to_owned), false)?;
        let passed = finished.stdout.lines().filter(|line| line.ends_with(" ok"));
        Ok((
            passed.map(str::to_owned).collect(),
            failed.into_keys().collect(),
        ))
    }

    #[test]
    fn a_judge_that_lives_is_run_once() -> Result<()> {
        let judge = judge(&[]);
        let (passed, failed) = heard(&judge)?;
        assert_eq!((passed.len(), failed.len()), (3, 0));
        assert_eq!(judge.runs.borrow().len(), 1);
        Ok(())
    }

    #[test]
    fn what_ends_a_judge_fails_its_test_and_no_other() -> Result<()> {
        let (passed, failed) = heard(&judge(&["snapshot::b"]))?;
        assert_eq!(passed, ["test shape::a ... ok", "test snapshot::bc ... ok"]);
        assert_eq!(failed, ["snapshot::b"]);
        let (passed, failed) = heard(&judge(&TESTS))?;
        assert!(passed.is_empty() && failed == TESTS, "{failed:?}");
        Ok(())
    }

    #[test]
    fn what_ends_a_judge_once_or_with_the_reference_is_nobodys_failure() -> Result<()> {
        let once = Judge {
            times: 1,
            ..judge(&["snapshot::b"])
        };
        let (passed, failed) = heard(&once)?;
        assert_eq!((passed.len(), failed.len()), (3, 0));
        let machine = Judge {
            reference_dies: true,
            ..judge(&["snapshot::b"])
        };
        let error = heard(&machine).expect_err("the machine fails");
        assert!(
            error.to_string().contains("the reference's answers too"),
            "{error}"
        );
        Ok(())
    }

    #[test]
    fn what_ends_a_judge_in_whole_runs_alone_fails_its_test() -> Result<()> {
        let sly = Judge {
            alone: false,
            ..judge(&["snapshot::b"])
        };
        let (passed, failed) = heard(&sly)?;
        assert_eq!(passed, ["test shape::a ... ok", "test snapshot::bc ... ok"]);
        assert_eq!(failed, ["snapshot::b"]);
        let machine = Judge {
            alone: false,
            reference_dies: true,
            ..judge(&["snapshot::b"])
        };
        heard(&machine).expect_err("the machine fails");
        Ok(())
    }

    #[test]
    fn who_was_stopped_for_its_time_has_not_died() {
        let mut late = run(&TESTS, &["shape::a"]);
        assert!(death(&late, &TESTS.map(str::to_owned)).is_some());
        late.timed_out = true;
        assert!(death(&late, &TESTS.map(str::to_owned)).is_none());
    }
}
