//! The proof that a release holds no part of a solution: no run of [`LENGTH`] tokens of a function's body in a solution, a
//! variant or a misconception occurs in a file of it, unless stubs, tests or hints hold it, too.
//!
//! Tokens are words, numbers and single signs: whatever the language of a file, the same code gives the same ones. White space
//! and Rust's comments are none.

use super::Files;
use anyhow::{Context, Result};
use grader::course::{Course, Exercise};
use grader::grading::naming::Misconception;
use grader::grading::variants::Variant;
use quote::ToTokens;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// The tokens of the shortest run that is looked for: two or three lines of code. A body that is shorter is a formula, which the
/// handouts give. Runs of 16 are shared by unrelated code, such as `Tensor::from(2_f64.sqrt()).erf()`.
pub const LENGTH: usize = 24;

/// A part of a solution in a file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The file.
    pub file: String,
    /// The solution, variant or misconception.
    pub of: String,
    /// The first tokens that both hold.
    pub tokens: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, of, tokens } = self;
        write!(f, "{file} holds part of {of}: {tokens}")
    }
}

/// The runs of tokens that are not given out.
#[derive(Debug, Default)]
pub struct Secrets {
    /// The tokens, numbered: a course has millions of runs.
    numbers: HashMap<String, u32>,
    /// The source of each run, by its place in `sources`.
    runs: HashMap<Vec<u32>, usize>,
    sources: Vec<String>,
}

impl Secrets {
    /// Those of a course.
    ///
    /// # Errors
    /// Returns an error if a solution cannot be read, or is not Rust.
    pub fn of(course: &Course) -> Result<Self> {
        let mut secret = Self::default();
        let (mut known, mut seen) = (HashSet::new(), HashSet::new());
        for exercise in &course.exercises {
            for (source, text) in solutions(course, exercise)? {
                let number = secret.sources.len();
                let bodies = bodies(&text).with_context(|| source.clone())?;
                for body in bodies {
                    let body = secret.numbered(body);
                    // A misconception has most of the solution's.
                    if seen.contains(&body) {
                        continue;
                    }
                    for run in body.windows(LENGTH) {
                        if !secret.runs.contains_key(run) {
                            secret.runs.insert(run.to_vec(), number);
                        }
                    }
                    seen.insert(body);
                }
                secret.sources.push(source);
            }
            for (path, text) in shown(course, exercise)? {
                let is_rust = path.extension().is_some_and(|end| end == "rs");
                let tokens = secret.numbered(tokens(&text, is_rust));
                known.extend(tokens.windows(LENGTH).map(<[u32]>::to_vec));
            }
        }
        secret.runs.retain(|run, _| !known.contains(run));
        Ok(secret)
    }

    /// The parts of solutions that files hold: of each file, the first.
    pub fn leaks(&self, files: &Files) -> Vec<Leak> {
        let found = files.iter().filter_map(|(file, content)| {
            let text = str::from_utf8(content).ok()?;
            let tokens = tokens(text, file.ends_with(".rs"));
            let (run, of) = self.first_in(&tokens)?;
            Some(Leak {
                file: file.clone(),
                of: of.to_owned(),
                tokens: run.join(" "),
            })
        });
        found.collect()
    }

    /// The numbers of tokens; new ones are given the next.
    fn numbered(&mut self, tokens: Vec<String>) -> Vec<u32> {
        let numbered = tokens.into_iter().map(|token| {
            let next = self.numbers.len() as u32;
            *self.numbers.entry(token).or_insert(next)
        });
        numbered.collect()
    }

    /// The first run that a file holds, and its source.
    fn first_in<'a>(&self, tokens: &'a [String]) -> Option<(&'a [String], &str)> {
        // One that no solution has is in no run.
        let number = |token: &String| self.numbers.get(token).copied().unwrap_or(u32::MAX);
        let numbers: Vec<_> = tokens.iter().map(number).collect();
        let mut runs = numbers.windows(LENGTH).enumerate();
        let (start, of) = runs.find_map(|(start, run)| Some((start, self.runs.get(run)?)))?;
        Some((&tokens[start..start + LENGTH], &self.sources[*of]))
    }
}

/// The sources of an exercise's solution, its variants and its misconceptions, by names.
fn solutions(course: &Course, exercise: &Exercise) -> Result<Vec<(String, String)>> {
    let folder = format!("solutions/{}", exercise.folder);
    let mut sources = vec![];
    for (path, text) in texts_below(&course.root, &format!("{folder}/src"))? {
        sources.push((path.display().to_string(), text));
    }
    for variant in Variant::all(course, exercise)? {
        sources.push((
            format!("{folder}/variants, {}", variant.name),
            variant.source,
        ));
    }
    let misconceptions = Misconception::all(course, exercise)?;
    for (id, source) in Misconception::otherwise(course, exercise, &misconceptions)? {
        sources.push((format!("{folder}/misconceptions/otherwise, {id}"), source));
    }
    for misconception in misconceptions {
        let name = format!("{folder}/misconceptions, {}", misconception.id);
        sources.push((name, misconception.source));
    }
    Ok(sources)
}

/// The stubs, tests and hints of an exercise.
fn shown(course: &Course, exercise: &Exercise) -> Result<Vec<(PathBuf, String)>> {
    let folder = format!("exercises/{}", exercise.folder);
    let mut texts = texts_below(&course.root, &format!("{folder}/stubs"))?;
    texts.extend(texts_below(&course.root, &format!("{folder}/tests"))?);
    texts.extend(texts_below(&course.root, &format!("{folder}/hints.md"))?);
    Ok(texts)
}

/// A text, or all texts below a folder, with their paths as seen from the course.
fn texts_below(root: &Path, place: &str) -> Result<Vec<(PathBuf, String)>> {
    let path = root.join(place);
    let files = match path.is_dir() {
        true => grader::machine::files::files_below(&path)?,
        false => vec![path],
    };
    let texts = files.into_iter().map(|file| {
        let content =
            fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let shown = file.strip_prefix(root).unwrap_or(&file).to_owned();
        Ok((shown, String::from_utf8(content).unwrap_or_default()))
    });
    texts.collect()
}

/// The tokens of each function's body.
fn bodies(source: &str) -> Result<Vec<Vec<String>>> {
    struct Bodies(Vec<Vec<String>>);
    impl<'a> Visit<'a> for Bodies {
        fn visit_block(&mut self, block: &'a syn::Block) {
            // Without the comments, and with those of its inner blocks.
            self.0
                .push(tokens(&block.to_token_stream().to_string(), false));
        }

        fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
            if item.ident != "tests" {
                visit::visit_item_mod(self, item);
            }
        }
    }
    let mut bodies = Bodies(vec![]);
    bodies.visit_file(&syn::parse_file(source).context("it is not Rust")?);
    Ok(bodies.0)
}

/// The words, numbers and signs of a text; of Rust, without comments.
fn tokens(text: &str, is_rust: bool) -> Vec<String> {
    let mut tokens = vec![];
    for line in text.lines() {
        let code = match is_rust {
            true => line.split("//").next().unwrap_or_default(),
            false => line,
        };
        let mut word = String::new();
        for c in code.chars() {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
        }
        if !word.is_empty() {
            tokens.push(word);
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_the_code_however_it_is_laid_out() -> Result<()> {
        let source = "/// Doc.\nfn f(x: f64) -> f64 {\n    // why\n    x.sqrt() + 2.0 // [1]\n}\n";
        let body = bodies(source)?;
        let expected = ["{", "x", ".", "sqrt", "(", ")", "+", "2", ".", "0", "}"];
        assert_eq!(body, [expected]);
        assert_eq!(tokens("{ x\n  .sqrt()+2.0\n} // why", true), expected);
        Ok(())
    }
}
