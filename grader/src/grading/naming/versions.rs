//! One worker that holds an exercise's solution and all of its misconceptions, compiled once and kept.
//!
//! It is one program with a module for each version, in which the version's source stands under the exercise's name, and
//! the exercise's own worker beside it. Compiled one by one, they would take ten times as long. One module more holds all
//! misconceptions that change nothing but the bodies of functions, to be switched on together ([`functions`]).

use super::functions;
use super::misconception::{Misconception, solution_of};
use crate::course::Exercise;
use crate::environment::Environment;
use crate::grading::stage::Stage;
use crate::worker::broken::Broken;
use crate::worker::compile::{library_arguments, worker_arguments};
use crate::worker::profiles;
use anyhow::{Context, Result, bail};
use intake::PartsDigest;
use interface::TABLE;
use interface::rewrite::with_crate;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use sandbox::{Confinement, process};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use syn::Item;

/// The name of the solution among the versions. No misconception is called so: theirs are their files' names.
pub const SOLUTION: &str = "=";

/// The separator of the names of misconceptions that are to be in one program. No misconception's name holds it.
pub const JOINED_BY: char = '+';

/// The time limit on compiling the versions, which takes some ten seconds, or a minute where they are many and long. In
/// processor time it is twice that.
const LIMIT: Duration = Duration::from_secs(300);

/// The worker of an exercise's versions, compiled if it is not there yet.
///
/// # Errors
/// Returns an error if the versions do not compile, or the run is interrupted.
pub fn worker(
    environment: &Environment,
    exercise: &Exercise,
    misconceptions: &[Misconception],
    stage: &dyn Fn(Stage<'_>),
) -> Result<PathBuf> {
    let build = Build::new(environment, exercise, misconceptions)?;
    let kept = environment.course.root.join("target/grader/misconceptions");
    let worker = kept.join(format!("{}-{}", exercise.name, build.digest()?));
    if worker.is_file() {
        return Ok(worker);
    }
    stage(Stage::Gathering(&exercise.name));
    if environment.is_stopped() {
        bail!(Broken::Stopped);
    }
    let scratch = environment.scratch.folder()?;
    let made = build.make(scratch.path())?;
    fs::create_dir_all(&kept).with_context(|| format!("{} cannot be created", kept.display()))?;
    remove_old(&kept, &exercise.name);
    // Both lie in the course's target folder: it is moved there whole.
    fs::rename(&made, &worker)
        .with_context(|| format!("{} cannot be written", worker.display()))?;
    Ok(worker)
}

/// The time for which another grader may still use a worker that it found.
const IN_USE: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes the workers of other versions, unless a grader that runs now may have made them. A worker that cannot be
/// removed is left.
fn remove_old(kept: &Path, name: &str) {
    for entry in fs::read_dir(kept).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let file = file.to_string_lossy();
        let is_of_this = file.rsplit_once('-').is_some_and(|(of, _)| of == name);
        let made = entry.metadata().and_then(|facts| facts.modified());
        let age = made.ok().and_then(|made| made.elapsed().ok());
        if is_of_this && age.is_some_and(|age| age > IN_USE) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The parts of a worker of versions.
struct Build<'a> {
    environment: &'a Environment,
    exercise: &'a Exercise,
    /// Name and source of each version.
    versions: Vec<(&'a str, String)>,
    /// The source of the exercise's own worker.
    worker: String,
    /// The solution's files beside its `lib.rs`, by the names of their modules. Every version has them.
    modules: BTreeMap<String, String>,
}

impl<'a> Build<'a> {
    fn new(
        environment: &'a Environment,
        exercise: &'a Exercise,
        misconceptions: &'a [Misconception],
    ) -> Result<Self> {
        let solution = (SOLUTION, solution_of(&environment.course, exercise)?);
        let wrong = misconceptions
            .iter()
            .map(|misconception| (misconception.id.as_str(), misconception.source.clone()));
        Ok(Self {
            environment,
            exercise,
            versions: std::iter::once(solution).chain(wrong).collect(),
            worker: exercise.worker.clone(),
            modules: modules_of(
                &environment
                    .course
                    .root
                    .join("solutions")
                    .join(&exercise.folder)
                    .join("src"),
            )?,
        })
    }

    /// The digest that tells this worker from others: its sources, and when the libraries were built that it is linked with. In a
    /// copy of the course that kept the files' dates, it is the same.
    fn digest(&self) -> Result<String> {
        let mut digest = PartsDigest::default();
        let mut add = |part: &[u8]| digest.add(part);
        add(self.worker.as_bytes());
        for (name, source) in &self.versions {
            add(name.as_bytes());
            add(source.as_bytes());
        }
        for (name, source) in &self.modules {
            add(name.as_bytes());
            add(source.as_bytes());
        }
        let workshop = &self.environment.workshop;
        add(workshop.rustc.as_os_str().as_encoded_bytes());
        for file in workshop.shelf(self.exercise).files(self.exercise) {
            let facts =
                fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?;
            let built = facts.modified().ok();
            let built = built.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            add(file.file_name().unwrap_or_default().as_encoded_bytes());
            add(&facts.len().to_le_bytes());
            add(&built.unwrap_or_default().as_nanos().to_le_bytes());
        }
        Ok(digest.hex()[..16].to_owned())
    }

    /// Compiles the program.
    fn make(&self, scratch: &Path) -> Result<PathBuf> {
        let main = scratch.join("main.rs");
        let source = program(
            &self.worker,
            &self.exercise.name,
            &self.versions,
            &self.modules,
        )?;
        fs::write(&main, source).context("the worker's source cannot be written")?;
        let workshop = &self.environment.workshop;
        let worker = scratch.join("worker");
        let own = workshop.worker_source(self.exercise);
        let arguments = worker_arguments(workshop, self.exercise, scratch, &worker)?;
        // The program stands in the place of the exercise's worker, and the versions in it in that of a submission.
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
        // A version is compiled against the same libraries as a submission.
        let library = library_arguments(workshop, self.exercise, scratch, scratch)?;
        let is_dependency =
            |argument: &OsString| argument.to_string_lossy().starts_with("--extern=");
        let dependencies = library.into_iter().filter(is_dependency);
        arguments.extend(
            dependencies
                .filter(|it| !arguments.contains(it))
                .collect::<Vec<_>>(),
        );
        arguments.extend(["-Awarnings", "-Ccodegen-units=4"].map(OsString::from));
        self.rustc(scratch, arguments)?;
        Ok(worker)
    }

    fn rustc(&self, folder: &Path, arguments: Vec<OsString>) -> Result<()> {
        let workshop = &self.environment.workshop;
        let confinement = Confinement {
            // Many versions take more than a submission may, which is one.
            cpu: 2 * LIMIT.as_secs(),
            ..profiles::of_linker(workshop, self.exercise, folder)
        };
        let mut rustc = confinement.command(&workshop.rustc)?;
        rustc.args(arguments);
        let finished = process::run(&mut rustc, LIMIT, &|| self.environment.is_stopped())?;
        if !finished.status.success() {
            let words: String = finished.stderr.trim().chars().take(4 << 10).collect();
            bail!(
                "the misconceptions do not compile together; `grader verify --proof misconceptions` says which does not by itself\n{words}"
            );
        }
        Ok(())
    }
}

/// The program: a module for each version, with the exercise's worker in it, and a `main` that serves them all.
fn program(
    worker: &str,
    exercise: &str,
    versions: &[(&str, String)],
    modules: &BTreeMap<String, String>,
) -> Result<String> {
    let mut worker = syn::parse_file(worker).context("the exercise's worker is no Rust file")?;
    worker
        .items
        .retain(|item| !matches!(item, Item::Fn(function) if function.sig.ident == "main"));
    let worker = worker.items;
    let worker = quote! { #(#worker)* };
    let table = format_ident!("{TABLE}");
    let exercise = format_ident!("{exercise}");
    let mut all: Vec<TokenStream> = vec![];
    let mut served: Vec<TokenStream> = vec![];
    for (number, (name, source)) in versions.iter().enumerate() {
        let file = syn::parse_file(source).with_context(|| format!("{name} is no Rust file"))?;
        let mut items = file.items;
        fill_modules(&mut items, modules)?;
        let module = format_ident!("version_{number}");
        let version = syn::parse_str(&format!("crate::{module}::{exercise}"))?;
        let worker = with_crate(worker.clone(), &exercise.to_string(), &version);
        all.push(quote! {
            mod #module {
                pub mod #exercise { #(#items)* }
                #worker
            }
        });
        served.push(quote! { (#name, #module::#table) });
    }
    let solution = versions.iter().find(|(name, _)| *name == SOLUTION);
    let (_, solution) = solution.context("the solution is not among the versions")?;
    let mut joined = functions::joined(solution, versions)?.items;
    fill_modules(&mut joined, modules)?;
    let own = syn::parse_str(&format!("crate::joined::{exercise}"))?;
    let worker = with_crate(worker, &exercise.to_string(), &own);
    let program = quote! {
        #(#all)*
        mod joined {
            pub mod #exercise { #(#joined)* }
            #worker
        }
        fn main() -> std::process::ExitCode {
            workers::versions::serve_versions(&[#(#served),*], joined::#table)
        }
    };
    Ok(program.to_string())
}

/// The files of a folder that hold modules, by the modules' names.
fn modules_of(src: &Path) -> Result<BTreeMap<String, String>> {
    let says = |path: &Path| format!("{} cannot be read", path.display());
    let mut modules = BTreeMap::new();
    for entry in fs::read_dir(src).with_context(|| says(src))? {
        let path = entry.with_context(|| says(src))?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.extension().is_some_and(|end| end == "rs") && name != "lib" {
            let source = fs::read_to_string(&path).with_context(|| says(&path))?;
            modules.insert(name, source);
        }
    }
    Ok(modules)
}

/// Writes what is in a file of its own where its module is declared: one program is one file.
fn fill_modules(items: &mut [Item], modules: &BTreeMap<String, String>) -> Result<()> {
    for item in items {
        let Item::Mod(module) = item else { continue };
        let name = module.ident.to_string();
        if let Some(source) = modules.get(&name).filter(|_| module.content.is_none()) {
            let file =
                syn::parse_file(source).with_context(|| format!("{name}.rs is no Rust file"))?;
            module.semi = None;
            module.content = Some((Default::default(), file.items));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::SystemTime;

    #[test]
    fn each_version_has_the_exercises_worker_in_a_module_of_its_own() {
        let worker =
            "//! Serves.\nfn main() { serve(OPERATIONS) }\nstatic OPERATIONS: &[Operation] = &[];";
        let versions = [SOLUTION, "no-scale"].map(|name| (name, "pub struct Msa;".to_owned()));
        let program = program(worker, "msa", &versions, &BTreeMap::new()).expect("a program");
        let file = syn::parse_file(&program).expect("a program that parses");
        let modules = file
            .items
            .iter()
            .filter(|item| matches!(item, Item::Mod(_)));
        assert_eq!(modules.count(), 3);
        assert_eq!(
            program.matches("pub mod msa { pub struct Msa ; }").count(),
            3
        );
        assert_eq!(program.matches("static OPERATIONS").count(), 3);
        assert_eq!(program.matches("fn main").count(), 1);
        assert!(
            program.contains(r#"("no-scale" , version_1 :: OPERATIONS)"#),
            "{program}"
        );
    }

    #[test]
    fn what_stands_in_a_file_of_its_own_is_in_each_version() {
        let worker = "fn main() -> ExitCode { serve(&[]) }";
        let versions = [(SOLUTION, "pub mod teacher;".to_owned())];
        let source = "//! The teacher.\npub struct Teacher;".to_owned();
        let modules = BTreeMap::from([("teacher".to_owned(), source)]);
        let program = program(worker, "deit", &versions, &modules).expect("a program");
        let inline = "pub mod teacher { pub struct Teacher ; }";
        assert!(program.contains(inline), "{program}");
    }

    #[test]
    fn an_old_worker_is_removed_and_new_ones_and_those_of_other_exercises_are_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["msa-0123", "msa-4567", "vit-0123", "headwise-msa-0123"] {
            fs::write(folder.path().join(file), "").expect("a file");
        }
        let long_ago = SystemTime::now() - 2 * IN_USE;
        for file in ["msa-0123", "vit-0123"] {
            let file = File::open(folder.path().join(file)).expect("the file");
            file.set_modified(long_ago).expect("a file of two days ago");
        }
        remove_old(folder.path(), "msa");
        let left = |file: &str| folder.path().join(file).exists();
        assert!(!left("msa-0123") && left("msa-4567"));
        assert!(left("vit-0123") && left("headwise-msa-0123"));
    }
}
