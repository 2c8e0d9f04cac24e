//! `grader call` on a folder of files: each is answered, and one that ends the worker spoils no other.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use wire::Frame;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A request for what patches of this side cost on an image of 8 pixels.
fn write_request(folder: &Path, name: &str, patch: &str) -> Result {
    let arguments = [
        ("image", "8"),
        ("patch", patch),
        ("channels", "3"),
        ("dim", "5"),
    ];
    let named = arguments.map(|(name, value)| (format!("argument.{name}"), value.to_owned()));
    let request = Frame {
        metadata: BTreeMap::from(named),
        ..Frame::default()
    };
    fs::write(
        folder.join(format!("{name}.safetensors")),
        request.encode()?,
    )?;
    Ok(())
}

fn call_cost(submission: &Path, input: &Path, output: &Path, more: &[&str]) -> Result<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_grader"))
        .args(["call", "patchify", "cost"])
        .args([input, output])
        .arg("--submission")
        .arg(submission)
        .args(more)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    Ok(output)
}

/// The solution, but that patches of 2 end the process and patches of 3 panic, as they must.
fn submission(folder: &Path) -> Result {
    let solution =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/01-patchify/src/lib.rs");
    let right = fs::read_to_string(solution)?;
    let start = "    let patches = divide(image, patch,";
    let ends = format!("    if patch == 2 {{ std::process::exit(0) }}\n{start}");
    let source = right.replacen(start, &ends, 1);
    assert_ne!(source, right);
    let src = folder.join("01-patchify/src");
    fs::create_dir_all(&src)?;
    fs::write(src.join("lib.rs"), source)?;
    Ok(())
}

fn patches(file: &Path) -> Result<f64> {
    let answer = Frame::decode(&fs::read(file)?, &wire::Limits::default())?;
    Ok(answer.tensors["cost"].to_f64()[0])
}

#[test]
fn each_file_of_a_folder_is_answered_and_one_that_ends_the_worker_spoils_no_other() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    submission(&at("ada"))?;
    fs::create_dir(at("in"))?;
    for (name, patch) in [("a", "4"), ("b", "2"), ("c", "3"), ("d", "8")] {
        write_request(&at("in"), name, patch)?;
    }

    let called = call_cost(&at("ada"), &at("in"), &at("out"), &[])?;
    let said = String::from_utf8(called.stderr)?;
    assert_eq!(called.status.code(), Some(1), "{said}");
    assert_eq!(patches(&at("out/a.safetensors"))?, 4.0);
    assert_eq!(patches(&at("out/d.safetensors"))?, 1.0);
    assert!(!at("out/b.safetensors").exists() && !at("out/c.safetensors").exists());
    let line = |name: &str| {
        said.lines()
            .find(|line| line.contains(name))
            .unwrap_or_default()
    };
    assert!(
        line("in/b.safetensors: ").contains("ended the process"),
        "{said}"
    );
    assert!(
        line("in/c.safetensors: ").contains("cannot divide 8"),
        "{said}"
    );

    // `--arg` counts for more than what a file says.
    let one = at("one.safetensors");
    let called = call_cost(
        &at("ada"),
        &at("in/b.safetensors"),
        &one,
        &["--arg", "patch=1"],
    )?;
    assert!(
        called.status.success(),
        "{}",
        String::from_utf8_lossy(&called.stderr)
    );
    assert_eq!(patches(&one)?, 64.0);
    Ok(())
}

#[test]
fn a_file_that_lacks_an_argument_is_named_before_anything_is_done() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    submission(&at("ada"))?;
    fs::create_dir(at("in"))?;
    write_request(&at("in"), "a", "4")?;
    fs::write(at("in/b.safetensors"), Frame::default().encode()?)?;
    let called = call_cost(&at("ada"), &at("in"), &at("out"), &[])?;
    let said = String::from_utf8(called.stderr)?;
    assert_eq!(called.status.code(), Some(2), "{said}");
    assert!(
        said.contains("b.safetensors") && said.contains("image is missing"),
        "{said}"
    );
    assert!(!at("out").exists());
    Ok(())
}
