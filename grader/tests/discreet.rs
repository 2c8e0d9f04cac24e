//! Under a class's seed, no word of a submission's reaches a report: it could hold the inputs that were drawn.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, ImplItemFn, ItemFn, parse_quote};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The exercises: without libtorch and with it, where some property tests are plain ones.
const EXERCISES: [&str; 2] = ["01-patchify", "05-vit"];

/// The word that is looked for.
const WORD: &str = "Xenia";

/// The beginnings of functions that tell the word: as the judge, proptest or a stub would speak, and by what they print.
const TOLD: [(&str, &str); 4] = [
    ("as-a-property", r#"panic!("with Xenia = 1");"#),
    (
        "as-a-stub",
        r#"panic!("not yet implemented: 1 of 2 drawn cases, first with Xenia = 1");"#,
    ),
    (
        "as-proptest",
        r#"panic!("Test failed: x.\nminimal failing input: Xenia = 1\n\tsuccesses: 0\nwith Xenia = 1");"#,
    ),
    (
        "at-the-end",
        r#"eprintln!("with Xenia = 1"); std::process::exit(101);"#,
    ),
];

/// Puts statements first in each function.
struct First(Block);

impl First {
    fn put(&self, block: &mut Block) {
        block.stmts.splice(0..0, self.0.stmts.clone());
    }
}

impl VisitMut for First {
    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        if item.sig.constness.is_none() {
            self.put(&mut item.block);
        }
        visit_mut::visit_item_fn_mut(self, item);
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut ImplItemFn) {
        if item.sig.constness.is_none() && item.sig.ident != "new" {
            self.put(&mut item.block);
        }
        visit_mut::visit_impl_item_fn_mut(self, item);
    }
}

/// All files below a folder, as text.
fn texts(folder: &Path, all: &mut Vec<(String, String)>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            texts(&path, all)?;
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            all.push((path.display().to_string(), text));
        }
    }
    Ok(())
}

#[test]
fn whatever_a_function_says_no_report_repeats_it() -> Result {
    let folder = tempfile::tempdir()?;
    let (class, out) = (folder.path().join("class"), folder.path().join("out"));
    let solutions = Path::new(HERE).join("../solutions");
    for (name, told) in TOLD {
        let block: Block = syn::parse_str(&format!("{{ {told} }}"))?;
        for exercise in EXERCISES {
            let text = fs::read_to_string(solutions.join(exercise).join("src/lib.rs"))?;
            let mut file = syn::parse_file(&text)?;
            file.attrs.push(parse_quote!(#![allow(unreachable_code)]));
            First(block.clone()).visit_file_mut(&mut file);
            let src = class.join(name).join(exercise).join("src");
            fs::create_dir_all(&src)?;
            fs::write(src.join("lib.rs"), prettyplease::unparse(&file))?;
        }
    }
    let graded = Command::new(env!("CARGO_BIN_EXE_grader"))
        .args(["grade", "--as=class", "--train-on=none"])
        .args(EXERCISES.map(|exercise| format!("--exercise={exercise}")))
        .arg("--out")
        .args([&out, &class])
        .current_dir(HERE)
        .stdin(Stdio::null())
        .output()?;
    let said = [&graded.stdout, &graded.stderr].map(|said| String::from_utf8_lossy(said));
    assert_eq!(graded.status.code(), Some(0), "{said:?}");
    let mut all = vec![];
    texts(&out, &mut all)?;
    all.extend(said.map(|said| ("the terminal".to_owned(), said.into_owned())));
    for (place, text) in &all {
        let line = text.lines().find(|line| line.contains(WORD));
        assert!(line.is_none(), "{place}: {line:?}");
    }
    // They were asked, and failed.
    let results = fs::read_to_string(out.join("results.json"))?;
    let results: serde_json::Value = serde_json::from_str(&results)?;
    let submissions = results["submissions"].as_array().ok_or("submissions")?;
    assert_eq!(submissions.len(), TOLD.len());
    for submission in submissions {
        for exercise in submission["exercises"].as_array().ok_or("exercises")? {
            let tests = exercise["tests"].as_array().ok_or("tests")?;
            let failed = tests.iter().filter(|test| test["message"].is_string());
            assert!(failed.count() > 10, "{submission:#}");
        }
    }
    Ok(())
}
