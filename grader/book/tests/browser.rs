//! The book in headless Chromium, at two widths and in both themes. Ignored where nobody asks for it, as it needs Chromium,
//! Node and two packages of npm; `.ci/run` installs them and asks.

use book::course::Course;
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
#[ignore = "needs Chromium, Node and the packages of tests/browser; .ci/run installs them"]
fn the_book_can_be_read_searched_and_played_with_in_a_browser() -> Result<(), Box<dyn Error>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.join("../..");
    let packages = root.join("target/book-browser");
    assert!(
        packages.join("node_modules").is_dir(),
        "{} has no packages: copy tests/browser/package*.json there and run `npm ci`",
        packages.display()
    );
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("book");
    book::make(&Course::read(&root)?)?.write(&out)?;
    let mut node = Command::new("node");
    node.arg(package.join("tests/browser/browser.mjs"))
        .args([&out, &packages]);
    // For somebody who wants to look at the pages.
    node.args(env::var_os("BOOK_PICTURES").map(PathBuf::from));
    let output = node.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" checks, 0 faults"), "{said}");
    println!("{said}");
    Ok(())
}
