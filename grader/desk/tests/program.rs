//! The program: from what `grade --out` wrote to grades, with its errors and exit codes.

mod common;

use common::SubmittedExercise::{DoesNotCompile, Missing, NotGraded, Passing};
use common::{Batch, Class, CommandOutput, POLICY, ROSTER, Result};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const IN_TIME: &str = "2026-11-30T12:00";
/// A day and a bit: two days begun.
const LATE: &str = "2026-12-02T03:00";

fn batch() -> Batch {
    Batch::of(&[
        ("red", &[Passing(4, 6), Passing(4, 3)]),
        ("eve@x.edu", &[Passing(2, 3), Missing]),
        ("mallory", &[Passing(4, 6), Passing(4, 6)]),
    ])
}

#[test]
fn a_group_a_person_and_a_stranger_hand_in() -> Result {
    let class = Class::new()?;
    let out = class.graded("out", &batch())?;
    let ran = class.run(&["import", &out, "--attempt-time", LATE, "--by", "ada"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "3 submissions: 3 attempts and 6 results new\n");
    for words in [
        "nobody's: mallory",
        "1 in the roster without a submission in this folder: s4",
    ] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    // 10 points and 7, two days late: 8 and 5.6; Eve's 5: 4.
    let table = class.ok(&["export", "csv"])?;
    let expected = "id,name,email,group,section,01-patchify,03-msa,total,max_total\n\
        s1,Anna Lee,anna@x.edu,red,A,8,5.6,13.6,20\n\
        s2,Bob Ray,bob@x.edu,red,A,8,5.6,13.6,20\n\
        s3,Eve Sun,eve@x.edu,,B,4,0,4,20\n\
        s4,Zoë Ott,zoe@x.edu,,B,0,0,0,20\n";
    assert_eq!(table, expected);
    let status = class.ok(&["status"])?;
    for words in [
        "attempt 3, mallory, belongs to nobody",
        "1 handed in nothing: s4",
        "03-msa: missing of 1: s3",
    ] {
        assert!(status.contains(words), "{status}");
    }
    let shown = class.ok(&["grades"])?;
    assert!(
        shown.contains("│ s1 ┆ Anna Lee ┆    L 8 ┆ L 5.6 ┆  13.6 │") || shown.contains("L 5.6"),
        "{shown}"
    );
    assert!(shown.contains("– nothing handed in"), "{shown}");
    // The roster is corrected, and the same folder imported again.
    fs::write(
        class.desk().join("roster.csv"),
        format!("{ROSTER}s5,Mallory,,,\n"),
    )?;
    let again = class.run(&["import", &out, "--attempt-time", LATE])?;
    assert_eq!(
        again.stdout,
        "3 submissions: 0 attempts and 0 results new\n"
    );
    assert!(
        again.stderr.contains("1 people more have attempts"),
        "{}",
        again.stderr
    );
    assert_eq!(class.grade("s5", 0)?["final"], 8.0);
    Ok(())
}

#[test]
fn the_same_results_are_imported_once() -> Result {
    let class = Class::new()?;
    class.import("out", &batch(), LATE)?;
    let before = class.ok(&["grades", "--format", "json"])?;
    let again = class.import("out", &batch(), LATE)?;
    assert_eq!(again, "3 submissions: 0 attempts and 0 results new\n");
    assert_eq!(class.ok(&["grades", "--format", "json"])?, before);
    // Nor does an import of nothing leave a trace.
    let store = rusqlite::Connection::open(class.desk().join("gradebook.sqlite"))?;
    let imports: i64 = store.query_row("SELECT count(*) FROM import", [], |row| row.get(0))?;
    assert_eq!(imports, 1);
    Ok(())
}

#[test]
fn a_regrade_flags_the_decision_that_was_made_on_other_points() -> Result {
    let class = Class::new()?;
    let batch = Batch {
        same_sources: true,
        ..batch()
    };
    class.import("out", &batch, IN_TIME)?;
    let said = class.ok(&[
        "set",
        "Eve Sun",
        "patchify",
        "9",
        "--reason",
        "oral exam",
        "--by",
        "ada",
    ])?;
    assert_eq!(
        said,
        "decision 1: s3 Eve Sun: set 9 01-patchify\n  01-patchify: 5 → 9\n  total: 5 of 20 → 9 of 20\n"
    );

    let mut regraded = batch.clone();
    regraded.course = "c1".repeat(32);
    regraded.submissions[1].1[0] = Passing(2, 4);
    let out = class.graded("regraded", &regraded)?;
    let ran = class.run(&["import", &out, "--attempt-time", IN_TIME])?;
    assert_eq!(
        ran.stdout, "3 submissions: 0 attempts and 6 results new\n",
        "{ran:?}"
    );
    assert!(
        ran.stderr
            .contains("6 of the results are of attempts that were known"),
        "{}",
        ran.stderr
    );

    let grade = class.grade("s3", 0)?;
    assert_eq!(
        (grade["raw"].as_f64(), grade["final"].as_f64()),
        (Some(6.0), Some(9.0))
    );
    let status = class.ok(&["status"])?;
    assert!(
        status.contains("decision 1 was made on 5, now 6"),
        "{status}"
    );
    let explained = class.ok(&["explain", "s3", "patchify"])?;
    assert!(
        explained.contains("1 earlier results of this attempt do not count any more"),
        "{explained}"
    );
    // The older results again: they are known, and the newer ones count.
    let older = class.run(&[
        "import",
        &class.folder.path().join("out").to_string_lossy(),
        "--attempt-time",
        IN_TIME,
    ])?;
    assert!(
        older.stderr.contains("6 of these do not count: newer ones"),
        "{}",
        older.stderr
    );
    assert_eq!(class.grade("s3", 0)?["raw"], 6.0);
    // Withdrawn, the points that were earned count.
    class.ok(&["withdraw", "1", "--reason", "a mistake"])?;
    assert_eq!(class.grade("s3", 0)?["final"], 6.0);
    let twice = class.run(&["withdraw", "1", "--reason", "again"])?;
    assert_eq!(twice.code, Some(2));
    assert!(
        twice.stderr.contains("decision 1 is withdrawn already"),
        "{}",
        twice.stderr
    );
    Ok(())
}

#[test]
fn what_was_graded_is_not_replaced_by_what_is_not_and_exercises_add_up() -> Result {
    let class = Class::new()?;
    let submission = |handed: &[common::SubmittedExercise]| {
        let mut batch = Batch::of(&[("s3", handed)]);
        batch.exercises.truncate(handed.len());
        batch.same_sources = true;
        batch
    };
    class.import("one", &submission(&[Passing(4, 6)]), IN_TIME)?;
    let both = submission(&[NotGraded, Passing(1, 1)]);
    let added = class.import("two", &both, IN_TIME)?;
    assert_eq!(added, "1 submission: 0 attempts and 2 results new\n");
    let points = || -> Result<_> {
        let points = |place| -> Result<_> { Ok(class.grade("s3", place)?["final"].as_f64()) };
        Ok((points(0)?, points(1)?))
    };
    assert_eq!(points()?, (Some(10.0), Some(2.0)));
    class.import("three", &submission(&[Passing(3, 6), NotGraded]), IN_TIME)?;
    assert_eq!(points()?, (Some(9.0), Some(2.0)));
    Ok(())
}

#[test]
fn what_is_not_graded_has_no_grade_until_it_is() -> Result {
    let class = Class::new()?;
    let ungraded = Batch::of(&[("s3", &[NotGraded, DoesNotCompile])]);
    let out = class.graded("out", &ungraded)?;
    let ran = class.run(&["import", &out, "--attempt-time", IN_TIME])?;
    let said = "1 results are not graded, through no fault of the submission";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!(class.grade("s3", 0)?["state"], "not-graded");
    assert_eq!(class.grade("s3", 1)?["final"], 0.0);
    let total = &class.json()?["students"][2]["total"];
    assert!(total.is_null(), "{total}");
    let status = class.ok(&["status"])?;
    let said = "attempt 1 is not graded, through no fault of the submission";
    assert!(status.contains(said), "{status}");
    Ok(())
}

#[test]
fn a_submission_that_was_refused_needs_a_person_until_another_follows() -> Result {
    let class = Class::new()?;
    class.import(
        "out",
        &Batch::of(&[("s3", &[Passing(4, 6), Missing])]),
        IN_TIME,
    )?;
    let mut refused = Batch::of(&[("s3", &[Missing, Missing])]);
    refused.refused = vec!["s3".to_owned()];
    let out = class.graded("refused", &refused)?;
    let ran = class.run(&["import", &out, "--attempt-time", LATE])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let said = "refused: s3: the archive is broken";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let said = "attempt 2 was refused: the archive is broken";
    assert!(class.ok(&["status"])?.contains(said));
    assert_eq!(
        class.grade("s3", 0)?["final"],
        10.0,
        "the attempt before it"
    );
    let another = Batch::of(&[("s3", &[Passing(4, 6), Passing(4, 6)])]);
    class.import("another", &another, "2026-12-02T04:00")?;
    assert!(class.ok(&["status"])?.contains("nothing needs you"));
    Ok(())
}

#[test]
fn each_step_of_a_grade_is_explained_with_its_numbers() -> Result {
    let class = Class::with(
        ROSTER,
        &format!("late-days = 1\ngrace = \"10min\"\n{POLICY}"),
    )?;
    class.import("out", &batch(), LATE)?;
    class.ok(&[
        "extend", "s1", "2h", "03-msa", "--reason", "ill", "--by", "ada",
    ])?;
    class.ok(&[
        "add", "s1", "03-msa", "-0.5", "--reason", "style", "--by", "bo",
    ])?;
    let text = class.ok(&["explain", "anna@x.edu", "msa"])?;
    // Due 2 h later, 25 h late, two days begun; the late day is used by 01-patchify, which is due at the same time and first.
    for words in [
        "s1 Anna Lee <anna@x.edu>, group red, section A",
        "03-msa: 5.1 of 10",
        "attempt 1   red, handed in 2026-12-02 03:00:00 UTC",
        "shape       4 of 4 tests: 4 × 4/4 = 4",
        "snapshot    3 of 6 tests: 6 × 3/6 = 3",
        "failed      snapshot::test_3, snapshot::test_4, snapshot::test_5",
        "raw         7 of 10",
        "due         2026-12-01 02:00:00 UTC, extended from 2026-12-01 00:00:00 UTC",
        "late        1d 1h: 2 days begun",
        "penalty     20 % of 7 = 1.4 (10 % a day, at most 100 %)",
        "adjusted    7 − 1.4 = 5.6",
        "decision 1  extend 2h: ill, by ada",
        "decision 2  add -0.5 (made on 7): style, by bo",
        "final       5.6 − 0.5 = 5.1",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let all = class.ok(&["explain", "s1"])?;
    for words in [
        "late days   1 used: due 2026-12-02 00:00:00 UTC",
        "sum         14.1 of 20",
        "1 used of 1",
    ] {
        assert!(all.contains(words), "{words}\n{all}");
    }
    let log = class.ok(&["log", "s1", "--format", "csv"])?;
    assert!(log.contains(",s1,03-msa,add,-0.5,7,style,false"), "{log}");
    Ok(())
}

#[test]
fn times_come_from_a_table_and_each_submission_needs_one() -> Result {
    let class = Class::new()?;
    let out = class.graded("out", &batch())?;
    let times = class.folder.path().join("times.csv");
    let path = times.display().to_string();
    fs::write(
        &times,
        format!("submission,time,student\nred.zip,{IN_TIME},\neve@x.edu,{LATE},\n"),
    )?;
    let ran = class.run(&["import", &out, "--times", &path])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("no line for mallory"), "{}", ran.stderr);
    assert!(
        class.json()?["exercises"]
            .as_array()
            .is_some_and(Vec::is_empty),
        "something was imported"
    );
    fs::write(
        &times,
        format!(
            "submission,time,student\nred,{IN_TIME},\neve@x.edu,{LATE},\nmallory,{LATE},zoe@x.edu\nnone,{LATE},\n"
        ),
    )?;
    let ran = class.run(&["import", &out, "--times", &path])?;
    assert!(
        ran.stderr
            .contains("1 in the table of times without a result: none"),
        "{}",
        ran.stderr
    );
    let points = |student| -> Result<_> { Ok(class.grade(student, 0)?["final"].as_f64()) };
    assert_eq!(
        (points("s1")?, points("s3")?, points("s4")?),
        (Some(10.0), Some(4.0), Some(8.0))
    );
    let neither = class.run(&["import", &out])?;
    assert_eq!(neither.code, Some(2));
    assert!(neither.stderr.contains("--no-times"), "{}", neither.stderr);
    Ok(())
}

#[test]
fn people_and_times_of_a_download_come_from_the_platform() -> Result {
    let class = Class::new()?;
    let metadata = class.folder.path().join("submission_metadata.yml");
    let path = metadata.display().to_string();
    let submitted = Batch::of(&[
        ("submission_41", &[Passing(4, 6), Missing]),
        ("submission_42", &[Passing(2, 2), Missing]),
    ]);
    let out = class.graded("gradescope", &submitted)?;
    fs::write(
        &metadata,
        "submission_41:\n  :submitters:\n  - :name: Anna\n    :sid: s1\n    :email: \n  - :name: Eve\n    \
         :email: eve@x.edu\n  :created_at: 2026-11-30 10:00:00.000000000 Z\nsubmission_42:\n  :submitters:\n  \
         - :name: Mallory\n    :sid: m9\n  :created_at: 2026-11-30 11:00:00.000000000 Z\n",
    )?;
    let ran = class.run(&["import", &out, "--gradescope", &path])?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let reason = "nobody and no group in the roster is called m9 or Mallory";
    assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    let points = |student| -> Result<_> { Ok(class.grade(student, 0)?["raw"].as_f64()) };
    assert_eq!((points("s1")?, points("s3")?), (Some(10.0), Some(10.0)));
    assert!(
        class
            .ok(&["explain", "s3"])?
            .contains("2026-11-30 10:00:00")
    );

    fs::write(&metadata, "submission_41:\n  :submitters: []\n")?;
    let ran = class.run(&["import", &out, "--gradescope", &path])?;
    assert_eq!(ran.code, Some(2));
    let fault = "0: submission_41\n  1: it has no :created_at:";
    assert!(ran.stderr.contains(fault), "{}", ran.stderr);
    Ok(())
}

#[test]
fn whoever_takes_anothers_name_on_the_platform_gets_nothing_of_theirs() -> Result {
    let class = Class::with(
        "id,name\ns1,Anna Lee\ns2,Bob Ray\ns3,Eve Sun\n",
        common::POLICY,
    )?;
    let submitted = Batch::of(&[
        ("Anna Lee_100", &[Passing(4, 6), Missing]),
        ("Anna Lee_200", &[Passing(0, 0), Missing]),
        ("Bob Ray_300", &[Passing(4, 6), Missing]),
    ]);
    let out = class.graded("moodle", &submitted)?;
    let ran = class.run(&["import", &out, "--attempt-time", "2026-11-30T10:00"])?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for name in ["Anna Lee_100: 2 people", "Anna Lee_200: 2 people"] {
        assert!(ran.stderr.contains(name), "{}", ran.stderr);
    }
    let points = |student| -> Result<_> { Ok(class.grade(student, 0)?["raw"].as_f64()) };
    assert_eq!((points("s1")?, points("s2")?), (None, Some(10.0)));

    let times = class.folder.path().join("times.csv");
    fs::write(
        &times,
        "submission,time,student\nAnna Lee_100,2026-11-30T10:00,s1\nAnna Lee_200,2026-11-30T11:00,s3\n\
         Bob Ray_300,2026-11-30T10:00,\n",
    )?;
    class.ok(&["import", &out, "--times", &times.display().to_string()])?;
    assert_eq!((points("s1")?, points("s3")?), (Some(10.0), Some(0.0)));
    Ok(())
}

#[test]
fn a_desk_in_a_checkout_is_refused_with_the_reason() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let inside = root.join("target/a-desk");
    let ran = CommandOutput::from(
        Command::new(env!("CARGO_BIN_EXE_desk"))
            .arg("init")
            .arg("--desk")
            .arg(&inside)
            .output()?,
    );
    assert_eq!(ran.code, Some(2));
    for words in [
        "cannot lie in a checkout",
        "git would commit the roster",
        "hint: name a folder outside",
    ] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    assert!(!inside.exists());
    Ok(())
}

#[test]
fn a_desk_is_made_once_and_one_that_was_not_finished_is_completed() -> Result {
    let class = Class::new()?;
    let again = class.run(&["init"])?;
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("is a desk already"),
        "{}",
        again.stderr
    );
    // Killed before the tables were made.
    fs::remove_file(class.desk().join("gradebook.sqlite"))?;
    fs::write(class.desk().join("gradebook.sqlite"), "")?;
    let half = class.run(&["grades"])?;
    assert!(
        half.stderr.contains("`desk init` was not finished"),
        "{}",
        half.stderr
    );
    class.ok(&["init"])?;
    assert_eq!(
        fs::read_to_string(class.desk().join("roster.csv"))?,
        ROSTER,
        "what was there is overwritten"
    );
    class.ok(&["grades"])?;
    Ok(())
}

#[test]
fn faults_are_named_with_what_to_do() -> Result {
    let class = Class::new()?;
    let fault = |arguments: &[&str], code: i32, words: &str| -> Result {
        let ran = class.run(arguments)?;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{arguments:?}: {}", ran.stdout);
        Ok(())
    };
    let because = ["--reason", "x"];
    let with = |arguments: &[&'static str]| [arguments, &because].concat();
    fault(
        &with(&["set", "s1", "msa", "5"]),
        2,
        "nothing is imported yet",
    )?;
    class.import("out", &batch(), IN_TIME)?;
    fault(
        &with(&["set", "s9", "msa", "5"]),
        2,
        "nobody in the roster is called s9",
    )?;
    fault(
        &with(&["set", "Ana Lee", "msa", "5"]),
        2,
        "hint: did you mean Anna Lee?",
    )?;
    fault(
        &with(&["set", "s1", "mas", "5"]),
        2,
        "hint: did you mean 03-msa?",
    )?;
    fault(
        &with(&["set", "s1", "msa", "10.5"]),
        2,
        "hint: --bonus allows it",
    )?;
    fault(&with(&["set", "s1", "msa", "-1"]), 2, "below 0")?;
    fault(
        &with(&["set", "s1", "msa", "NaN"]),
        2,
        "not a number of points",
    )?;
    fault(&["set", "s1", "msa", "5"], 2, "--reason")?;
    fault(
        &["set", "s1", "msa", "5", "--reason", " "],
        2,
        "the reason is empty",
    )?;
    fault(&with(&["extend", "s1", "soon"]), 2, "not an interval")?;
    fault(&with(&["withdraw", "7"]), 2, "there is no decision 7")?;
    fault(
        &["import", "/nowhere", "--no-times"],
        2,
        "it is not a folder",
    )?;
    fault(
        &["import", "/dev", "--no-times"],
        2,
        "cannot read /dev/results.json",
    )?;
    fault(&["grades", "--section", "C"], 2, "hint: there are A, B")?;
    fault(&["nonsense"], 2, "unrecognized subcommand")?;

    fs::write(
        class.desk().join("policy.toml"),
        "zone = \"UTC\"\ndeu = 1\n",
    )?;
    fault(&["grades"], 2, "unknown field `deu`")?;
    fs::write(class.desk().join("policy.toml"), POLICY)?;
    fs::write(class.desk().join("roster.csv"), "id,name\ns1,A\ns1,B\n")?;
    fault(&["grades"], 2, "the id s1 stands twice")?;

    let none = Command::new(env!("CARGO_BIN_EXE_desk"))
        .args(["--desk", "/nowhere", "grades"])
        .output()?;
    assert_eq!(none.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&none.stderr).contains("desk init"));
    Ok(())
}

#[test]
fn an_edited_result_is_noticed() -> Result {
    let class = Class::new()?;
    let out = class.graded("out", &batch())?;
    let edit = |file: &str, from: &str, to: &str| -> Result {
        let path = Path::new(&out).join(file);
        let text = fs::read_to_string(&path)?;
        assert!(text.contains(from), "{file} holds no {from}");
        Ok(fs::write(&path, text.replace(from, to))?)
    };
    let fault = || -> Result<String> {
        let ran = class.run(&["import", &out, "--no-times"])?;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        Ok(ran.stderr)
    };
    edit(
        "submissions/eve@x.edu.json",
        "\"points\": 3.0",
        "\"points\": 5.0",
    )?;
    assert!(fault()?.contains("results.json and submissions/eve@x.edu.json differ"));
    // In both files: the points do not follow from the tests.
    edit("results.json", "\"points\": 3.0", "\"points\": 5.0")?;
    edit("submissions/red.json", "\"points\": 3.0", "\"points\": 5.0")?;
    let said = fault()?;
    assert!(
        said.contains("tests of kind snapshot do not earn 5"),
        "{said}"
    );
    edit("results.json", "\"schema\": 3", "\"schema\": 4")?;
    assert!(fault()?.contains("it has version 4 of results"));
    fs::remove_file(Path::new(&out).join("results.json"))?;
    assert!(fault()?.contains("the batch is not through"));
    Ok(())
}

#[test]
fn a_grader_that_is_writing_is_waited_for_by_hand() -> Result {
    let class = Class::new()?;
    let out = class.graded("out", &batch())?;
    let lock = fs::File::open(Path::new(&out).join(".lock"))?;
    lock.lock()?;
    let ran = class.run(&["import", &out, "--no-times"])?;
    assert!(
        ran.stderr.contains("a grader is writing to it"),
        "{}",
        ran.stderr
    );
    drop(lock);
    class.ok(&["import", &out, "--no-times"])?;
    Ok(())
}

#[test]
fn check_finds_rows_that_were_changed_or_deleted() -> Result {
    let class = Class::new()?;
    class.import("out", &batch(), IN_TIME)?;
    class.ok(&["note", "s1", "a note"])?;
    class.ok(&["note", "s1", "another"])?;
    let good = class.ok(&["check"])?;
    assert_eq!(good.matches('✓').count(), 4, "{good}");
    let path = class.desk().join("gradebook.sqlite");
    let store = rusqlite::Connection::open(&path)?;
    for change in [
        "UPDATE content SET points = 10",
        "DELETE FROM decision",
        "UPDATE result SET course = ''",
    ] {
        let error = store.execute(change, []).expect_err(change).to_string();
        assert!(error.contains("are only added"), "{error}");
    }
    store.execute_batch(
        "DROP TRIGGER content_keeps_on_UPDATE; UPDATE content SET points = 9 WHERE id = 1; \
         DROP TRIGGER detail_keeps_on_UPDATE; \
         UPDATE detail SET detail = replace(detail, '0', '1') WHERE content = 2; \
         DROP TRIGGER detail_keeps_on_DELETE; DELETE FROM detail WHERE content = 3; \
         DROP TRIGGER decision_keeps_on_DELETE; DELETE FROM decision WHERE id = 1;",
    )?;
    let bad = class.run(&["check"])?;
    assert_eq!(bad.code, Some(1));
    for words in [
        "result 1 of 01-patchify: its points are not",
        "result 2 of 03-msa: it is not what was imported",
        "1 rows of decision are gone",
        "1 rows of detail are gone",
    ] {
        assert!(bad.stdout.contains(words), "{}", bad.stdout);
    }
    drop(store);
    let bytes = fs::read(&path)?;
    fs::write(
        &path,
        [&bytes[..4096], &vec![7; bytes.len() - 4096]].concat(),
    )?;
    let broken = class.run(&["grades"])?;
    assert_eq!(broken.code, Some(4), "{broken:?}");
    assert!(
        broken.stderr.contains("hint: the file is damaged"),
        "{}",
        broken.stderr
    );
    fs::write(&path, "grades of long ago")?;
    let other = class.run(&["grades"])?;
    assert!(
        other.stderr.contains("file is not a database"),
        "{}",
        other.stderr
    );
    Ok(())
}

#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_none() -> Result {
    let class = Class::new()?;
    class.import("out", &batch(), IN_TIME)?;
    let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
    let output = class.command(&["grades"]).stdout(full).output()?;
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output cannot be written"));
    let mut child = class
        .command(&["export", "csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(child.stdout.take());
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[test]
fn what_a_submission_wrote_reaches_no_terminal_unescaped() -> Result {
    let class = Class::with("id,name\ns3,\"Eve \u{1b}[2J\"\n", POLICY)?;
    class.import(
        "out",
        &Batch::of(&[("s3", &[DoesNotCompile, Passing(0, 0)])]),
        IN_TIME,
    )?;
    for command in [&["grades"][..], &["explain", "s3"], &["status"]] {
        let text = class.ok(command)?;
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    }
    Ok(())
}

#[test]
fn help_tells_what_a_desk_is() -> Result {
    let output = Command::new(env!("CARGO_BIN_EXE_desk"))
        .arg("--help")
        .output()?;
    let help = String::from_utf8(output.stdout)?;
    for words in [
        "cargo grader desk",
        "roster.csv",
        "Exit codes",
        "import",
        "late-days",
    ] {
        assert!(help.contains(words), "{help}");
    }
    Ok(())
}
