//! That the solutions agree with PyTorch on the stored cases of `solutions/NN-name/agreement`, without Python.
//!
//! `OPERATION/in/CASE.safetensors` is what an operation is given, as `grader call` takes it; the file of the same
//! name in `out` is what PyTorch gives for it. `grader/agreement/agree.py --store` writes both.

mod compare;

use super::Finding;
use anyhow::{Context, Result};
use grader::course::{Course, Exercise};
use grader::grading::grade::Grader;
use grader::weights;
use grader::worker::ask::Respondent;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use wire::{Answer, FrameLimits, Request, Tensors};

/// The values by which an answer's metadata names its source, with the name of each in messages.
const WHOSE: [(&str, &str); 2] = [("pytorch", "PyTorch"), ("timm", "timm")];

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut tally = Tally::default();
    for exercise in &grader.environment.exercises {
        let cases = tally.take_in(stored(&grader.environment.course, exercise)?);
        tally.faults.extend(without_case(exercise, &cases));
        let scratch = grader.environment.scratch.folder()?;
        match grader
            .environment
            .compile_reference(exercise, scratch.path())
        {
            Ok(worker) => {
                let mut solution = Respondent::new(&grader.environment, &worker);
                tally.compare(exercise, cases, &mut |request| solution.ask(request))?;
            }
            Err(fault) => tally.faults.push(format!("{fault:#}")),
        }
    }
    Ok(tally.finding())
}

/// A request, and what PyTorch answers.
#[derive(Clone, Debug)]
struct Case {
    /// `msa/prime-f64`: the operation and the file's name.
    name: String,
    request: Request,
    expected: Tensors,
    /// `PyTorch 2.11.0`.
    whose: Vec<String>,
}

impl Case {
    /// The case of a file in an operation's folder.
    fn read(folder: &Path, operation: &str, file: &str) -> Result<Self> {
        let given = weights::read(&folder.join("in").join(file), &FrameLimits::default())?;
        let answer = weights::read(&folder.join("out").join(file), &FrameLimits::default())?;
        let version = |(key, name): (&str, &str)| {
            let version = answer.metadata.get(key);
            let version = version.with_context(|| format!("out/{file} has no version of {name}"));
            Ok(format!("{name} {}", version?))
        };
        Ok(Self {
            name: format!("{operation}/{}", file.trim_end_matches(".safetensors")),
            whose: WHOSE.into_iter().map(version).collect::<Result<_>>()?,
            request: Request {
                operation: operation.to_owned(),
                arguments: given.arguments(),
                tensors: given.tensors,
            },
            expected: answer.tensors,
        })
    }
}

/// The counts and faults found so far.
#[derive(Debug, Default)]
struct Tally {
    cases: usize,
    tensors: usize,
    whose: BTreeSet<String>,
    faults: Vec<String>,
}

impl Tally {
    /// Keeps why a case cannot be read; gives the others.
    fn take_in(&mut self, cases: Vec<Result<Case>>) -> Vec<Case> {
        let mut read = vec![];
        for case in cases {
            match case {
                Ok(case) => read.push(case),
                Err(error) => self.faults.push(format!("{error:#}")),
            }
        }
        read
    }

    /// Asks for each case what the solution gives, and holds it against what is stored.
    fn compare(
        &mut self,
        exercise: &Exercise,
        cases: Vec<Case>,
        ask: &mut dyn FnMut(Request) -> Result<Answer>,
    ) -> Result<()> {
        for case in cases {
            let faults = match ask(case.request)? {
                Ok(got) => compare::faults(&got, &case.expected),
                Err(fault) => vec![format!("{}: {}", fault.kind, fault.message)],
            };
            let place = format!("{} {}", exercise.folder, case.name);
            let named = faults.into_iter().map(|fault| format!("{place}: {fault}"));
            self.faults.extend(named);
            self.cases += 1;
            self.tensors += case.expected.len();
            self.whose.extend(case.whose);
        }
        Ok(())
    }

    fn finding(self) -> Finding {
        let whose: Vec<_> = self.whose.into_iter().collect();
        let verdict = if self.faults.is_empty() {
            "agree"
        } else {
            "compared"
        };
        Finding {
            showed: format!(
                "{} tensors of {} cases {verdict} with {}",
                self.tensors,
                self.cases,
                whose.join(" and ")
            ),
            faults: self.faults,
        }
    }
}

/// The folder of an exercise's cases within the course.
fn store(exercise: &Exercise) -> String {
    format!("solutions/{}/agreement", exercise.folder)
}

/// All cases of an exercise, in the order of their names; for each that cannot be read, why.
fn stored(course: &Course, exercise: &Exercise) -> Result<Vec<Result<Case>>> {
    let folder = course.root.join(store(exercise));
    let mut cases = vec![];
    for operation in names_in(&folder)? {
        let folder = folder.join(&operation);
        let files = [
            names_in(&folder.join("in"))?,
            names_in(&folder.join("out"))?,
        ];
        // A request without an answer, or an answer without a request, is one that cannot be read.
        for file in files.concat().into_iter().collect::<BTreeSet<_>>() {
            cases.push(Case::read(&folder, &operation, &file));
        }
    }
    Ok(cases)
}

/// Operations that nothing is stored for, and cases of operations that there are not.
fn without_case(exercise: &Exercise, cases: &[Case]) -> Vec<String> {
    let listed: BTreeSet<_> = exercise.operations.keys().collect();
    let tried: BTreeSet<_> = cases.iter().map(|case| &case.request.operation).collect();
    let folder = store(exercise);
    let missing = listed.difference(&tried).map(|name| {
        format!("{folder} has no case of {name}: `python grader/agreement/agree.py --store {}` writes some", exercise.name)
    });
    let surplus = tried.difference(&listed);
    let surplus =
        surplus.map(|name| format!("{folder} has cases of {name}, which is not an operation"));
    missing.chain(surplus).collect()
}

/// The names in a folder, sorted; none where it is not there.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let says = || format!("{} cannot be read", folder.display());
    let mut names = vec![];
    if folder.is_dir() {
        for entry in fs::read_dir(folder).with_context(says)? {
            let name = entry.with_context(says)?.file_name();
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Dtype, RawTensor};

    fn course() -> Course {
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../..").as_ref());
        course.expect("the course of this checkout")
    }

    /// The stored cases of an exercise, all of which can be read.
    fn cases(course: &Course, exercise: &Exercise) -> Vec<Case> {
        let stored = stored(course, exercise).expect("a folder that can be read");
        let read = stored.into_iter().collect::<Result<Vec<_>>>();
        read.expect("cases that can be read")
    }

    /// The finding on a solution that answers with `answer`.
    fn finding(exercise: &Exercise, case: &Case, answer: Answer) -> Finding {
        let mut tally = Tally::default();
        let mut answer = Some(answer);
        let mut ask = |_| Ok(answer.take().expect("one case is asked for once"));
        let compared = tally.compare(exercise, vec![case.clone()], &mut ask);
        compared.expect("an answer that came");
        tally.finding()
    }

    /// The same tensor, its last element a hundredth off.
    fn changed(tensor: &RawTensor) -> RawTensor {
        let mut bytes = tensor.bytes().to_vec();
        let rest = bytes.len() - tensor.dtype().size();
        let last = tensor.to_f64().pop().expect("an element to change");
        let other = last + 0.01 * (1.0 + last.abs());
        match tensor.dtype() {
            Dtype::F32 => bytes[rest..].copy_from_slice(&(other as f32).to_le_bytes()),
            Dtype::F64 => bytes[rest..].copy_from_slice(&other.to_le_bytes()),
            Dtype::I64 => bytes[rest..].copy_from_slice(&(last as i64 + 1).to_le_bytes()),
            Dtype::U8 => bytes[rest] ^= 1,
        }
        let tensor = RawTensor::new(tensor.dtype(), tensor.shape().to_vec(), bytes);
        tensor.expect("as many bytes as before")
    }

    #[test]
    fn every_stored_case_notices_a_change_of_any_of_its_tensors() {
        let course = course();
        for exercise in &course.exercises {
            for case in cases(&course, exercise) {
                let right = finding(exercise, &case, Ok(case.expected.clone()));
                assert_eq!(right.faults, [""; 0]);
                for (name, tensor) in &case.expected {
                    let mut wrong = case.expected.clone();
                    wrong.insert(name.clone(), changed(tensor));
                    let place = format!("{} {}: {name} at [", exercise.folder, case.name);
                    let faults = finding(exercise, &case, Ok(wrong)).faults;
                    assert!(
                        faults.len() == 1 && faults[0].starts_with(&place),
                        "{place} {faults:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_a_solution_does_not_answer_is_a_fault() {
        let course = course();
        let exercise = &course.exercises[0];
        let case = &cases(&course, exercise)[0];
        let fault = wire::Fault::wrong_shape("no such axis");
        assert_eq!(
            finding(exercise, case, Err(fault)).faults,
            [format!(
                "{} {}: wrong shape: no such axis",
                exercise.folder, case.name
            )]
        );
    }

    #[test]
    fn an_operation_without_a_case_is_a_fault_and_so_is_a_case_of_none() {
        let course = course();
        let named = |name: &str| course.exercises.iter().find(|it| it.name == name);
        let (Some(first), Some(second)) = (named("patchify"), named("msa")) else {
            panic!("a course without patchify and msa")
        };
        let faults = without_case(first, &cases(&course, second));
        let operations = first.operations.len() + second.operations.len();
        assert_eq!(faults.len(), operations, "{faults:?}");
        assert_eq!(without_case(first, &cases(&course, first)), [""; 0]);
    }

    #[test]
    fn a_request_without_an_answer_and_a_broken_file_are_faults() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let course = Course {
            root: dir.path().to_owned(),
            ..course()
        };
        let exercise = &course.exercises[0];
        let operation = dir.path().join(store(exercise)).join("cost");
        for place in ["in", "out"] {
            fs::create_dir_all(operation.join(place)).expect("a new folder");
        }
        let blob = wire::Frame::default().encode().expect("an empty frame");
        fs::write(operation.join("in/alone.safetensors"), &blob).expect("a new file");
        fs::write(operation.join("in/broken.safetensors"), "x").expect("a new file");
        fs::write(operation.join("in/whose.safetensors"), &blob).expect("a new file");
        fs::write(operation.join("out/whose.safetensors"), &blob).expect("a new file");

        let mut tally = Tally::default();
        let read = tally.take_in(stored(&course, exercise).expect("a folder"));
        assert!(read.is_empty());
        let [alone, broken, whose] = &tally.faults[..] else {
            panic!("{:?}", tally.faults)
        };
        assert!(
            alone.contains("out/alone.safetensors cannot be read"),
            "{alone}"
        );
        assert!(
            broken.contains("broken.safetensors is not a safetensors"),
            "{broken}"
        );
        assert!(whose.contains("no version of PyTorch"), "{whose}");
    }
}
