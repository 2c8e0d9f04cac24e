//! Self-study on a copy of the course: the list of exercises, what is next, and checks of one's own code. What is built is the
//! checkout's; nothing is built for the copy.

use grader::course::{Course, Exercise};
use grader::grading::verdict::{ExerciseGrade, Outcome, Requests, Tested};
use grader::limits::Limits;
use grader::machine::lanes;
use grader::study::progress;
use grader::study::record::{Checked, Record, Versions};
use grader::worker::workshop::Workshop;
use sandbox::Level;
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// A copy of the course without solutions and without anything built.
struct Copy {
    _folder: TempDir,
    root: PathBuf,
}

impl Copy {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().canonicalize()?.join("a course");
        fs::create_dir_all(root.join("grader/judge"))?;
        let original = Path::new(HERE).join("..");
        let status = Command::new("cp")
            .arg("--recursive")
            .args([original.join("exercises"), original.join("Cargo.toml")])
            .arg(&root)
            .status()?;
        assert!(status.success(), "cp ended with {status}");
        Ok(Self {
            _folder: folder,
            root,
        })
    }

    fn course(&self) -> Result<Course> {
        Ok(Course::open(&self.root)?)
    }

    /// The grader in the copy's top folder, without an editor.
    fn grader(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
        command.args(arguments).current_dir(&self.root);
        for variable in ["VISUAL", "EDITOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command
    }

    /// The result of the grader, which must end with this code.
    fn says(&self, arguments: &[&str], code: i32) -> Result<String> {
        let output = self.grader(arguments).output()?;
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Keeps a check of an exercise as it is, in which so many tests passed.
    fn keep(&self, name: &str, passing: usize) -> Result {
        let course = self.course()?;
        let exercise = exercise(&course, name)?;
        let sources = progress::sources(&course)?;
        let versions = Versions::of(&course, exercise, &sources[&exercise.folder])?;
        let check = Checked::now(versions, &graded(exercise, passing)).ok_or("a verdict")?;
        Ok(Record::update(&self.root, |record| {
            record.keep(exercise, check)
        })?)
    }

    fn lib(&self, folder: &str) -> PathBuf {
        self.root.join("exercises").join(folder).join("src/lib.rs")
    }

    /// Puts the course's solution in the place of the stubs, changed so.
    fn solve(&self, folder: &str, change: impl Fn(String) -> String) -> Result {
        let solution = Path::new(HERE).join("../solutions").join(folder);
        let text = fs::read_to_string(solution.join("src/lib.rs"))?;
        Ok(fs::write(self.lib(folder), change(text))?)
    }
}

fn said(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    parts.concat()
}

fn exercise<'a>(course: &'a Course, name: &str) -> Result<&'a Exercise> {
    let mut exercises = course.exercises.iter();
    Ok(exercises.find(|it| it.name == name).ok_or("an exercise")?)
}

/// A graded exercise of which the first tests passed.
fn graded(exercise: &Exercise, passing: usize) -> ExerciseGrade {
    let tests = exercise.tests().enumerate();
    let tests = tests.map(|(i, (kind, test))| Tested {
        test,
        kind,
        passed: i < passing,
        not_counted: None,
        message: None,
        requests: Requests::default(),
    });
    ExerciseGrade {
        exercise: exercise.folder.clone(),
        digest: String::new(),
        limits: Limits::default(),
        outcome: Outcome::Tested,
        points: 0.0,
        max_points: 0.0,
        kinds: BTreeMap::new(),
        tests: tests.collect(),
        misconceptions: vec![],
        look_at: vec![],
        seconds: 1.0,
    }
}

/// The line of the table with an exercise.
fn row<'a>(list: &'a str, folder: &str) -> Result<&'a str> {
    let mut lines = list.lines();
    Ok(lines
        .find(|line| line.contains(&format!("│ {folder} ")))
        .ok_or_else(|| format!("{folder}: {list}"))?)
}

#[test]
fn without_a_command_the_grader_lists_all_exercises_and_what_is_next() -> Result {
    let copy = Copy::new()?;
    let list = copy.says(&["list"], 0)?;
    for exercise in &copy.course()?.exercises {
        let row = row(&list, &exercise.folder)?;
        let level = format!("{}/5", exercise.facts.difficulty);
        for part in [&exercise.facts.title, &level, "untouched"] {
            assert!(row.contains(part), "{part}: {row}");
        }
    }
    assert!(list.contains("next: 01-patchify"), "{list}");
    assert!(list.contains("exercises/01-patchify/README.md"), "{list}");
    assert!(list.contains("cargo grader check patchify"), "{list}");
    let overview = copy.says(&[], 0)?;
    assert!(overview.starts_with(&list), "{overview}");
    assert!(overview.contains("cargo grader --help"), "{overview}");
    assert!(!copy.root.join(".study").exists(), "a list writes nothing");
    Ok(())
}

#[test]
fn the_list_tells_states_and_keeps_them_through_updates_of_the_course() -> Result {
    let copy = Copy::new()?;
    let state = |folder: &str| -> Result<String> {
        let list = copy.says(&["list"], 0)?;
        let cells: Vec<_> = row(&list, folder)?.split(['│', '┆']).collect();
        Ok(cells[4].trim().to_owned())
    };
    copy.solve("01-patchify", |text| text)?;
    assert_eq!(state("01-patchify")?, "not checked yet");
    copy.keep("patchify", 3)?;
    assert_eq!(state("01-patchify")?, "3 of 23 tests");
    copy.keep("patchify", 0)?;
    assert_eq!(state("01-patchify")?, "compiles");
    copy.keep("patchify", usize::MAX)?;
    assert_eq!(state("01-patchify")?, "done");
    let patchify = exercise(&copy.course()?, "patchify")?.clone();
    Record::update(&copy.root, |record| {
        let record = record.of_mut(&patchify);
        record.given_up.insert("embed".to_owned());
        record.hints.insert("embed".to_owned(), 2);
    })?;
    assert_eq!(state("01-patchify")?, "done with help");
    let list = copy.says(&["list"], 0)?;
    assert!(row(&list, "01-patchify")?.ends_with("    2 │"), "{list}");
    assert!(list.contains("next: 02-positions"), "{list}");

    // The learner goes on writing, and the course gets another test and another number.
    copy.solve("01-patchify", |text| format!("{text}\n// more\n"))?;
    assert_eq!(state("01-patchify")?, "done with help, changed since");
    copy.solve("01-patchify", |text| text)?;
    assert_eq!(state("01-patchify")?, "done with help");
    let exercises = copy.root.join("exercises");
    fs::rename(exercises.join("01-patchify"), exercises.join("00-patchify"))?;
    assert_eq!(state("00-patchify")?, "done with help");
    let tests = exercises.join("00-patchify/tests/shape.rs");
    fs::write(&tests, fs::read_to_string(&tests)? + "\n// more\n")?;
    assert_eq!(state("00-patchify")?, "done with help, changed since");
    Ok(())
}

#[test]
fn programs_get_the_list_as_json() -> Result {
    let copy = Copy::new()?;
    copy.solve("01-patchify", |text| text)?;
    copy.keep("patchify", 3)?;
    let list: Value = serde_json::from_str(&copy.says(&["list", "--format", "json"], 0)?)?;
    let all = list["exercises"].as_array().ok_or("exercises")?;
    assert_eq!(all.len(), copy.course()?.exercises.len());
    let (first, second) = (&all[0], &all[1]);
    assert_eq!(first["crate"], "patchify");
    assert_eq!(first["state"], "partly");
    assert_eq!((&first["passed"], &first["tests"]), (&3.into(), &23.into()));
    assert_eq!(first["next"], true);
    assert_eq!(second["state"], "untouched");
    assert_eq!(second["next"], false);
    assert_eq!(second["step"]["action"], "read");
    Ok(())
}

#[test]
fn next_opens_the_handout_and_then_the_function_that_is_to_be_written() -> Result {
    let copy = Copy::new()?;
    let printed = copy.says(&["next", "--print"], 0)?;
    assert_eq!(printed, "exercises/01-patchify/README.md\n");
    let printed = copy.says(&["next", "msa", "--print"], 0)?;
    assert_eq!(printed, "exercises/03-msa/README.md\n");
    fs::remove_file(copy.lib("03-msa"))?;
    let printed = copy.says(&["next", "msa", "--print"], 0)?;
    for part in ["03-msa/src/lib.rs is missing", "cargo grader reset msa"] {
        assert!(printed.contains(part), "{printed}");
    }
    let opened = copy.root.join("opened");
    let editor = format!("printf '%s\\n' --option >'{}' && false", opened.display());
    let output = copy.grader(&["next"]).env("EDITOR", &editor).output()?;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("hint: VISUAL"), "{}", said(&output));

    copy.solve("01-patchify", |text| {
        text.replacen(
            "    let patches = divide",
            "    todo!();\n    let patches = divide",
            1,
        )
    })?;
    let printed = copy.says(&["next", "--print"], 0)?;
    assert_eq!(printed, "exercises/01-patchify/src/lib.rs\n", "not checked");
    copy.keep("patchify", 3)?;
    let printed = copy.says(&["next", "--print"], 0)?;
    let text = fs::read_to_string(copy.lib("01-patchify"))?;
    let line = text
        .lines()
        .position(|line| line.starts_with("pub fn cost("));
    let line = line.ok_or("cost")? + 1;
    assert_eq!(
        printed,
        format!("exercises/01-patchify/src/lib.rs:{line}\n")
    );
    // An editor is a program with options, and gets the whole path.
    let script = copy.root.join("vim");
    fs::write(
        &script,
        format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >'{}'\n", opened.display()),
    )?;
    let editor = format!("sh \"{}\" -x", script.display());
    let output = copy.grader(&["next"]).env("VISUAL", &editor).output()?;
    assert!(output.status.success(), "{}", said(&output));
    let given = fs::read_to_string(&opened)?;
    let lib = copy.lib("01-patchify");
    assert_eq!(given, format!("-x\n{}\n", lib.display()));
    Ok(())
}

#[test]
fn a_mistyped_exercise_gets_a_suggestion() -> Result {
    let copy = Copy::new()?;
    for command in ["check", "next"] {
        let output = copy.grader(&[command, "patchfy"]).output()?;
        assert_eq!(output.status.code(), Some(2));
        let words = said(&output);
        assert!(words.contains("hint: did you mean `patchify`?"), "{words}");
    }
    Ok(())
}

#[test]
fn a_damaged_record_is_an_error_that_says_what_to_do() -> Result {
    let copy = Copy::new()?;
    let path = Record::path(&copy.root);
    fs::create_dir_all(path.parent().ok_or("a folder")?)?;
    fs::write(&path, "{\"format\": 1, ")?;
    // Whatever needs it.
    for arguments in [
        &["list"][..],
        &[],
        &["next", "--print"],
        &["hint", "patchify"],
        &["hint", "patchify", "patchify"],
    ] {
        let output = copy.grader(arguments).output()?;
        let words = said(&output);
        assert_eq!(output.status.code(), Some(3), "{words}");
        assert!(words.contains("progress.json is not a record"), "{words}");
        assert!(
            words.contains("hint: repair the file, or delete it"),
            "{words}"
        );
    }
    assert_eq!(fs::read_to_string(&path)?, "{\"format\": 1, ");
    Ok(())
}

/// The variable that names the folder in which the process that is killed keeps its record.
const ROOT: &str = "STUDY_TEST_ROOT";

/// Not a test: the process that [`a_record_is_whole_whenever_its_writer_is_killed`] kills.
#[test]
#[ignore = "is run by another test"]
fn a_writer() -> Result {
    let Some(root) = std::env::var_os(ROOT) else {
        return Ok(());
    };
    let course = Course::open(&Path::new(HERE).join(".."))?;
    loop {
        Record::update(Path::new(&root), |record| {
            let hints = &mut record.of_mut(&course.exercises[0]).hints;
            for item in 0..200 {
                *hints.entry(item.to_string()).or_default() += 1;
            }
        })?;
    }
}

#[test]
fn a_record_is_whole_whenever_its_writer_is_killed() -> Result {
    let root = tempfile::tempdir()?;
    let course = Course::open(&Path::new(HERE).join(".."))?;
    let mut last = 0;
    for i in 0..8_u64 {
        let mut writer = Command::new(std::env::current_exe()?)
            .args(["--exact", "a_writer", "--ignored"])
            .env(ROOT, root.path())
            .stdout(std::process::Stdio::null())
            .spawn()?;
        let begun = last;
        let mut hints = BTreeMap::new();
        for wait in 0..2000 {
            thread::sleep(Duration::from_millis(1 + (i + wait) % 3));
            let record = Record::open(root.path())?;
            hints = record
                .of(&course.exercises[0])
                .map_or_else(BTreeMap::new, |it| it.hints.clone());
            let written = hints.get("0").copied().unwrap_or_default();
            if written > begun + 2 {
                break;
            }
        }
        writer.kill()?;
        writer.wait()?;
        let record = Record::open(root.path())?;
        hints = record
            .of(&course.exercises[0])
            .map_or(hints, |it| it.hints.clone());
        let values: Vec<_> = hints.values().copied().collect();
        assert_eq!(values.len(), 200);
        assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
        assert!(values[0] > begun, "{values:?}");
        last = values[0];
    }
    Ok(())
}

#[test]
fn a_check_explains_keeps_its_verdict_and_says_what_is_next() -> Result {
    let original = Course::open(&Path::new(HERE).join(".."))?;
    let patchify = exercise(&original, "patchify")?.clone();
    let workshop = Workshop::build(&original, &[patchify], Level::default())?;
    let copy = Copy::new()?;
    let file = copy.root.join("workshop");
    workshop.write(&file)?;
    let built = ["--workshop", file.to_str().ok_or("UTF-8")?];
    let check = |arguments: &[&str], folder: &Path, code: i32| -> Result<(String, String)> {
        let mut command = copy.grader(&["check"]);
        let output = command
            .args(arguments)
            .args(built)
            .current_dir(folder)
            .output()?;
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let stderr = String::from_utf8(output.stderr)?;
        Ok((String::from_utf8(output.stdout)?, stderr))
    };

    // One function panics in a library, and another is wrong. The folder says which exercise is meant.
    copy.solve("01-patchify", |text| {
        let text = text.replacen(
            "    let patches = divide",
            "    ndarray::Array2::<f32>::zeros((2, 3)).dot(&ndarray::Array2::zeros((2, 3)));\n    let patches = divide",
            1,
        );
        text.replacen("pub fn patchify(", "/// Mine.\npub fn patchify(", 1)
    })?;
    let within = copy.root.join("exercises/01-patchify/src");
    let (words, _) = check(&[], &within, 1)?;
    assert!(words.starts_with("01-patchify · "), "{words}");
    assert!(!words.contains("02-positions"), "{words}");
    let text = fs::read_to_string(copy.lib("01-patchify"))?;
    let line = text.lines().position(|line| line.contains("zeros((2, 3))"));
    let line = line.ok_or("the line")? + 1;
    let place = format!("in your code, at exercises/01-patchify/src/lib.rs:{line}:");
    assert!(words.contains(&place), "{place} {words}");
    assert_eq!(words.matches(&place).count(), 1, "{words}");
    assert!(words.contains("fail in the same way: "), "{words}");
    assert!(words.contains("cargo test -p patchify --test "), "{words}");
    assert!(!words.contains("submission"), "{words}");
    let list = copy.says(&["list"], 0)?;
    assert!(
        row(&list, "01-patchify")?.contains(" of 23 tests"),
        "{list}"
    );

    let (json, _) = check(&["patchify", "--format=json"], &copy.root, 1)?;
    let json: Value = serde_json::from_str(&json)?;
    let tests = json["exercises"][0]["tests"].as_array().ok_or("tests")?;
    assert_eq!(tests.len(), 23);
    let failed: Vec<_> = tests
        .iter()
        .filter(|test| test["passed"] == false)
        .collect();
    assert!(!failed.is_empty());
    for test in failed {
        assert_eq!(test["place"]["line"], line, "{test}");
        assert_eq!(test["place"]["file"], "exercises/01-patchify/src/lib.rs");
        assert_eq!(test["item"], "cost", "{test}");
    }

    // A record that is damaged keeps nobody from the verdict, and stays as it is.
    copy.solve("01-patchify", |text| text)?;
    let record = Record::path(&copy.root);
    let kept = fs::read_to_string(&record)?;
    fs::write(&record, "damaged")?;
    let (_, notes) = check(&["patchify"], &copy.root, 0)?;
    assert!(notes.contains("your progress is not kept"), "{notes}");
    assert_eq!(fs::read_to_string(&record)?, "damaged");
    fs::write(&record, kept)?;

    let (words, _) = check(&["1"], &copy.root, 0)?;
    assert!(words.contains("All 23 tests pass"), "{words}");
    let exercises = fs::read_dir(copy.root.join("exercises"))?.count();
    let done = format!("1 of {exercises} exercises done");
    assert!(words.contains(&done), "{words}");
    assert!(words.contains("next: 02-positions"), "{words}");
    assert!(words.contains("cargo grader next positions"), "{words}");
    let list = copy.says(&["list"], 0)?;
    assert!(row(&list, "01-patchify")?.contains(" done "), "{list}");

    // rustc has kept what it made. That another check is using that, or that it is damaged, keeps nobody from the verdict.
    let kept = copy.root.join("target/grader/incremental");
    let made = kept.join("patchify-1/incremental");
    assert!(fs::read_dir(&made)?.next().is_some());
    let lock = File::open(kept.join("patchify-1.lock"))?;
    lock.lock()?;
    check(&["1"], &copy.root, 0)?;
    assert!(kept.join("patchify-2").is_dir() || lanes::processors() == 1);
    drop(lock);
    // The files of a compiler that was stopped are no longer there.
    let left = kept.join("patchify-1/rustcAbCdEf");
    fs::create_dir(&left)?;
    check(&["1"], &copy.root, 0)?;
    assert!(!left.exists() && fs::read_dir(&made)?.next().is_some());
    fs::remove_dir_all(&made)?;
    fs::write(&made, "no folder")?;
    check(&["1"], &copy.root, 0)?;
    assert!(!made.exists(), "what is damaged is removed");
    Ok(())
}

/// The processes of the system that `parent` started and whose program is this file.
#[cfg(target_os = "linux")]
fn children(parent: u32, program: &Path) -> Result<usize> {
    let is_one = |folder: &Path| {
        let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
        // Behind the name, which may hold anything, come the state and the parent.
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        let of = after.split(' ').nth(1).and_then(|it| it.parse().ok());
        of == Some(parent) && fs::read_link(folder.join("exe")).is_ok_and(|exe| exe == program)
    };
    let entries = fs::read_dir("/proc")?.flatten();
    Ok(entries.filter(|it| is_one(&it.path())).count())
}

#[cfg(target_os = "linux")]
#[test]
fn the_judge_is_started_while_the_compiler_works_whether_the_code_compiles_or_not() -> Result {
    if lanes::processors() == 1 {
        return Ok(());
    }
    let original = Course::open(&Path::new(HERE).join(".."))?;
    let patchify = exercise(&original, "patchify")?.clone();
    let mut workshop =
        Workshop::build(&original, std::slice::from_ref(&patchify), Level::default())?;
    let judge = workshop.judge(&patchify)?.canonicalize()?;
    let copy = Copy::new()?;
    // A compiler that waits for a file.
    let (go, slow) = (copy.root.join("go"), copy.root.join("slow-rustc"));
    let script = format!(
        "#!/bin/sh\nwhile [ ! -e '{}' ]; do sleep 0.02; done\nexec '{}' \"$@\"\n",
        go.display(),
        workshop.rustc.display()
    );
    fs::write(&slow, script)?;
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755))?;
    let file = copy.root.join("workshop");
    workshop.rustc = slow;
    workshop.write(&file)?;
    copy.solve("01-patchify", |text| text)?;
    for (source, code) in [(None, 0), (Some("fn"), 1)] {
        if let Some(source) = source {
            fs::write(copy.lib("01-patchify"), source)?;
        }
        let mut check = copy.grader(&["check", "patchify", "--sandbox=none", "--workshop"]);
        let mut check = check.arg(&file).stdout(Stdio::null()).spawn()?;
        let begun = Instant::now();
        while children(check.id(), &judge)? == 0 {
            assert!(begun.elapsed() < Duration::from_secs(60), "no judge");
            thread::sleep(Duration::from_millis(5));
        }
        fs::write(&go, "")?;
        assert_eq!(check.wait()?.code(), Some(code));
        fs::remove_file(&go)?;
    }
    Ok(())
}
