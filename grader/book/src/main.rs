//! `book COURSE OUT [--open]`: makes the book of the course in a folder, and opens it. `cargo grader book` starts it, and
//! ends with its exit code: 2 for a folder that it may not write to, 3 where there is no browser, 4 for all other errors.

use anyhow::{Context, Result, anyhow};
use book::course::Course;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// An error, and the exit code that the program ends with.
type Failure = (u8, anyhow::Error);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, error)) => {
            eprint!("{}", shown(&error));
            code.into()
        }
    }
}

fn run() -> std::result::Result<(), Failure> {
    let mut arguments = env::args_os().skip(1);
    let mut folder = || arguments.next().map(PathBuf::from);
    let (Some(root), Some(out)) = (folder(), folder()) else {
        return Err((2, anyhow!("usage: book COURSE OUT [--open]")));
    };
    let opens = arguments
        .next()
        .is_some_and(|it| it == OsStr::new("--open"));
    let book = Course::read(&root).and_then(|course| book::make(&course));
    let book = book.map_err(|error| (4, error))?;
    book.write(&out).map_err(|error| (2, error))?;
    let first = out.join("index.html");
    println!("{}", printable(&first.display().to_string()));
    if opens {
        open(&first).map_err(|error| (3, error))?;
    }
    Ok(())
}

/// Opens a page in the browser.
///
/// # Errors
/// Returns an error if there is no screen, or no program that opens pages.
fn open(page: &Path) -> Result<()> {
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let screens = ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"];
    let why = || format!("no browser can be opened: open {} yourself", page.display());
    if cfg!(target_os = "linux") && !screens.iter().any(is_set) {
        return Err(anyhow!(
            "neither DISPLAY, WAYLAND_DISPLAY nor BROWSER is set"
        ))
        .with_context(why);
    }
    let page = page.canonicalize().with_context(why)?;
    open::that_detached(page).with_context(why)
}

/// An error with its causes, as the grader shows them.
fn shown(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}\n", printable(&error.to_string()));
    let causes: Vec<_> = error
        .chain()
        .skip(1)
        .map(|it| printable(&it.to_string()))
        .collect();
    if !causes.is_empty() {
        text += &format!("\nCaused by:\n  {}\n", causes.join("\n  "));
    }
    text
}

/// Text without control characters, which a file's name may hold.
fn printable(text: &str) -> String {
    let signs = text.chars().map(|c| match c {
        '\n' | '\t' => c.to_string(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    });
    signs.collect()
}
