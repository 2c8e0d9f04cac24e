//! Killed at any moment, nothing is lost and nothing is there twice; two programs at once wait for each other.

mod common;

use common::SubmittedExercise::{Missing, Passing};
use common::{Batch, Class, CommandOutput, Result};
use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const ROUNDS: u64 = 50;
const TIME: &str = "2026-11-30T12:00";

/// A class whose import takes long enough to be killed in it.
fn large() -> (String, Batch) {
    let ids: Vec<_> = (0..60).map(|it| format!("p{it:02}")).collect();
    let mut roster = "id,name\n".to_owned();
    for id in &ids {
        roster += &format!("{id},Person {id}\n");
    }
    let mut batch = Batch::of(&[]);
    batch.exercises = vec!["01-patchify", "02-positions", "03-msa", "04-blocks"];
    batch.submissions = ids
        .iter()
        .zip(0_usize..)
        .map(|(id, it)| {
            let handed = vec![
                Passing(it % 5, it % 7),
                Missing,
                Passing(it % 3, it % 6),
                Passing(4, it % 4),
            ];
            (id.clone(), handed)
        })
        .collect();
    (roster, batch)
}

/// The next of numbers that look random, the same in each run.
fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn start(class: &Class, arguments: &[&str]) -> Result<Child> {
    let mut command = class.command(arguments);
    Ok(command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?)
}

/// Kills with SIGKILL, if the program still runs, and returns what it printed.
fn kill(mut child: Child) -> Result<(bool, String)> {
    // On Unix, `kill` sends SIGKILL.
    child.kill()?;
    let output = child.wait_with_output()?;
    Ok((
        output.status.code().is_none(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    ))
}

fn count(class: &Class, table: &str) -> Result<i64> {
    let store = rusqlite::Connection::open(class.desk().join("gradebook.sqlite"))?;
    Ok(
        store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })?,
    )
}

#[test]
fn an_import_that_is_killed_has_recorded_all_or_nothing() -> Result {
    let (roster, batch) = large();
    let undisturbed = Class::with(&roster, common::POLICY)?;
    let begin = Instant::now();
    undisturbed.import("out", &batch, TIME)?;
    let longest = begin.elapsed().as_micros() as u64;
    let expected = undisturbed.ok(&["grades", "--format", "json"])?;

    let mut state = 15;
    let (mut killed, mut nothing) = (0, 0);
    let class = Class::with(&roster, common::POLICY)?;
    let out = class.graded("out", &batch)?;
    for round in 0..ROUNDS {
        // Each round another time, so that there is something to import.
        let time = format!("2026-11-30T12:{round:02}");
        let attempts = count(&class, "attempt")?;
        let child = start(&class, &["import", &out, "--attempt-time", &time])?;
        sleep(Duration::from_micros(random(&mut state) % longest));
        let (was_killed, _) = kill(child)?;
        killed += usize::from(was_killed);
        let now = count(&class, "attempt")?;
        assert!(
            now == attempts || now == attempts + 60,
            "round {round}: {attempts}, then {now}"
        );
        nothing += usize::from(now == attempts);
        assert_eq!(count(&class, "result")?, now * 4, "round {round}");
        class.ok(&["check"])?;
        class.ok(&["import", &out, "--attempt-time", &time])?;
        assert_eq!(count(&class, "attempt")?, attempts + 60, "round {round}");
    }
    assert!(
        killed > 5 && nothing > 5,
        "of {ROUNDS} imports {killed} were killed, {nothing} before they were through"
    );
    // The same as one that nobody disturbed, but for the attempts: those of other times.
    let last = class.ok(&["export", "csv"])?;
    assert_eq!(last, undisturbed.ok(&["export", "csv"])?);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&expected)?["exercises"],
        class.json()?["exercises"]
    );
    Ok(())
}

#[test]
fn decisions_that_were_confirmed_are_there_and_none_is_there_twice() -> Result {
    let (roster, batch) = large();
    let class = Class::with(&roster, common::POLICY)?;
    class.import("out", &batch, TIME)?;
    let begin = Instant::now();
    class.ok(&["note", "p00", "how long this takes"])?;
    let longest = begin.elapsed().as_micros() as u64 * 3 / 2;

    let mut state = 4;
    let mut killed = 0;
    let mut confirmed = vec![];
    for round in 0..ROUNDS {
        let reason = format!("round {round}");
        let points = (round % 10).to_string();
        let child = start(
            &class,
            &[
                "set", "p01", "msa", &points, "--reason", &reason, "--by", "ada",
            ],
        )?;
        sleep(Duration::from_micros(random(&mut state) % longest));
        let (was_killed, said) = kill(child)?;
        killed += usize::from(was_killed);
        if said.starts_with("decision ") {
            confirmed.push(reason);
        }
        class.ok(&["check"])?;
    }
    assert!(killed > 5, "only {killed} were killed");
    let log: Vec<serde_json::Value> =
        serde_json::from_str(&class.ok(&["log", "p01", "--format", "json"])?)?;
    let reasons: Vec<_> = log.iter().filter_map(|it| it["reason"].as_str()).collect();
    let distinct: BTreeSet<_> = reasons.iter().collect();
    assert_eq!(distinct.len(), reasons.len(), "{reasons:?}");
    for reason in &confirmed {
        assert!(
            reasons.contains(&reason.as_str()),
            "{reason} was confirmed and is lost"
        );
    }
    Ok(())
}

#[test]
fn init_that_is_killed_can_be_repeated() -> Result {
    let mut state = 1;
    for _ in 0..10 {
        let class = Class {
            folder: tempfile::tempdir()?,
        };
        let child = start(&class, &["init"])?;
        sleep(Duration::from_micros(random(&mut state) % 20_000));
        kill(child)?;
        let again = class.run(&["init"])?;
        let is_made = again.code == Some(0) || again.stderr.contains("is a desk already");
        assert!(is_made, "{}", again.stderr);
        class.ok(&["check"])?;
    }
    Ok(())
}

#[test]
fn whoever_finds_the_gradebook_in_use_waits_and_says_so() -> Result {
    let class = Class::new()?;
    class.import(
        "out",
        &Batch::of(&[("s3", &[Passing(4, 6), Missing])]),
        TIME,
    )?;
    let store = rusqlite::Connection::open(class.desk().join("gradebook.sqlite"))?;
    store.execute_batch("BEGIN IMMEDIATE")?;
    let ran = class.run(&["--wait", "1", "note", "s3", "a note"])?;
    assert_eq!(ran.code, Some(4), "{ran:?}");
    for words in [
        "another program is writing to the gradebook",
        "1 s after",
        "--wait SECONDS",
    ] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    // A command that only reads does not wait.
    class.ok(&["--wait", "0", "grades"])?;
    let waiting = start(&class, &["--wait", "60", "note", "s3", "a note"])?;
    sleep(Duration::from_millis(300));
    store.execute_batch("COMMIT")?;
    let ran = CommandOutput::from(waiting.wait_with_output()?);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    Ok(())
}

#[test]
fn several_programs_at_once_lose_nothing() -> Result {
    let class = Class::new()?;
    let batch = Batch::of(&[("s3", &[Passing(4, 6), Missing])]);
    let out = class.graded("out", &batch)?;
    let mut children = vec![];
    for it in 0..4 {
        children.push(start(
            &class,
            &["--wait", "60", "note", "s4", &format!("note {it}")],
        )?);
        children.push(start(
            &class,
            &["--wait", "60", "import", &out, "--attempt-time", TIME],
        )?);
    }
    for child in children {
        let ran = CommandOutput::from(child.wait_with_output()?);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    assert_eq!(
        (count(&class, "decision")?, count(&class, "attempt")?),
        (4, 1)
    );
    assert!(fs::read_dir(class.desk())?.count() >= 3);
    class.ok(&["check"])?;
    Ok(())
}
