//! One worker that holds an exercise's solution and all of its misconceptions, compiled once and kept.
//!
//! Each version is a library of its own. The worker's source is the exercise's own, once for each version, in a module in
//! which the exercise's name stands for that version.

use super::misconception::{Misconception, solution_of};
use crate::compile::{library_arguments, worker_arguments};
use crate::confine::Confinement;
use crate::course::Exercise;
use crate::grade::{Grader, Stage};
use crate::process;
use anyhow::{Context, Result, bail};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};
use syn::{Item, Visibility};

/// The name of the solution among the versions. No misconception is called so: theirs are their files' names.
pub const SOLUTION: &str = "=";

/// What compiling one version, or linking all of them, may take.
const LIMIT: Duration = Duration::from_secs(120);

/// The worker of an exercise's versions, compiled where that was not done before.
///
/// # Errors
/// Where one of them does not compile.
pub fn worker(
    grader: &Grader,
    exercise: &Exercise,
    misconceptions: &[Misconception],
    stage: &dyn Fn(Stage<'_>),
) -> Result<PathBuf> {
    let build = Build::new(grader, exercise, misconceptions)?;
    let kept = grader.course.root.join("target/grader/misconceptions");
    let worker = kept.join(format!("{}-{}", exercise.name, build.digest()?));
    if worker.is_file() {
        return Ok(worker);
    }
    stage(Stage::Gathering(&exercise.name));
    let scratch = grader.scratch.folder()?;
    let made = build.make(scratch.path())?;
    fs::create_dir_all(&kept).with_context(|| format!("{} cannot be made", kept.display()))?;
    remove_older(&kept, &exercise.name);
    // Both lie in the course's target folder: it is moved there whole.
    fs::rename(&made, &worker)
        .with_context(|| format!("{} cannot be written", worker.display()))?;
    Ok(worker)
}

/// Removes the workers of other versions. One that cannot be removed is left.
fn remove_older(kept: &Path, name: &str) {
    for entry in fs::read_dir(kept).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let is_older = file
            .to_string_lossy()
            .rsplit_once('-')
            .is_some_and(|(of, _)| of == name);
        if is_older {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// What a worker of versions is made of.
struct Build<'a> {
    grader: &'a Grader,
    exercise: &'a Exercise,
    /// Name and source of each version.
    versions: Vec<(&'a str, String)>,
    /// The source of the exercise's own worker.
    worker: String,
}

impl<'a> Build<'a> {
    fn new(
        grader: &'a Grader,
        exercise: &'a Exercise,
        misconceptions: &'a [Misconception],
    ) -> Result<Self> {
        let path = format!("grader/workers/src/bin/{}.rs", exercise.name);
        let worker = fs::read_to_string(grader.course.root.join(&path))
            .with_context(|| format!("{path} cannot be read"))?;
        let solution = (SOLUTION, solution_of(&grader.course, exercise)?);
        let wrong = misconceptions
            .iter()
            .map(|misconception| (misconception.id.as_str(), misconception.source.clone()));
        Ok(Self {
            grader,
            exercise,
            versions: std::iter::once(solution).chain(wrong).collect(),
            worker,
        })
    }

    /// What tells this worker from others: its sources, and when the libraries were built that it is linked with.
    fn digest(&self) -> Result<String> {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        };
        add(self.worker.as_bytes());
        for (name, source) in &self.versions {
            add(name.as_bytes());
            add(source.as_bytes());
        }
        let workshop = &self.grader.workshop;
        add(workshop.rustc.as_os_str().as_encoded_bytes());
        for file in workshop.shelf(self.exercise).files(self.exercise) {
            let facts =
                fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?;
            let built = facts.modified().ok();
            let built = built.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            add(file.as_os_str().as_encoded_bytes());
            add(&facts.len().to_le_bytes());
            add(&built.unwrap_or_default().as_nanos().to_le_bytes());
        }
        let digest = format!("{:x}", hash.finalize());
        Ok(digest[..16].to_owned())
    }

    /// Compiles the versions, several at a time, and links them.
    fn make(&self, scratch: &Path) -> Result<PathBuf> {
        let next = AtomicUsize::new(0);
        let libraries = Mutex::new(vec![]);
        let job = || -> Result<()> {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((name, source)) = self.versions.get(number) else {
                    return Ok(());
                };
                let library = self
                    .library(scratch, number, source)
                    .with_context(|| format!("the misconception {name} does not compile"))?;
                if let Ok(mut libraries) = libraries.lock() {
                    libraries.push(library);
                }
            }
        };
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let jobs: Vec<_> = (0..jobs).map(|_| scope.spawn(job)).collect();
            let ends = jobs.into_iter().map(|job| {
                job.join()
                    .unwrap_or_else(|_| bail!("a job that compiles misconceptions panicked"))
            });
            ends.collect::<Vec<_>>().into_iter().collect::<Result<()>>()
        })?;
        self.link(scratch, &libraries.into_inner().unwrap_or_default())
    }

    fn library(&self, scratch: &Path, number: usize, source: &str) -> Result<(usize, PathBuf)> {
        let folder = scratch.join(number.to_string());
        fs::create_dir(&folder).context("no folder can be made")?;
        fs::write(folder.join("lib.rs"), source).context("the source cannot be written")?;
        let library = folder.join(format!("lib{}.rlib", self.exercise.name));
        let workshop = &self.grader.workshop;
        let mut arguments = library_arguments(workshop, self.exercise, &folder, &library)?;
        // All versions have the exercise's name: this keeps them apart in one program.
        arguments.push(format!("-Cmetadata={number}").into());
        self.rustc(&folder, arguments)?;
        Ok((number, library))
    }

    fn link(&self, scratch: &Path, libraries: &[(usize, PathBuf)]) -> Result<PathBuf> {
        let names: Vec<_> = self.versions.iter().map(|(name, _)| *name).collect();
        let source = program(&self.worker, &self.exercise.name, &names)?;
        let main = scratch.join("main.rs");
        fs::write(&main, source).context("the worker's source cannot be written")?;
        let Grader {
            workshop, course, ..
        } = self.grader;
        let worker = scratch.join("worker");
        let own = course
            .root
            .join(format!("grader/workers/src/bin/{}.rs", self.exercise.name));
        let (_, any) = libraries.first().context("there is no version")?;
        let arguments = worker_arguments(workshop, &course.root, self.exercise, any, &worker)?;
        // The program in the place of the exercise's own worker, the versions in that of a submission.
        let is_submission = format!("--extern={}=", self.exercise.name);
        let mut arguments: Vec<OsString> = arguments
            .into_iter()
            .filter(|argument| !argument.to_string_lossy().starts_with(&is_submission))
            .map(|argument| {
                if argument == own.as_os_str() {
                    main.clone().into_os_string()
                } else {
                    argument
                }
            })
            .collect();
        arguments.extend(libraries.iter().map(|(number, library)| {
            format!("--extern={}={}", version(*number), library.display()).into()
        }));
        self.rustc(scratch, arguments)
            .context("the misconceptions cannot be linked")?;
        Ok(worker)
    }

    fn rustc(&self, folder: &Path, arguments: Vec<OsString>) -> Result<()> {
        let Grader {
            workshop, course, ..
        } = self.grader;
        let confinement = Confinement::of_compiler(workshop, self.exercise, &course.root, folder);
        let mut rustc = confinement.command(&workshop.rustc)?;
        rustc.args(arguments);
        let finished = process::run(&mut rustc, LIMIT, &|| self.grader.is_stopped())?;
        if !finished.status.success() {
            bail!("{}", finished.stderr.trim());
        }
        Ok(())
    }
}

/// The name of a version's crate in the program.
fn version(number: usize) -> String {
    format!("version_{number}")
}

/// The program: a module for each version, with the exercise's worker in it, and a `main` that serves them all.
fn program(worker: &str, exercise: &str, names: &[&str]) -> Result<String> {
    let mut file = syn::parse_file(worker).context("the exercise's worker is no Rust file")?;
    for item in &mut file.items {
        if let Item::Fn(function) = item
            && function.sig.ident == "main"
        {
            function.vis = Visibility::Public(Default::default());
        }
    }
    let items = file.items;
    let exercise = format_ident!("{exercise}");
    let modules = (0..names.len()).map(|number| -> TokenStream {
        let version = format_ident!("{}", version(number));
        let module = format_ident!("of_{version}");
        quote! {
            mod #module {
                extern crate #version as #exercise;
                #(#items)*
            }
        }
    });
    let served = names.iter().enumerate().map(|(number, name)| {
        let module = format_ident!("of_{}", version(number));
        quote! { (#name, #module::main) }
    });
    let program = quote! {
        #(#modules)*
        fn main() -> std::process::ExitCode {
            workers::versions::serve_versions(&[#(#served),*])
        }
    };
    Ok(program.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_the_exercises_worker_in_a_module_of_its_own() {
        let worker = "//! Serves.\nuse msa::Msa;\nfn main() -> ExitCode { serve(&[]) }";
        let program = program(worker, "msa", &[SOLUTION, "no-scale"]).expect("a program");
        let file = syn::parse_file(&program).expect("a program that parses");
        let modules = file
            .items
            .iter()
            .filter(|item| matches!(item, Item::Mod(_)));
        assert_eq!(modules.count(), 2);
        assert!(
            program.contains("extern crate version_1 as msa"),
            "{program}"
        );
        assert!(
            program.contains(r#"("no-scale" , of_version_1 :: main)"#),
            "{program}"
        );
        assert_eq!(program.matches("pub fn main").count(), 2);
    }

    #[test]
    fn a_worker_of_older_sources_is_removed_and_those_of_other_exercises_are_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["msa-0123", "vit-0123", "headwise-msa-0123"] {
            fs::write(folder.path().join(file), "").expect("a file");
        }
        remove_older(folder.path(), "msa");
        let left = |file: &str| folder.path().join(file).exists();
        assert!(!left("msa-0123") && left("vit-0123") && left("headwise-msa-0123"));
    }
}
