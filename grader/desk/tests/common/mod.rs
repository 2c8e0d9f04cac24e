//! Common parts of the tests: a class on disk, as `grade --out` leaves it, and the program.

#![allow(dead_code, unreachable_pub, missing_docs)]

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The result of a submitted exercise.
#[derive(Clone, Copy, Debug)]
pub enum SubmittedExercise {
    /// So many of four shape tests (4 points) and of six snapshot tests (6 points) pass.
    Passing(usize, usize),
    Missing,
    NotGraded,
    DoesNotCompile,
}

use SubmittedExercise::{DoesNotCompile, Missing, NotGraded, Passing};

/// A batch: what each submission holds of each exercise.
#[derive(Clone, Debug)]
pub struct Batch {
    pub course: String,
    pub exercises: Vec<&'static str>,
    pub submissions: Vec<(String, Vec<SubmittedExercise>)>,
    pub refused: Vec<String>,
    /// Whether a submission's sources are the same whatever passes, as in a regrade.
    pub same_sources: bool,
}

impl Batch {
    pub fn of(submissions: &[(&str, &[SubmittedExercise])]) -> Self {
        let owned =
            |(name, handed): &(&str, &[SubmittedExercise])| ((*name).to_owned(), handed.to_vec());
        Self {
            course: "c0".repeat(32),
            exercises: vec!["01-patchify", "03-msa"],
            submissions: submissions.iter().map(owned).collect(),
            refused: vec![],
            same_sources: false,
        }
    }

    /// Writes `results.json` and `submissions/NAME.json`.
    pub fn write(&self, out: &Path) -> Result {
        fs::create_dir_all(out.join("submissions"))?;
        fs::write(out.join(".lock"), "")?;
        let terms = json!({
            "grader": "0.1.0", "title": "Vision Transformers", "course": self.course, "exercises": self.exercises,
            "seed": "5e".repeat(32), "train": "digits", "sandbox": "full", "limits": {},
        });
        let mut all = vec![];
        for (name, handed) in &self.submissions {
            let graded = self.submission(name, handed);
            let entry = json!({ "terms": terms, "graded": graded });
            fs::write(
                out.join(format!("submissions/{name}.json")),
                serde_json::to_vec_pretty(&entry)?,
            )?;
            all.push(graded);
        }
        let mut results = terms;
        results["schema"] = json!(3);
        results["submissions"] = Value::Array(all);
        fs::write(
            out.join("results.json"),
            serde_json::to_vec_pretty(&results)?,
        )?;
        Ok(())
    }

    fn submission(&self, name: &str, handed: &[SubmittedExercise]) -> Value {
        let hash = |text: String| -> String {
            Sha256::digest(text)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        let exercises: Vec<_> = self
            .exercises
            .iter()
            .zip(handed)
            .map(|(it, handed)| exercise(it, *handed))
            .collect();
        let sum = |key: &str| {
            exercises
                .iter()
                .filter_map(|it| it[key].as_f64())
                .sum::<f64>()
        };
        let refused = self.refused.iter().any(|it| it == name);
        let sources = match self.same_sources {
            true => name.to_owned(),
            false => format!("{name}{handed:?}"),
        };
        let mut submission = json!({
            "submission": name, "path": format!("class/{name}"), "sandbox": "full",
            "digest": if refused { String::new() } else { hash(sources) },
            "points": sum("points"), "max_points": sum("max_points"), "seconds": 1.5, "exercises": exercises,
        });
        if refused {
            submission["refused"] = json!("the archive is broken");
        }
        submission
    }
}

fn exercise(name: &str, handed: SubmittedExercise) -> Value {
    let (shape, snapshot, outcome) = match handed {
        Passing(shape, snapshot) => (shape, snapshot, "tested"),
        Missing => (0, 0, "missing"),
        NotGraded => (0, 0, "not-graded"),
        DoesNotCompile => (0, 0, "does-not-compile"),
    };
    let tally = |passed: usize, total: usize| json!({ "passed": passed, "total": total, "points": total as f64 * passed as f64 / total as f64, "max_points": total as f64 });
    let mut tests = vec![];
    if outcome == "tested" {
        for (kind, passed, total) in [("shape", shape, 4), ("snapshot", snapshot, 6)] {
            for number in 0..total {
                let mut test = json!({ "test": format!("{kind}::test_{number}"), "kind": kind, "passed": number < passed });
                if number >= passed {
                    test["message"] = json!(format!("expected <1> & \"2\", actual \u{7} {number}"));
                }
                tests.push(test);
            }
        }
    }
    let mut value = json!({
        "exercise": name, "outcome": outcome, "limits": { "call_seconds": 10.0, "exercise_seconds": 60.0, "memory_mib": 2048 },
        "digest": "ab".repeat(32),
        "points": shape as f64 + snapshot as f64, "max_points": 10.0,
        "kinds": { "shape": tally(shape, 4), "snapshot": tally(snapshot, 6) }, "tests": tests, "seconds": 0.5,
    });
    match outcome {
        "does-not-compile" => value["message"] = json!("error: expected `;`"),
        "not-graded" => value["message"] = json!("the judge was killed"),
        _ => {}
    }
    value
}

/// A desk in a folder of its own.
pub struct Class {
    pub folder: tempfile::TempDir,
}

/// The exit status and output of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Anna and Bob are a group, Eve and Zoë work alone. All is due on 1 December at midnight, 10 % a day late.
pub const ROSTER: &str = "id,name,email,group,section\n\
    s1,Anna Lee,anna@x.edu,red,A\n\
    s2,Bob Ray,bob@x.edu,red,A\n\
    s3,Eve Sun,eve@x.edu,,B\n\
    s4,Zoë Ott,zoe@x.edu,,B\n";

pub const POLICY: &str =
    "zone = \"UTC\"\ndue = \"2026-12-01T00:00\"\n[penalty]\nkind = \"per-day\"\npercent = 10\n";

impl Class {
    /// A desk with this roster and policy.
    pub fn with(roster: &str, policy: &str) -> Result<Self> {
        let class = Self {
            folder: tempfile::tempdir()?,
        };
        class.ok(&["init"])?;
        fs::write(class.desk().join("roster.csv"), roster)?;
        fs::write(class.desk().join("policy.toml"), policy)?;
        Ok(class)
    }

    pub fn new() -> Result<Self> {
        Self::with(ROSTER, POLICY)
    }

    pub fn desk(&self) -> PathBuf {
        self.folder.path().join("desk")
    }

    /// A batch, written to a folder.
    pub fn graded(&self, name: &str, batch: &Batch) -> Result<String> {
        let out = self.folder.path().join(name);
        batch.write(&out)?;
        Ok(out.display().to_string())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_desk"));
        command
            .arg("--desk")
            .arg(self.desk())
            .args(arguments)
            .env_remove("GRADER_DESK");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Result<CommandOutput> {
        Ok(self.command(arguments).output()?.into())
    }

    /// Runs a command that is to succeed, and returns what it prints.
    pub fn ok(&self, arguments: &[&str]) -> Result<String> {
        let ran = self.run(arguments)?;
        if ran.code != Some(0) {
            return Err(format!("{arguments:?} ended with {:?}: {}", ran.code, ran.stderr).into());
        }
        Ok(ran.stdout)
    }

    /// Imports a batch that was handed in at a time.
    pub fn import(&self, name: &str, batch: &Batch, time: &str) -> Result<String> {
        let out = self.graded(name, batch)?;
        self.ok(&["import", &out, "--attempt-time", time])
    }

    pub fn json(&self) -> Result<Value> {
        Ok(serde_json::from_str(
            &self.ok(&["grades", "--format", "json"])?,
        )?)
    }

    /// The grade of a person in an exercise, by its place.
    pub fn grade(&self, student: &str, place: usize) -> Result<Value> {
        let all = self.json()?;
        let students = all["students"].as_array().ok_or("no students")?;
        let student = students
            .iter()
            .find(|it| it["id"] == student)
            .ok_or("no such student")?;
        Ok(student["exercises"][place].clone())
    }
}
