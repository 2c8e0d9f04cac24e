//! The solutions that a learner's code is compared with: the reference, and the variants.

use super::code::Code;
use super::format::Formatter;
use super::print::print;
use crate::course::{Course, Exercise};
use crate::grading::variants::Variant;
use anyhow::{Context, Result, anyhow, bail};
use hints::WithHint;
use intake::{Candidate, IntakeLimits, Source};

/// The name of the reference solution.
pub const REFERENCE: &str = "reference";

/// A correct solution.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Its name: [`REFERENCE`], or that of a variant.
    pub name: String,
    /// A sentence on how a variant differs from the reference.
    pub about: Option<String>,
    /// Its sources.
    pub sources: Vec<Source>,
    /// Its items.
    pub(super) code: Code,
}

impl Solution {
    /// The solutions of an exercise: the reference first, then the variants by name.
    ///
    /// # Errors
    /// Returns an error if one cannot be read: the course is at fault.
    pub fn all(course: &Course, exercise: &Exercise, formatter: &Formatter) -> Result<Vec<Self>> {
        let sources = sources(course, exercise)?;
        let mut all = vec![Self::of(REFERENCE, None, sources.clone(), formatter)?];
        for variant in Variant::all(course, exercise)? {
            let lib = Source {
                path: "lib.rs".to_owned(),
                bytes: variant.source.into_bytes(),
            };
            let others = sources.iter().filter(|source| source.path != lib.path);
            let sources = others.cloned().chain([lib.clone()]).collect();
            all.push(Self::of(
                &variant.name,
                Some(variant.about),
                sources,
                formatter,
            )?);
        }
        Ok(all)
    }

    /// The solution of a name.
    ///
    /// # Errors
    /// Returns an error if there is no such solution, naming those that there are.
    pub fn find(all: &[Self], name: &str) -> Result<usize> {
        let found = all.iter().position(|solution| solution.name == name);
        let known: Vec<_> = all.iter().map(|it| it.name.as_str()).collect();
        found
            .ok_or_else(|| anyhow!("there is no solution {name:?}"))
            .hint(format!("the solutions are {}", known.join(", ")))
    }

    /// Its items of the public interface that are shown, given by their paths, with the helpers that they use.
    pub fn print(&self, shows: &dyn Fn(&str) -> bool) -> String {
        print(&self.code, shows)
    }

    fn of(
        name: &str,
        about: Option<String>,
        sources: Vec<Source>,
        formatter: &Formatter,
    ) -> Result<Self> {
        let code = Code::read(&sources, formatter)
            .with_context(|| format!("cannot read the solution {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            about,
            sources,
            code,
        })
    }
}

/// The sources of the reference.
fn sources(course: &Course, exercise: &Exercise) -> Result<Vec<Source>> {
    let solutions = Candidate::new("solutions", course.root.join("solutions"));
    let folder = exercise.folder.as_str();
    let mut read = solutions.read(&[folder], &IntakeLimits::default())?;
    if let Some(why) = read.left_out.remove(folder) {
        bail!(why);
    }
    let sources = read.exercises.remove(folder);
    sources.with_context(|| format!("{folder} has no solution"))
}
