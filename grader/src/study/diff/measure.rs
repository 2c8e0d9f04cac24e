//! The cost of two solutions: both are compiled with optimisation, and called with the same inputs.

mod compile;
mod inputs;

use super::solutions::REFERENCE;
use crate::cost::bytes;
use crate::course::Exercise;
use crate::environment::Environment;
use crate::worker::ask::Respondent;
use crate::worker::broken::Broken;
use anyhow::{Context, Result};
use intake::Source;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::TempDir;
use wire::words::{CALL_SECONDS, MEASURE, PEAK_BYTES};
use wire::{Answer, Request, Tensors, printable_lines};

/// The cost of an item in two solutions.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// The input in words.
    pub input: String,
    /// The learner's.
    pub yours: Side,
    /// The solution's.
    pub theirs: Side,
    /// The largest difference of their results, and the largest magnitude of the solution's.
    pub difference: Option<[f64; 2]>,
}

/// The cost of an item.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The cost of a call.
    Took {
        /// The median of the calls, in seconds.
        seconds: f64,
        /// The memory of one call in bytes, where it can be told.
        bytes: Option<u64>,
    },
    /// The reason why it returned no result.
    Failed(String),
}

/// Returns whether the exercise's manifest has inputs for an item with these operations.
pub fn can_measure(exercise: &Exercise, operations: &[String]) -> bool {
    operations
        .iter()
        .any(|it| inputs::of(exercise, it).is_some())
}

/// Programs of several solutions, compiled when they are first asked for.
pub struct Bench<'a> {
    environment: &'a Environment,
    exercise: &'a Exercise,
    programs: BTreeMap<String, (TempDir, PathBuf)>,
}

impl<'a> Bench<'a> {
    /// A bench for an exercise.
    pub fn new(environment: &'a Environment, exercise: &'a Exercise) -> Self {
        Self {
            environment,
            exercise,
            programs: BTreeMap::new(),
        }
    }

    /// The cost of an item with these operations, in the learner's code and in a solution, each given by its name and its
    /// sources; `None` where the manifest has no inputs for it.
    ///
    /// # Errors
    /// Returns an error if a solution does not compile, or a program cannot be started.
    pub fn measure(
        &mut self,
        operations: &[String],
        [yours, theirs]: [(&str, &[Source]); 2],
    ) -> Result<Option<Cost>> {
        let exercise = self.exercise;
        let known = operations
            .iter()
            .find_map(|it| Some((it, inputs::of(exercise, it)?)));
        let Some((operation, input)) = known else {
            return Ok(None);
        };
        let programs = [self.program(yours)?, self.program(theirs)?];
        let mut request = Request {
            operation: operation.clone(),
            arguments: input.arguments.clone(),
            tensors: input.tensors.clone(),
        };
        if let Some(new) = &input.weights {
            // The solution's: a mistake in the learner's initialisation must not change what is measured.
            let weights = Request {
                operation: new.clone(),
                arguments: input.arguments.clone(),
                tensors: Tensors::new(),
            };
            let mut worker = Respondent::new(self.environment, &programs[1]);
            let weights = worker.ask(weights)?;
            match weights {
                Ok(weights) => request.tensors.extend(weights),
                Err(_) => return Ok(None),
            }
        }
        request.arguments.insert(MEASURE.to_owned(), "1".to_owned());
        let mut sides = vec![];
        for program in &programs {
            // A process of its own each time: its memory is that of one solution.
            let mut worker = Respondent::new(self.environment, program);
            sides.push(answer(worker.ask(request.clone()))?);
        }
        let difference = match sides.as_slice() {
            [Ok(yours), Ok(theirs)] => difference(yours, theirs),
            _ => None,
        };
        let mut sides = sides.into_iter().map(side);
        let (Some(yours), Some(theirs)) = (sides.next(), sides.next()) else {
            return Ok(None);
        };
        Ok(Some(Cost {
            input: input.about,
            yours,
            theirs,
            difference,
        }))
    }

    fn program(&mut self, (name, sources): (&str, &[Source])) -> Result<PathBuf> {
        if let Some((_, program)) = self.programs.get(name) {
            return Ok(program.clone());
        }
        let folder = self.environment.scratch.folder()?;
        let program = compile::compile(self.environment, self.exercise, sources, folder.path())
            .with_context(|| format!("{name} does not compile with optimisation"))?;
        self.programs
            .insert(name.to_owned(), (folder, program.clone()));
        Ok(program)
    }
}

/// The results of a call, or why there are none, where that is the code's fault: another item may be measured all the same.
fn answer(answer: Result<Answer>) -> Result<Result<Tensors, String>> {
    match answer {
        Ok(answer) => Ok(answer.map_err(|fault| printable_lines(&fault.message))),
        Err(error) => match error.downcast_ref() {
            Some(late @ Broken::Late { .. }) => Ok(Err(late.to_string())),
            _ => Err(error),
        },
    }
}

fn side(answer: Result<Tensors, String>) -> Side {
    let tensors = match answer {
        Ok(tensors) => tensors,
        Err(why) => return Side::Failed(why),
    };
    let mut seconds = tensors
        .get(CALL_SECONDS)
        .map(|it| it.to_f64())
        .unwrap_or_default();
    seconds.sort_by(f64::total_cmp);
    let memory = tensors
        .get(PEAK_BYTES)
        .and_then(|it| it.to_f64().first().copied());
    match seconds.get(seconds.len() / 2) {
        Some(&seconds) => Side::Took {
            seconds,
            bytes: memory.map(|it| it as u64),
        },
        None => Side::Failed("it was not measured".to_owned()),
    }
}

/// The largest difference of results, and the largest magnitude of the second ones. None where they are not of the same form.
fn difference(yours: &Tensors, theirs: &Tensors) -> Option<[f64; 2]> {
    let mut largest = [0.0_f64; 2];
    for (name, tensor) in theirs
        .iter()
        .filter(|(name, _)| !name.starts_with("measured."))
    {
        let own = yours
            .get(name)
            .filter(|own| own.shape() == tensor.shape())?;
        for (own, other) in own.to_f64().iter().zip(tensor.to_f64().iter()) {
            // Infinities that agree do not differ.
            let off = if own == other {
                0.0
            } else {
                (own - other).abs()
            };
            largest[0] = if off.is_nan() {
                f64::NAN
            } else {
                largest[0].max(off)
            };
            largest[1] = largest[1].max(other.abs());
        }
    }
    Some(largest)
}

impl Cost {
    /// The cost in words; `name` is the solution's.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let name = match name {
            REFERENCE => "the reference".to_owned(),
            name => format!("`{name}`"),
        };
        let mut lines = vec![format!("cost, on {}:", self.input)];
        match (&self.yours, &self.theirs) {
            (
                Side::Took {
                    seconds: own,
                    bytes: own_bytes,
                },
                Side::Took {
                    seconds: other,
                    bytes: other_bytes,
                },
            ) => {
                lines.push(format!(
                    "time    yours {}, {name} {}: {}",
                    duration(*own),
                    duration(*other),
                    ratio(*own, *other)
                ));
                if let (Some(own), Some(other)) = (own_bytes, other_bytes) {
                    lines.push(format!(
                        "memory  yours {}, {name} {}",
                        bytes(u128::from(*own)),
                        bytes(u128::from(*other))
                    ));
                }
            }
            (yours, theirs) => {
                for (whose, side) in [("yours", yours), (name.as_str(), theirs)] {
                    if let Side::Failed(why) = side {
                        lines.push(format!("{whose} returned no result: {why}"));
                    }
                }
            }
        }
        match self.difference {
            Some([0.0, _]) => lines.push("results are the same to the bit".to_owned()),
            Some([off, largest]) => lines.push(format!(
                "results differ by {off:.1e} at most, where the largest is {largest:.1e}"
            )),
            None => {}
        }
        lines
    }
}

fn ratio(own: f64, other: f64) -> String {
    match own / other {
        ratio if ratio > 1.1 => format!("{ratio:.1} times as long"),
        ratio if ratio < 1.0 / 1.1 => format!("{:.1} times as fast", 1.0 / ratio),
        _ => "no difference".to_owned(),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        it if it >= 1.0 => format!("{it:.2} s"),
        it if it >= 1e-3 => format!("{:.2} ms", 1e3 * it),
        it => format!("{:.1} µs", 1e6 * it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_call_that_takes_too_long_has_no_results_and_ends_nothing_else() -> Result<()> {
        let late = Broken::Late {
            operation: "rollout".to_owned(),
            limit: Duration::from_secs(60),
        };
        let no_results = answer(Err(late.into()))?;
        let why = no_results.expect_err("no results");
        assert!(why.starts_with("rollout: no answer within 60 s"), "{why}");
        assert!(answer(Err(Broken::Stopped.into())).is_err());
        Ok(())
    }
}
