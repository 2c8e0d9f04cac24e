//! A submission that replaces another is graded anew where its files differ, and only there.

use serde_json::Value;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn only_the_exercise_that_changed_is_graded_again() -> Result {
    let folder = tempfile::tempdir()?;
    let (class, out) = (folder.path().join("class"), folder.path().join("out"));
    let hand_in = |exercise: &str, code: &str| -> Result {
        let src = class.join("ada").join(exercise).join("src");
        fs::create_dir_all(&src)?;
        Ok(fs::write(src.join("lib.rs"), code)?)
    };
    // The exercises in the results: that of 01, and that of 02.
    let grade = || -> Result<[Value; 2]> {
        let graded = Command::new(env!("CARGO_BIN_EXE_grader"))
            .args([
                "grade",
                "--as=class",
                "--exercise=01",
                "--exercise=02",
                "--out",
            ])
            .args([&out, &class])
            .current_dir(HERE)
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&graded.stderr);
        assert_eq!(graded.status.code(), Some(0), "{said}");
        let mut results: Value = serde_json::from_slice(&fs::read(out.join("results.json"))?)?;
        let exercises = &mut results["submissions"][0]["exercises"];
        Ok([0, 1].map(|i| exercises[i].take()))
    };
    let solution = |exercise: &str| {
        let path = Path::new(HERE).join("../solutions").join(exercise);
        fs::read_to_string(path.join("src/lib.rs"))
    };
    hand_in("01-patchify", &solution("01-patchify")?)?;
    hand_in("02-positions", "not Rust")?;
    let [first, broken] = grade()?;
    assert_eq!(broken["outcome"], "does-not-compile");

    hand_in("02-positions", &solution("02-positions")?)?;
    let [kept, mended] = grade()?;
    assert_eq!(mended["outcome"], "tested");
    assert_eq!(mended["points"], mended["max_points"]);
    // To the last digit of the seconds that it took.
    assert_eq!(kept, first);

    hand_in(
        "01-patchify",
        &format!("{}// new\n", solution("01-patchify")?),
    )?;
    let [anew, kept] = grade()?;
    assert_eq!(kept, mended);
    assert_ne!(anew["digest"], first["digest"]);
    assert_ne!(anew["seconds"], first["seconds"]);
    assert_eq!(anew["points"], first["points"]);
    Ok(())
}
