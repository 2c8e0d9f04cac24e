//! `grader next`: opens what is next, the handout of an exercise or the function to write, in an editor.

use super::{exercises_meant, open_course};
use crate::cli::Next;
use crate::exit::{Blame, Exit, Failure};
use crate::study::progress::{Progress, Step, next as next_of, survey};
use crate::study::record::Record;
use crate::study::table::{heading, next_step};
use anyhow::{Context, anyhow};
use hints::WithHint;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A place to open: a file, and a line in it.
struct FilePosition {
    file: PathBuf,
    line: Option<usize>,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if there is no such exercise, files or the record cannot be read, or no editor can be started.
pub fn next(course: Option<&Path>, arguments: &Next) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let named: Vec<_> = arguments.exercise.iter().cloned().collect();
    let named = exercises_meant(&course, &named)?;
    let record = Record::open(&course.root).blame_setup()?;
    let all = survey(&course, &record).blame_setup()?;
    let progress = match named.as_slice() {
        [one] => all.iter().find(|it| it.exercise.name == one.name),
        _ => next_of(&all),
    };
    let Some(progress) = progress else {
        say!("{}", next_step(&course, &all).trim_end());
        return Ok(Exit::Success);
    };
    let Some(place) = place(progress) else {
        say!(
            "{}",
            next_step(&course, std::slice::from_ref(progress)).trim_end()
        );
        return Ok(Exit::Success);
    };
    let shown = match place.line {
        Some(line) => format!("{}:{line}", place.file.display()),
        None => place.file.display().to_string(),
    };
    if arguments.print {
        say!("{shown}");
        return Ok(Exit::Success);
    }
    let Some(editor) = editor() else {
        say!("{}\n  {shown}", heading(progress.exercise));
        note!("no editor is set: set VISUAL or EDITOR to open this in one");
        return Ok(Exit::Success);
    };
    note!("{}: {shown}", heading(progress.exercise));
    open(&editor, &course.root, &place).blame_setup()?;
    Ok(Exit::Success)
}

/// The place to open for what is next in an exercise; none if its file is missing.
fn place(progress: &Progress<'_>) -> Option<FilePosition> {
    let at = |file| Some(FilePosition { file, line: None });
    match progress.step() {
        Step::Read(file) | Step::Check(file) => at(file),
        Step::Write(place) => Some(FilePosition {
            file: place.file,
            line: Some(place.line),
        }),
        Step::Restore(_) => None,
        Step::Nothing => at(Path::new("exercises")
            .join(&progress.exercise.folder)
            .join("README.md")),
    }
}

/// The command line of the editor that the environment names.
fn editor() -> Option<OsString> {
    let set = ["VISUAL", "EDITOR"].into_iter().filter_map(env::var_os);
    set.into_iter().find(|editor| !editor.is_empty())
}

/// Starts the editor, and waits for its end.
fn open(editor: &OsStr, root: &Path, place: &FilePosition) -> anyhow::Result<()> {
    // As git does: the variable is a command with options, which a shell reads.
    let mut script = editor.to_owned();
    script.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(editor);
    command.args(arguments(editor, &root.join(&place.file), place.line));
    let shown = || format!("cannot start the editor {:?}", editor.to_string_lossy());
    let status = command.status().with_context(shown)?;
    if status.success() {
        return Ok(());
    }
    let error = anyhow!(
        "the editor {:?} ended with {status}",
        editor.to_string_lossy()
    );
    Err(error).hint("VISUAL or EDITOR names the editor; --print prints the place and opens nothing")
}

/// The arguments with which an editor opens a file at a line. An editor that is not known gets the file alone.
fn arguments(editor: &OsStr, file: &Path, line: Option<usize>) -> Vec<OsString> {
    let file = file.as_os_str().to_owned();
    let Some(line) = line else {
        return vec![file];
    };
    let editor = editor.to_string_lossy();
    let program = editor.split_whitespace().next().unwrap_or_default();
    let program = Path::new(program).file_stem().unwrap_or_default();
    let mut with_line = file.clone();
    with_line.push(format!(":{line}"));
    match &*program.to_string_lossy() {
        "vi" | "vim" | "nvim" | "gvim" | "view" | "nano" | "emacs" | "emacsclient" | "kak"
        | "micro" | "mg" | "joe" | "ne" | "gedit" => vec![format!("+{line}").into(), file],
        "code" | "code-insiders" | "codium" | "cursor" | "windsurf" => {
            vec!["--goto".into(), with_line]
        }
        "hx" | "helix" | "zed" | "zeditor" | "subl" => vec![with_line],
        "kate" | "kwrite" => vec!["--line".into(), line.to_string().into(), file],
        _ => vec![file],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_editor_is_told_the_line_in_its_own_way() {
        let given = |editor: &str| arguments(editor.as_ref(), "a b.rs".as_ref(), Some(7));
        assert_eq!(given("/usr/bin/vim -R"), ["+7", "a b.rs"]);
        assert_eq!(given("code --wait"), ["--goto", "a b.rs:7"]);
        assert_eq!(given("hx"), ["a b.rs:7"]);
        assert_eq!(given("unknown"), ["a b.rs"]);
        assert_eq!(arguments("vim".as_ref(), "a".as_ref(), None), ["a"]);
    }
}
