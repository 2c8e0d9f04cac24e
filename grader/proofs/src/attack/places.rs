//! The places of the attacks' own: a copy of the checkout with what was built for the class, a home folder, cargo's, and
//! a temporary one for each. No other program knows them, so what is changed there was changed by an attack. Where each is
//! tried in a copy of the machine, it has them to itself; elsewhere, what one changes is seen by all that are tried then.

use super::listing::Listing;
use super::{copy, listing};
use anyhow::{Context, Result, bail};
use grader::course::{Course, Exercise};
use grader::grading::grade::Grader;
use grader::machine::libtorch::LINK;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files as people have them, which no attack may change, from the top of the places. They hold nothing: that they are
/// there is what an attack finds.
const CANARIES: [&str; 17] = [
    "home/.bashrc",
    "home/.profile",
    "home/.gitconfig",
    "home/.ssh/authorized_keys",
    "home/.config/autostart/none.desktop",
    "home/.cache/vit-course/datasets/mnist/train-images-idx3-ubyte.gz",
    "home/.cargo/config.toml",
    "home/.cargo/env",
    "home/.cargo/bin/cargo",
    "home/.cargo/registry/index/canary/.cache/nd/ar/ndarray",
    "home/.cargo/registry/cache/canary/ndarray-0.16.1.crate",
    "home/.cargo/registry/src/canary/ndarray-0.16.1/src/lib.rs",
    "home/grades/results.json",
    "home/grades/submissions/ada.json",
    "course/.git/hooks/pre-commit",
    "course/target/debug/.fingerprint/canary/invoked.timestamp",
    "course/target/grader/scratch/another/src/lib.rs",
];

/// Parts of the checkout that are not copied: its history, and all that is built (files that grading needs are copied apart).
const NOT_COPIED: [&str; 3] = ["target", ".git", LINK];

/// The folder of the places, which is removed by whoever made it.
#[derive(Clone, Debug)]
pub(super) struct Places(pub(super) PathBuf);

impl Places {
    /// The checkout.
    pub(super) fn course(&self) -> PathBuf {
        self.0.join("course")
    }

    /// The home folder.
    pub(super) fn home(&self) -> PathBuf {
        self.0.join("home")
    }

    /// The folder in which cargo keeps its downloads.
    pub(super) fn cargo_home(&self) -> PathBuf {
        self.home().join(".cargo")
    }

    /// The grader's program.
    pub(super) fn grader(&self) -> PathBuf {
        self.course().join("target/debug/grader")
    }

    /// This program.
    fn program(&self) -> PathBuf {
        self.course().join("target/debug/proofs")
    }

    /// A command that starts this program, with the grader beside it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(self.program());
        command.arg("--grader").arg(self.grader());
        command
    }

    /// The list of built files, as `grade --workshop` takes it.
    pub(super) fn workshop(&self) -> PathBuf {
        self.0.join("workshop.json")
    }

    /// The file of the trials' other facts.
    pub(super) fn facts(&self) -> PathBuf {
        self.0.join("facts.json")
    }

    /// The temporary folder of a trial.
    pub(super) fn trial(&self, name: &str) -> PathBuf {
        self.trials().join(name)
    }

    fn trials(&self) -> PathBuf {
        self.0.join("trials")
    }

    /// Lays the places out in an empty folder, for attacks on these exercises.
    ///
    /// # Errors
    /// Returns an error if something cannot be copied.
    pub(super) fn lay(folder: &Path, grader: &Grader, exercises: &[&Exercise]) -> Result<Self> {
        let places = Self(folder.to_owned());
        places.lay_canaries()?;
        let root = &grader.environment.course.root;
        let left_out = NOT_COPIED.map(|name| root.join(name));
        copy_tree(root, &places.course(), &|path| {
            left_out.iter().any(|left_out| path == left_out)
        })?;
        if let Ok(libtorch) = root.join(LINK).canonicalize() {
            symlink(libtorch, places.course().join(LINK))?;
        }
        copy_file(&sandbox::confining_program()?, &places.grader())?;
        copy_file(&sandbox::this_program()?, &places.program())?;
        if !exercises.is_empty() {
            places.lay_workshop(grader, exercises)?;
        }
        for exercise in exercises {
            // Compiled here once: what trials compile is gone with them.
            if let Some(worker) = grader.namer.worker(&grader.environment, exercise)? {
                let path = worker.strip_prefix(root).unwrap_or(&worker);
                copy_file(&worker, &places.course().join(path))?;
            }
        }
        Ok(places)
    }

    /// Lays out what is never read, but found.
    pub(super) fn lay_canaries(&self) -> Result<()> {
        for canary in CANARIES {
            make(&self.0.join(canary), |path| fs::write(path, ""))?;
        }
        fs::create_dir_all(self.trials())?;
        fs::create_dir_all(self.course().join("target/grader/misconceptions"))?;
        Ok(())
    }

    /// Copies what was built for the class: cargo may build it anew meanwhile, for somebody else.
    fn lay_workshop(&self, grader: &Grader, exercises: &[&Exercise]) -> Result<()> {
        let (root, workshop) = (
            &grader.environment.course.root,
            &grader.environment.workshop,
        );
        let mut built: Vec<&Path> = vec![];
        for exercise in exercises {
            let shelf = workshop.shelf(exercise);
            built.extend(shelf.files(exercise));
        }
        built.sort_unstable();
        built.dedup();
        let Some(profile) = built.iter().find_map(|path| profile_of(path)) else {
            bail!("cargo built nothing for the exercises");
        };
        let here = self.course().join("target/debug");
        for path in &built {
            if let Ok(below) = path.strip_prefix(profile) {
                copy_tree(path, &here.join(below), &|_| false)?;
            }
        }
        // Folders that the grader itself has made for them. Put first: the places may lie in the grader's own.
        let [made, made_here] = [root, &self.course()].map(|root| root.join("target/grader"));
        for part in ["judges", "workers"] {
            copy_tree(&made.join(part), &made_here.join(part), &|_| false)?;
        }
        workshop
            .relocated(&made, &made_here)?
            .relocated(profile, &here)?
            .write(&self.workshop())
            .with_context(|| format!("{} cannot be written", self.workshop().display()))
    }

    /// Lists what nobody may change while `trial` runs: the places, and where this is a copy of the machine, whatever was
    /// changed in it since it was made. What the trial's own grader writes is passed over.
    pub(super) fn look(&self, trial: &str, is_copy: bool) -> Listing {
        let own = self.trial(trial);
        let written = ["out", "stdout", "stderr"].map(|name| own.join(name));
        let (trials, grader) = (self.trials(), self.course().join("target/grader"));
        // The folders that lead to a canary, and those around it.
        let is_canary = |path: &Path| {
            let mut canaries = CANARIES.iter().map(|canary| self.0.join(canary));
            canaries.any(|canary| canary.starts_with(path))
                || path.starts_with(grader.join("scratch/another"))
        };
        let is_passed_over = |path: &Path| {
            // Other trials have their own places where there can be no copy.
            let is_of_another =
                path.starts_with(&trials) && path != trials && !path.starts_with(&own);
            is_of_another
                || written.iter().any(|written| path.starts_with(written))
                || (path.starts_with(&grader) && !is_canary(path))
        };
        if is_copy {
            return copy::changes(&is_passed_over);
        }
        let mut listing = listing::list(&self.0, &self.0, &is_passed_over);
        // Not copied, since it is large. Whoever shares it may give its files second names: content counts.
        if let Ok(libtorch) = self.course().join(LINK).canonicalize() {
            let files = listing::list(&libtorch.join("lib"), &libtorch.join("lib"), &|_| false);
            listing.extend(files.into_iter().map(|(path, mut facts)| {
                facts[5..].fill(0);
                (path, facts)
            }));
        }
        listing
    }

    /// Has the kernel copy the folders that a trial's grader writes to, where this is a copy of the machine: that is no
    /// change of theirs.
    pub(super) fn touch(&self) -> Result<()> {
        let scratch = self.course().join("target/grader/scratch");
        tempfile::NamedTempFile::new_in(&scratch)
            .map(drop)
            .with_context(|| format!("{} cannot be changed", scratch.display()))
    }

    /// The course in its place.
    ///
    /// # Errors
    /// Returns an error if it is not there.
    pub(super) fn open_course(&self) -> Result<Course> {
        Course::open(&self.course())
    }
}

/// The folder of cargo's target folder that holds all of a profile: `target/debug`.
fn profile_of(built: &Path) -> Option<&Path> {
    let mut folders = built.ancestors();
    folders
        .find(|folder| folder.file_name() == Some(OsStr::new("deps")))?
        .parent()
}

fn make(path: &Path, make: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| make(path))
        .with_context(|| format!("{} cannot be created", path.display()))
}

/// Copies a file or folder, with links as links and files' dates.
fn copy_tree(from: &Path, to: &Path, is_left_out: &dyn Fn(&Path) -> bool) -> Result<()> {
    let says = || format!("{} cannot be read", from.display());
    let metadata = match fs::symlink_metadata(from) {
        Ok(metadata) => metadata,
        // Editors make files and remove them at once.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(says),
    };
    if metadata.is_symlink() {
        let target = fs::read_link(from).with_context(says)?;
        return make(to, |to| symlink(target, to));
    }
    if !metadata.is_dir() {
        return match metadata.is_file() {
            true => copy_file(from, to),
            false => Ok(()),
        };
    }
    fs::create_dir_all(to).with_context(|| format!("{} cannot be created", to.display()))?;
    for entry in fs::read_dir(from).with_context(says)? {
        let entry = entry.with_context(says)?;
        if !is_left_out(&entry.path()) {
            copy_tree(&entry.path(), &to.join(entry.file_name()), is_left_out)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let copy = |to: &Path| {
        fs::copy(from, to)?;
        let modified = fs::metadata(from)?.modified()?;
        File::open(to)?.set_modified(modified)
    };
    match make(to, copy) {
        // As above.
        Err(_) if !from.exists() => Ok(()),
        made => made.with_context(|| format!("{} cannot be copied", from.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::listing::differences;
    use super::*;
    use std::process::Command;

    const TRIAL: &str = "26-home";

    /// Places with a checkout and what was built in it, all of it made up.
    fn laid() -> (tempfile::TempDir, Places) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let places = Places(folder.path().to_owned());
        places.lay_canaries().expect("canaries");
        for file in [
            "course/Cargo.toml",
            "course/exercises/01-one/tests/shape.rs",
            "course/solutions/01-one/src/lib.rs",
            "course/target/debug/deps/libone.rlib",
            "course/target/debug/grader",
            "trials/26-home/outside/gradebook.csv",
            "trials/26-home/submissions/next-honest/src/lib.rs",
        ] {
            make(&places.0.join(file), |path| fs::write(path, "")).expect("a file");
        }
        (folder, places)
    }

    /// Has a shell, which nothing confines, do something to a place; gives what is seen of it.
    fn seen(places: &Places, script: &str, place: &str) -> Vec<PathBuf> {
        let before = places.look(TRIAL, false);
        let mut shell = Command::new("/bin/sh");
        let status = shell
            .args(["-c", script, "sh"])
            .arg(places.0.join(place))
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{script} {place}"
        );
        differences(&before, &places.look(TRIAL, false))
    }

    #[test]
    fn whatever_is_done_to_a_file_of_the_places_is_seen() {
        let (_folder, places) = laid();
        let files: Vec<_> = places.look(TRIAL, false).into_keys().collect();
        let files = files.iter().filter(|path| path.is_file());
        let files: Vec<_> = files
            .map(|path| path.strip_prefix(&places.0).expect("a place").to_owned())
            .collect();
        assert_eq!(files.len(), CANARIES.len() + 7);
        let file = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        for path in files.iter().map(|path| file(path)) {
            for script in [
                r#"echo more >> "$1""#,
                r#"touch -d 2001-01-01 "$1""#,
                r#"chmod 777 "$1""#,
                r#"ln "$1" "$1.second" && rm "$1.second""#,
                r#"cp -p "$1" "$1.new" && mv "$1.new" "$1""#,
                r#"rm "$1" && ln -s /etc/passwd "$1""#,
            ] {
                let seen = seen(&places, script, &path);
                assert_eq!(seen, [places.0.join(&path)], "{script} {path}");
            }
        }
    }

    #[test]
    fn whatever_is_added_to_a_folder_of_the_places_is_seen() {
        let (_folder, places) = laid();
        let mut folders: Vec<_> = places.look(TRIAL, false).into_keys().collect();
        folders.retain(|path| path.is_dir());
        // The folders that the trial's own grader writes to, and the folder of all trials.
        let written = [
            "course/target/grader",
            "course/target/grader/scratch",
            "trials",
        ];
        let written = written.map(|folder| places.0.join(folder));
        folders.retain(|path| !written.contains(path));
        assert!(folders.contains(&places.course()) && folders.contains(&places.cargo_home()));
        for folder in folders {
            for script in [r#"echo > "$1/evil""#, r#"mkdir "$1/evil.d""#] {
                let below = folder.strip_prefix(&places.0).expect("a place");
                let seen = seen(&places, script, &below.to_string_lossy());
                assert_eq!(seen.len(), 1, "{script} {}", folder.display());
            }
        }
    }

    #[test]
    fn what_the_own_grader_and_other_trials_write_is_passed_over() {
        let (_folder, places) = laid();
        fs::create_dir_all(places.trial("22-files")).expect("a new folder");
        for folder in [
            "course/target/grader/scratch/run-1",
            "course/target/grader/misconceptions",
            "trials/26-home/out",
            "trials/22-files/outside",
        ] {
            let script = r#"mkdir -p "$1" && echo > "$1/file""#;
            assert_eq!(seen(&places, script, folder), Vec::<PathBuf>::new());
        }
    }

    #[test]
    fn a_tree_is_copied_with_its_links_and_dates_but_what_is_left_out() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        for file in ["a/b", "target/c"] {
            make(&from.join(file), |path| fs::write(path, "text")).expect("a file");
        }
        symlink("a/b", from.join("link")).expect("a link");
        let target = from.join("target");
        copy_tree(&from, &to, &|path| path == target).expect("a copy");
        assert_eq!(fs::read_link(to.join("link")).ok(), Some("a/b".into()));
        assert!(!to.join("target").exists());
        let modified = |top: &Path| {
            let facts = fs::metadata(top.join("a/b"))?;
            facts.modified()
        };
        assert_eq!(modified(&from).ok(), modified(&to).ok());
    }
}
