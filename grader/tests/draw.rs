//! `grader draw` and `grader cost` as a user runs them: from a submission's sources to files.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use wire::{Frame, Mixer, RawTensor, Tensors};

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

/// The weights of a small ViT for images of 8 pixels in patches of 4, by timm's names.
fn weights(front: usize) -> Tensors {
    let mut sizes = vec![
        ("cls_token".to_owned(), vec![1, 1, 8]),
        ("pos_embed".to_owned(), vec![1, front + 4, 8]),
        ("patch_embed.proj.weight".to_owned(), vec![8, 1, 4, 4]),
        ("patch_embed.proj.bias".to_owned(), vec![8]),
        ("norm.weight".to_owned(), vec![8]),
        ("norm.bias".to_owned(), vec![8]),
        ("head.weight".to_owned(), vec![3, 8]),
        ("head.bias".to_owned(), vec![3]),
    ];
    if front == 2 {
        sizes.push(("dist_token".to_owned(), vec![1, 1, 8]));
    }
    for (name, size) in [
        ("norm1.weight", vec![8]),
        ("norm1.bias", vec![8]),
        ("attn.qkv.weight", vec![24, 8]),
        ("attn.qkv.bias", vec![24]),
        ("attn.proj.weight", vec![8, 8]),
        ("attn.proj.bias", vec![8]),
        ("norm2.weight", vec![8]),
        ("norm2.bias", vec![8]),
        ("mlp.fc1.weight", vec![16, 8]),
        ("mlp.fc1.bias", vec![16]),
        ("mlp.fc2.weight", vec![8, 16]),
        ("mlp.fc2.bias", vec![8]),
    ] {
        sizes.push((format!("blocks.0.{name}"), size));
    }
    let mut mixer = Mixer::new("weights");
    let named = sizes.into_iter().map(|(name, size)| {
        let array = ndarray::ArrayD::from_shape_simple_fn(size, || mixer.uniform());
        (name, RawTensor::from(&array))
    });
    named.collect()
}

fn write(path: &Path, tensors: Tensors) -> Result {
    let frame = Frame {
        tensors,
        ..Frame::default()
    };
    Ok(fs::write(path, frame.encode()?)?)
}

#[test]
fn a_checkpoint_in_f64_of_a_wrapped_model_without_a_head_is_drawn() -> Result {
    let scratch = tempfile::tempdir()?;
    let (file, out) = (
        scratch.path().join("vit.safetensors"),
        scratch.path().join("out"),
    );
    let wrapped = weights(1).into_iter();
    let wrapped = wrapped.filter(|(name, _)| !name.starts_with("head."));
    let wrapped = wrapped.map(|(name, tensor)| (format!("model.{name}"), tensor));
    write(&file, wrapped.collect())?;
    let [file, shown] = [&file, &out].map(|path| path.to_string_lossy().into_owned());
    let command = [
        "draw",
        "vit",
        "--solution",
        "--checkpoint",
        &file,
        "--out",
        &shown,
    ];
    let output = grader(&command)?;
    assert!(output.status.success(), "{}", said(&output));
    for picture in ["attention.png", "filters.png", "positions.png"] {
        assert!(names(&out)?.contains(&picture.to_owned()), "{picture}");
    }
    Ok(())
}

#[test]
fn weights_of_another_model_and_files_of_another_format_are_named_before_anything_is_built()
-> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name).to_string_lossy().into_owned();
    write(at("deit").as_ref(), weights(2))?;
    write(at("vit").as_ref(), weights(1))?;
    fs::write(at("vit.pth"), b"PK\x03\x04\0\0archive/data.pkl")?;
    fs::write(
        at("page"),
        "<!doctype html>\n<title>vit.safetensors</title>",
    )?;
    fs::write(at("vit.gguf"), b"GGUF\x03\0\0\0\0\0")?;
    for (exercise, file, expected, hint) in [
        (
            "vit",
            "deit",
            "these are the weights of a DeiT",
            "`cargo grader draw deit` draws them",
        ),
        (
            "deit",
            "vit",
            "these are the weights of a ViT",
            "`cargo grader draw vit` draws them",
        ),
        (
            "vit",
            "vit.pth",
            "it is a PyTorch checkpoint (a pickle)",
            "safetensors.torch.save_file",
        ),
        ("vit", "page", "it is a page of HTML", "/resolve/"),
        (
            "vit",
            "vit.gguf",
            "it is a GGUF file",
            "give a safetensors file",
        ),
    ] {
        let output = grader(&["draw", exercise, "--solution", "--checkpoint", &at(file)])?;
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{file}: {said}");
        assert!(
            said.contains(expected) && said.contains(hint),
            "{file}: {said}"
        );
        assert!(
            !said.contains("Compiling") && !said.contains("sandbox: "),
            "{said}"
        );
    }
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
