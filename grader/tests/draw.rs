//! `grader draw` and `grader cost` as a user runs them: from a submission's sources to files.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn grader(arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    Ok(command.output()?)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The solution of 01 patchify, changed.
fn submission(folder: &Path, change: impl Fn(&str) -> String) -> Result<String> {
    let src = folder.join("01-patchify/src");
    fs::create_dir_all(&src)?;
    let solution =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/01-patchify/src/lib.rs");
    fs::write(src.join("lib.rs"), change(&fs::read_to_string(solution)?))?;
    Ok(folder.to_string_lossy().into_owned())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = vec![];
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[test]
fn a_picture_shows_what_the_functions_give() -> Result {
    let scratch = tempfile::tempdir()?;
    let out = scratch.path().join("out");
    let shown = out.to_string_lossy().into_owned();
    // Every patch one brightness: 0.6 of white.
    let path = submission(&scratch.path().join("wrong"), |source| {
        source.replacen("pub fn patchify(", "pub fn patchify(images: ArrayView4<'_, f32>, grid: usize) -> Array3<f32> {\n    right(images, grid).mapv(|_| 0.6)\n}\n\nfn right(", 1)
    })?;
    let output = grader(&["draw", "patchify", "--submission", &path, "--out", &shown])?;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        names(&out)?,
        ["cost.png", "cost.svg", "patches.png", "patches.svg"]
    );
    let written: Vec<_> = String::from_utf8(output.stdout)?
        .lines()
        .map(PathBuf::from)
        .collect();
    assert!(written.iter().all(|path| path.is_file()), "{written:?}");
    let picture = image::open(out.join("patches.png"))?.into_rgb8();
    let of_patches = picture.pixels().filter(|pixel| pixel.0 == [153; 3]).count();
    // 16 patches of 36 units and the image of 252, at two pixels a unit, but for their frames.
    let expected = 4 * (16 * 36 * 36 + 252 * 252);
    assert!(
        (expected * 95 / 100..=expected).contains(&of_patches),
        "{of_patches} of {expected}"
    );
    Ok(())
}

#[test]
fn a_function_that_is_not_written_is_named_and_the_rest_is_drawn() -> Result {
    let scratch = tempfile::tempdir()?;
    let out = scratch.path().join("out");
    let shown = out.to_string_lossy().into_owned();
    let path = submission(&scratch.path().join("stub"), |source| {
        source.replacen(
            "    Cost {",
            "    if true {\n        todo!(\"count\")\n    }\n    Cost {",
            1,
        )
    })?;
    let output = grader(&["draw", "1", "--submission", &path, "--out", &shown])?;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("not drawn: cost: not implemented at "),
        "{}",
        said(&output)
    );
    assert_eq!(names(&out)?, ["patches.png", "patches.svg"]);
    Ok(())
}

#[test]
fn wrong_arguments_are_said_before_anything_is_built() -> Result {
    let scratch = tempfile::tempdir()?;
    let text = scratch.path().join("text.png");
    fs::write(&text, "no image")?;
    let text = text.to_string_lossy().into_owned();
    let cases = [
        (
            vec!["draw", "patchify", "--image", &text],
            "is not an image: it must be PNG or JPEG",
        ),
        (
            vec!["draw", "vit", "--checkpoint", &text],
            "is not a safetensors file",
        ),
        (
            vec!["draw", "vit", "--checkpoint", "gone"],
            "gone cannot be read",
        ),
        (
            vec!["draw", "patchify", "--submission", "gone"],
            "gone does not exist",
        ),
        (
            vec!["cost", "--patch-size", "15"],
            "--patch-size 15 does not divide --image-size 224",
        ),
        (
            vec!["cost", "--heads", "5"],
            "--heads 5 does not divide --dim 192",
        ),
    ];
    for (arguments, expected) in cases {
        let output = grader(&arguments)?;
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            said(&output)
        );
        assert!(
            said(&output).contains(expected),
            "{arguments:?}: {}",
            said(&output)
        );
        assert!(!said(&output).contains("Compiling"));
    }
    Ok(())
}

#[test]
fn costs_are_counted_without_libtorch() -> Result {
    let output = grader(&[
        "cost",
        "--no-time",
        "--image-size",
        "32",
        "--dim",
        "64",
        "--heads",
        "4",
    ])?;
    assert!(output.status.success(), "{}", said(&output));
    let table = String::from_utf8(output.stdout)?;
    // 16 × 16 patches of 2 pixels, and the class token.
    assert!(table.contains("2 px ┆    257 ┆"), "{table}");
    assert_eq!(table.matches(" px ┆").count(), 5);
    Ok(())
}
