//! The students' repository: it holds no solution, is the same each time, works by itself, and is updated without touching
//! anybody's code.

#[path = "../../tests/common/built.rs"]
mod built;

use built::{BUILT, copy_built};
use grader::course::Course;
use proofs::release::{Files, LIST, Release, Secrets};
use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn course() -> Course {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Course::open(&root).expect("the course of this checkout")
}

/// The release of the whole course.
fn whole() -> &'static Release {
    static WHOLE: OnceLock<Release> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let course = course();
        Release::of(&course, &course.exercises).expect("the course can be given out")
    })
}

/// A release of these files.
fn of_files(files: &[(&str, &str)]) -> Release {
    let files = files.iter();
    Release {
        files: files
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect(),
        exercises: vec![],
        added: vec![],
        left_out: vec![],
    }
}

/// The files below a folder.
fn files_of(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    for path in grader::machine::files::files_below(folder)? {
        let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
        files.insert(name, fs::read(&path)?);
    }
    Ok(files)
}

#[test]
fn no_run_of_tokens_of_a_solution_is_given_out() -> Result {
    let (course, release) = (course(), whole());
    let secrets = Secrets::of(&course)?;
    assert_eq!(secrets.leaks(&release.files), []);
    for exercise in &course.exercises {
        // What would be found: each solution and each variant or misconception, wherever it stands.
        let solution = course.root.join("solutions").join(&exercise.folder);
        let text = fs::read_to_string(solution.join("src/lib.rs"))?;
        for (file, text) in [
            ("grader/src/lost.rs".to_owned(), text.clone()),
            (
                "lost.md".to_owned(),
                text.split_whitespace().collect::<Vec<_>>().join("\n"),
            ),
        ] {
            let files = Files::from([(file.clone(), text.into_bytes())]);
            let found = secrets.leaks(&files);
            let of = found
                .first()
                .map(|leak| (leak.file.as_str(), leak.of.as_str()));
            let (at, of) = of.ok_or_else(|| format!("{file} of {}", exercise.folder))?;
            assert_eq!(at, file);
            assert!(
                of.starts_with(&format!("solutions/{}/", exercise.folder)),
                "{of}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_release_holds_stubs_and_what_check_takes_and_nothing_of_instructors() -> Result {
    let release = whole();
    let course = course();
    assert_eq!(release.exercises, course.folders());
    for file in release.files.keys() {
        let left_out = [
            "solutions/",
            "grader/proofs/",
            "grader/desk/",
            "grader/testdata/",
            "grader/tests/",
            "grader/template/",
        ];
        assert!(!left_out.iter().any(|it| file.starts_with(it)), "{file}");
        let is_other =
            file.contains("misconceptions") || file.ends_with(".diff") || file.ends_with(".py");
        assert!(!is_other, "{file}");
    }
    for exercise in &course.exercises {
        let folder = format!("exercises/{}", exercise.folder);
        assert_eq!(
            release.files[&format!("{folder}/src/lib.rs")],
            fs::read(course.root.join(&folder).join("stubs/lib.rs"))?
        );
        for part in [
            "README.md",
            "hints.md",
            "interface.rs",
            "tests/drawn.rs",
            "tests/drawn.txt",
        ] {
            assert!(
                release.files.contains_key(&format!("{folder}/{part}")),
                "{folder}/{part}"
            );
        }
    }
    for part in [
        "solutions",
        "grader/proofs",
        "grader/testdata",
        "SECURITY.md",
    ] {
        assert!(
            release.left_out.iter().any(|it| it == part),
            "{part}: {:?}",
            release.left_out
        );
    }
    let readme = String::from_utf8(release.files["README.md"].clone())?;
    for part in [
        "solutions/",
        "SECURITY.md",
        "AUTHORING",
        "For instructors",
        "not given out",
    ] {
        assert!(!readme.contains(part), "{part}");
    }
    for part in [
        "The first ten minutes",
        "exercises/09-windows",
        "cargo grader watch",
        "holds no solutions",
    ] {
        assert!(readme.contains(part), "{part}");
    }
    Ok(())
}

#[test]
fn chosen_exercises_bring_those_that_they_build_on_and_the_same_bytes_each_time() -> Result {
    let course = course();
    let chosen = course.select(&["blocks".to_owned()])?;
    let [one, other] = [
        Release::of(&course, &chosen)?,
        Release::of(&course, &chosen)?,
    ];
    assert_eq!(one.exercises, ["03-msa", "04-blocks"]);
    assert_eq!(one.added, ["03-msa"]);
    assert!(one.files == other.files, "two releases differ");
    let readme = String::from_utf8(one.files["README.md"].clone())?;
    assert!(readme.contains("| [04 blocks]") && !readme.contains("| [05 vit]"));
    let lock = String::from_utf8(one.files["Cargo.lock"].clone())?;
    let names: BTreeSet<_> = lock
        .lines()
        .filter_map(|it| it.strip_prefix("name = "))
        .collect();
    assert!(
        names.contains("\"blocks\"") && names.contains("\"grader\""),
        "{names:?}"
    );
    for gone in [
        "\"vit\"",
        "\"msa-solution\"",
        "\"proofs\"",
        "\"desk\"",
        "\"rusqlite\"",
    ] {
        assert!(!names.contains(gone), "{gone}");
    }
    Ok(())
}

#[test]
fn a_release_is_written_to_a_folder_of_its_own() -> Result {
    let (course, release) = (course(), of_files(&[("a/b.txt", "b\n"), ("c", "")]));
    let place = tempfile::tempdir()?;
    let folder = place.path().join("new/students");
    release.write(&course, &folder)?;
    let written = files_of(&folder)?;
    let expected: Vec<_> = release
        .files
        .keys()
        .map(String::as_str)
        .chain([LIST])
        .collect();
    assert_eq!(written.keys().collect::<Vec<_>>(), expected);
    // The list is what sha256sum checks.
    let checked = Command::new("sha256sum")
        .args(["--check", LIST])
        .current_dir(&folder)
        .output();
    assert!(checked.is_ok_and(|output| output.status.success()));
    let error = |folder: &Path| match release.write(&course, folder) {
        Ok(()) => "nothing is wrong".to_owned(),
        Err(error) => error.to_string(),
    };
    assert!(error(&folder).ends_with("is not empty"));
    assert!(error(&course.root.join("target/students")).ends_with("is inside the course"));
    assert!(error(&folder.join("c")).ends_with("is not empty"), "a file");
    let empty = place.path().join("empty");
    fs::create_dir(&empty)?;
    assert_eq!(error(&empty), "nothing is wrong");
    Ok(())
}

/// A repository with an exercise, as a student has it, and the folder that holds it.
fn students() -> Result<(tempfile::TempDir, PathBuf)> {
    let place = tempfile::tempdir()?;
    let folder = place.path().join("students");
    of_files(&[
        ("README.md", "old\n"),
        ("exercises/01-a/src/lib.rs", "todo\n"),
        ("exercises/01-a/stubs/lib.rs", "todo\n"),
        ("grader/gone.rs", ""),
    ])
    .write(&course(), &folder)?;
    fs::write(folder.join("exercises/01-a/src/lib.rs"), "my own code\n")?;
    fs::write(folder.join("exercises/01-a/src/more.rs"), "my own file\n")?;
    fs::write(folder.join("notes.txt"), "mine\n")?;
    Ok((place, folder))
}

/// The files that are given out later.
fn later() -> Release {
    of_files(&[
        ("README.md", "new\n"),
        ("exercises/01-a/src/lib.rs", "todo!\n"),
        ("exercises/01-a/stubs/lib.rs", "todo!\n"),
        ("exercises/02-b/src/lib.rs", "todo\n"),
    ])
}

#[test]
fn an_update_brings_later_files_and_leaves_the_students_code() -> Result {
    let (_place, folder) = students()?;
    let made = later().update(&course(), &folder)?;
    assert_eq!(made.added, ["exercises/02-b/src/lib.rs"]);
    assert_eq!(made.changed, ["README.md", "exercises/01-a/stubs/lib.rs"]);
    assert_eq!(made.removed, ["grader/gone.rs"]);
    assert_eq!(made.stubs, ["01-a"]);
    let mut there = files_of(&folder)?;
    there.remove(LIST);
    let text = |path: &str| String::from_utf8_lossy(&there[path]).into_owned();
    assert_eq!(text("exercises/01-a/src/lib.rs"), "my own code\n");
    assert_eq!(text("exercises/01-a/src/more.rs"), "my own file\n");
    assert_eq!(text("notes.txt"), "mine\n");
    assert_eq!(text("README.md"), "new\n");
    assert_eq!(there.len(), 6);
    assert!(later().update(&course(), &folder)?.is_empty(), "twice");
    Ok(())
}

#[test]
fn an_update_that_would_overwrite_a_students_change_writes_nothing_and_names_the_files() -> Result {
    let (_place, folder) = students()?;
    fs::write(folder.join("README.md"), "mine\n")?;
    // One that the course has later, and the student already.
    fs::create_dir_all(folder.join("exercises/02-b/src"))?;
    fs::write(folder.join("exercises/02-b/src/lib.rs"), "mine\n")?;
    let before = files_of(&folder)?;
    let error = later().update(&course(), &folder).expect_err("two files");
    let text = error.to_string();
    assert!(
        text.ends_with("README.md, exercises/02-b/src/lib.rs"),
        "{text}"
    );
    assert!(files_of(&folder)? == before);
    let error = later()
        .update(&course(), &folder.join("exercises"))
        .expect_err("no release");
    assert!(error.to_string().contains("is not a students' repository"));
    Ok(())
}

#[test]
fn an_update_follows_no_link_out_of_the_repository() -> Result {
    let (place, folder) = students()?;
    let outside = place.path().join("outside");
    fs::rename(folder.join("exercises/01-a/stubs"), &outside)?;
    std::os::unix::fs::symlink(&outside, folder.join("exercises/01-a/stubs"))?;
    let error = later().update(&course(), &folder).expect_err("a link");
    assert!(
        error.to_string().contains("exercises/01-a/stubs/lib.rs"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(outside.join("lib.rs"))?, "todo\n");
    Ok(())
}

/// A command in a repository, which must end with `code`: what it says.
fn says(folder: &Path, program: &str, arguments: &[&str], code: i32) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()?;
    let words = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    let words = words.concat();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
    Ok(words)
}

/// It compiles the grader and two judges anew, which takes a minute: `cargo test -p proofs --test release -- --ignored`.
#[test]
#[ignore = "it compiles a second grader"]
fn a_release_works_by_itself() -> Result {
    let course = course();
    let place = tempfile::tempdir()?;
    let folder = place.path().join("students");
    let chosen = course.select(&["patchify".to_owned(), "flow".to_owned()])?;
    Release::of(&course, &chosen)?.write(&course, &folder)?;
    // Libraries that are not the course's own serve a release as well.
    for part in BUILT.map(|part| Path::new("target").join(part)) {
        let large = ["libgrader", "libtorch_sys", "torch-sys"];
        copy_built(&course.root.join(&part), &folder.join(&part), &large)?;
    }
    let grader = |arguments: &[&str], code| {
        let all = [
            &["run", "--locked", "--offline", "--package", "grader", "--"],
            arguments,
        ]
        .concat();
        says(&folder, env!("CARGO"), &all, code)
    };
    let list = grader(&["list"], 0)?;
    for part in ["01-patchify", "07-rollout", "08-flow"] {
        assert!(list.contains(part), "{list}");
    }
    // The stubs fail, and nothing else is wrong.
    let stubs = grader(&["check", "patchify"], 1)?;
    assert!(stubs.contains("0 of"), "{stubs}");
    assert!(stubs.contains("compared with stored answers"), "{stubs}");
    let solve = |name: &str, change: &dyn Fn(String) -> String| -> Result {
        let solution = course.root.join("solutions").join(name).join("src/lib.rs");
        let stub = folder.join("exercises").join(name).join("src/lib.rs");
        Ok(fs::write(stub, change(fs::read_to_string(solution)?))?)
    };
    let as_it_is = |text: String| text;
    solve("01-patchify", &as_it_is)?;
    let solved = grader(&["check", "patchify"], 0)?;
    assert!(solved.contains("tests pass"), "{solved}");
    assert!(!solved.contains("solutions/"), "{solved}");
    // A mistake that the stored answers show is explained, and has no name.
    let wrong =
        |text: String| text.replace("let tokens = patches + 1;", "let tokens = patches + 2;");
    solve("01-patchify", &wrong)?;
    let explained = grader(&["check", "patchify"], 1)?;
    assert!(
        explained.contains("against the reference") || explained.contains("expected"),
        "{explained}"
    );
    assert!(!explained.contains("what happened"), "{explained}");
    // An exercise that builds on another is tested with the learner's own.
    solve("08-flow", &as_it_is)?;
    let own = grader(&["check", "flow"], 1)?;
    assert!(
        own.contains("08-flow is tested with your own code of rollout"),
        "{own}"
    );
    solve("07-rollout", &as_it_is)?;
    grader(&["check", "flow"], 0)?;
    // Instructors' commands say that they are.
    let diff = grader(&["diff", "patchify"], 2)?;
    assert!(
        diff.contains("given out without the solution of 01-patchify"),
        "{diff}"
    );
    let verify = grader(&["verify"], 3)?;
    assert!(
        verify.contains("given out without the program `proofs`"),
        "{verify}"
    );
    let seeded = grader(&["check", "patchify", "--seed=1"], 2)?;
    assert!(
        seeded.contains("given out without the solution"),
        "{seeded}"
    );
    Ok(())
}
