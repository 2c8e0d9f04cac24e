//! The program: its exit codes, what it prints, and how it opens a browser.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn book(out: &Path) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut book = Command::new(env!("CARGO_BIN_EXE_book"));
    book.arg(root).arg(out);
    for screen in ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"] {
        book.env_remove(screen);
    }
    book
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_first_page_is_named_and_a_folder_of_other_files_is_left_alone() -> Result {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("book");
    let output = book(&out).output()?;
    assert!(output.status.success(), "{}", stderr(&output));
    let first = out.join("index.html");
    assert_eq!(
        String::from_utf8(output.stdout)?,
        format!("{}\n", first.display())
    );
    assert!(first.is_file());

    let output = book(folder.path()).output()?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("is there and is not a book"),
        "{}",
        stderr(&output)
    );
    assert!(first.is_file(), "the book in it is gone");
    Ok(())
}

#[test]
fn without_a_screen_or_a_browser_the_page_to_open_is_named() -> Result {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("book");
    let no_screen = book(&out).arg("--open").output()?;
    let no_program = book(&out)
        .arg("--open")
        .env("DISPLAY", ":0")
        .env("PATH", folder.path())
        .output()?;
    for output in [no_screen, no_program] {
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let said = format!(
            "no browser can be opened: open {} yourself",
            out.join("index.html").display()
        );
        assert!(stderr(&output).contains(&said), "{}", stderr(&output));
    }
    Ok(())
}

/// A program in place of the desktop's notes what it is to open.
#[test]
fn the_browser_is_given_the_first_page() -> Result {
    let folder = tempfile::tempdir()?;
    let (out, noted) = (folder.path().join("book"), folder.path().join("noted"));
    let program = folder.path().join("xdg-open");
    fs::write(
        &program,
        format!(
            "#!/bin/sh\necho \"$1\" > '{0}.new' && mv '{0}.new' '{0}'\n",
            noted.display()
        ),
    )?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let output = book(&out)
        .arg("--open")
        .env("DISPLAY", ":0")
        .env("PATH", path)
        .output()?;
    assert!(output.status.success(), "{}", stderr(&output));
    let begin = Instant::now();
    while !noted.is_file() && begin.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let opened = fs::read_to_string(&noted)?;
    assert_eq!(
        Path::new(opened.trim()),
        out.join("index.html").canonicalize()?
    );
    Ok(())
}
