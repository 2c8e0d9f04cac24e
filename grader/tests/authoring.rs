//! A new exercise, as AUTHORING.md makes one: the template's, which passes every proof, and then the page's example, which
//! does, too.

#[path = "common/checkout.rs"]
mod checkout;

use ::grader::machine::files::files_below;
use checkout::{Checkout, grader, original, said};
use std::error::Error;
use std::fs;
use std::path::Path;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The example of AUTHORING.md.
const EXAMPLE: &str = "grader/authoring/softmax";

#[test]
fn an_exercise_from_nothing_is_proven() -> Result {
    let Checkout { root, .. } = &Checkout::copy()?;
    let last = fs::read_dir(root.join("exercises"))?.count();
    let folder = format!("{:02}-softmax", last + 1);
    let made = grader(root, &["new", "softmax"]).output();
    let made = made.map_err(|error| format!("the grader is not built: {error}"))?;
    assert!(made.status.success(), "{}", said(&made));
    let [exercise, solution] = ["exercises", "solutions"].map(|part| root.join(part).join(&folder));
    let prove = || -> Result {
        let proven = grader(root, &["verify", "--exercise=softmax"]).output()?;
        let words = said(&proven);
        assert!(proven.status.success(), "{words}");
        assert!(words.contains("11 passed, 0 failed"), "{words}");
        Ok(())
    };
    prove()?;

    // The example in the template's place, but for the answers, which `--store` makes.
    for part in ["variants", "misconceptions", "agreement"] {
        fs::remove_dir_all(solution.join(part))?;
    }
    let example = root.join(EXAMPLE);
    for (from, to) in [("exercise", &exercise), ("solution", &solution)] {
        lay(&example.join(from), to)?;
    }
    let answers = Path::new("tests/drawn.txt");
    fs::remove_file(exercise.join(answers))?;
    let stored = grader(root, &["verify", "--store", "--exercise=softmax"]).output()?;
    assert!(stored.status.success(), "{}", said(&stored));
    let [made, shown] = [&exercise, &example.join("exercise")].map(|it| it.join(answers));
    assert_eq!(fs::read_to_string(made)?, fs::read_to_string(shown)?);
    prove()
}

#[test]
fn a_name_or_number_that_cannot_be_used_is_refused_before_anything_is_made() -> Result {
    let root = &original()?;
    let before = fs::read_dir(root.join("exercises"))?.count();
    for (arguments, words) in [
        (["new", "Softmax"], "takes lower-case letters"),
        (["new", "../softmax"], "takes lower-case letters"),
        (["new", "fn"], "is not a keyword of Rust"),
        (["new", "ndarray"], "there is a crate ndarray already"),
        (["new", "patchify"], "there is a crate patchify already"),
        (["new", "--number=1"], "required arguments"),
    ] {
        let refused = grader(root, &arguments).output()?;
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(words), "{}", said(&refused));
    }
    let taken = grader(root, &["new", "softmax", "--number=1"]).output()?;
    let says = "number 01 is that of exercises/01-patchify";
    assert!(said(&taken).contains(says), "{}", said(&taken));
    assert_eq!(fs::read_dir(root.join("exercises"))?.count(), before);
    Ok(())
}

/// The Rust that AUTHORING.md shows is that of the example.
#[test]
fn the_page_shows_the_example() -> Result {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(package.join("AUTHORING.md"))?;
    let files = files_below(&package.join("authoring/softmax"))?;
    let sources: String = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let blocks = page.split("\n```rust\n").skip(1);
    let blocks = blocks.filter_map(|rest| Some(rest.split_once("\n```\n")?.0));
    let mut shown = 0;
    for block in blocks {
        // A block may itself show a fence within a comment.
        let begin = block.lines().next().unwrap_or_default();
        assert!(
            sources.contains(block),
            "no file has the lines from {begin}"
        );
        shown += 1;
    }
    assert_eq!(shown, 3);
    Ok(())
}

/// Copies what is below a folder, as files of today: cargo builds anew what is younger than what it built.
fn lay(from: &Path, to: &Path) -> Result {
    for file in files_below(from)? {
        let place = to.join(file.strip_prefix(from)?);
        fs::create_dir_all(place.parent().ok_or("a folder")?)?;
        fs::write(place, fs::read(&file)?)?;
    }
    Ok(())
}
