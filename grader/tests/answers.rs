//! The reference's answers to drawn cases are kept for the class: its judges read them, and write none.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The folders of answers that there are.
fn folders() -> Result<BTreeSet<PathBuf>> {
    let all = Path::new(HERE).join("../target/grader/answers");
    if !all.is_dir() {
        return Ok(BTreeSet::new());
    }
    Ok(fs::read_dir(all)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?)
}

#[test]
fn what_the_reference_answered_is_kept_and_no_submission_adds_to_it() -> Result {
    let folder = tempfile::tempdir()?;
    let (class, out) = (folder.path().join("class"), folder.path().join("out"));
    let solution = Path::new(HERE).join("../solutions/01-patchify/src/lib.rs");
    let hand_in = |name: &str| -> Result {
        let src = class.join(name).join("01-patchify/src");
        fs::create_dir_all(&src)?;
        let text = format!("{}\n// {name}\n", fs::read_to_string(&solution)?);
        Ok(fs::write(src.join("lib.rs"), text)?)
    };
    let grade = || -> Result<String> {
        let graded = Command::new(env!("CARGO_BIN_EXE_grader"))
            .args(["grade", "--as=class", "--exercise=patchify", "--out"])
            .args([&out, &class])
            .current_dir(HERE)
            .stdin(Stdio::null())
            .output()?;
        let said = [&graded.stdout, &graded.stderr].map(|said| String::from_utf8_lossy(said));
        assert_eq!(graded.status.code(), Some(0), "{said:?}");
        Ok(fs::read_to_string(out.join("results.json"))?)
    };
    let before = folders()?;
    hand_in("ada")?;
    grade()?;
    let new: Vec<_> = folders()?.difference(&before).cloned().collect();
    let [answers] = new.as_slice() else {
        return Err(format!("a folder for the class's seed, not {new:?}").into());
    };
    let kept = files(answers)?;
    assert!(kept.len() > 10, "{kept:?}");
    assert!(
        kept.iter().all(|file| file.extension().is_none()),
        "{kept:?}"
    );

    // Half of them damaged, the others gone: each judge computes what it needs.
    for (i, file) in kept.iter().enumerate() {
        if i % 2 == 0 {
            fs::write(file, "damaged")?;
        } else {
            fs::remove_file(file)?;
        }
    }
    hand_in("ben")?;
    let results: serde_json::Value = serde_json::from_str(&grade()?)?;
    let all = results["submissions"].as_array().ok_or("submissions")?;
    assert_eq!(all.len(), 2, "{results}");
    assert_eq!(all[0]["points"], all[1]["points"], "{results}");
    assert!(
        all[1]["points"].as_f64().is_some_and(|points| points > 9.9),
        "{results}"
    );
    let left = files(answers)?;
    assert_eq!(left.len(), kept.len().div_ceil(2), "{left:?}");
    for file in left {
        assert_eq!(fs::read(file)?, b"damaged");
    }
    Ok(())
}
