//! Exports to services for code and to PrairieLearn and Dodona: each keeps the published rules of its format, and shows what
//! the policy allows.

mod common;

use common::SubmittedExercise::{DoesNotCompile, Missing, NotGraded, Passing};
use common::{Batch, Class, POLICY, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

const IDS: [&str; 4] = ["s1", "s2", "s3", "s4"];

/// Anna and Bob 20, Eve 5 and nothing; Zoë nothing that compiles and something that is not graded.
fn class(rule: &str) -> Result<Class> {
    let class = Class::with(
        common::ROSTER,
        &format!("students-see = \"{rule}\"\n{POLICY}"),
    )?;
    let batch = Batch::of(&[
        ("red", &[Passing(4, 6), Passing(4, 6)]),
        ("s3", &[Passing(2, 3), Missing]),
        ("s4", &[DoesNotCompile, NotGraded]),
    ]);
    class.import("out", &batch, "2026-11-30T12:00")?;
    Ok(class)
}

/// The text of a person's file; empty if there is none. Returns also what was said on standard error.
fn export(class: &Class, format: &str, ending: &str) -> Result<(Vec<String>, String)> {
    let out = class.folder.path().join(format);
    let ran = class.run(&[
        "export",
        format,
        "--out",
        &out.to_string_lossy(),
        "--at",
        "2026-11-30T12:00",
    ])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let read =
        |id: &&str| fs::read_to_string(out.join(format!("{id}.{ending}"))).unwrap_or_default();
    Ok((IDS.iter().map(read).collect(), ran.stderr))
}

/// Runs a check on the files of all formats under each rule: single tests are shown with `full` alone, on 30 November.
fn under_each_rule(
    format: &str,
    ending: &str,
    check: impl Fn(&str),
) -> Result<(Vec<String>, String)> {
    for rule in ["summary", "until-due"] {
        let (files, _) = export(&class(rule)?, format, ending)?;
        for file in &files {
            check(file);
            assert!(
                !file.contains("test_") && !file.contains("expected <1>"),
                "{rule}: {file}"
            );
        }
    }
    let full = export(&class("full")?, format, ending)?;
    full.0.iter().for_each(|it| check(it));
    assert!(full.0[2].contains("shape::test_2"), "{}", full.0[2]);
    Ok(full)
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

/// The keys of "Implement a custom tool" in docs.gitlab.com/ci/testing/code_quality.
fn check_gitlab(text: &str) {
    let report: Value = serde_json::from_str(text).expect("JSON");
    let mut prints = BTreeSet::new();
    for issue in report.as_array().expect("an array") {
        let needed = [
            "check_name",
            "description",
            "fingerprint",
            "location",
            "severity",
        ];
        assert_eq!(keys(issue), needed.into(), "{issue}");
        let severities = ["info", "minor", "major", "critical", "blocker"];
        assert!(
            severities.iter().any(|it| issue["severity"] == *it),
            "{issue}"
        );
        let path = issue["location"]["path"].as_str().expect("a path");
        assert!(!path.starts_with(['.', '/']), "{path}");
        assert!(
            issue["location"]["lines"]["begin"].as_u64() >= Some(1),
            "{issue}"
        );
        assert!(
            prints.insert(issue["fingerprint"].to_string()),
            "twice: {issue}"
        );
    }
}

#[test]
fn gitlab_gets_an_issue_for_each_failed_test() -> Result {
    let (files, _) = under_each_rule("gitlab", "json", check_gitlab)?;
    let count = |place: usize| -> Result<usize> {
        let report: Value = serde_json::from_str(&files[place])?;
        Ok(report.as_array().map_or(0, Vec::len))
    };
    assert_eq!((count(0)?, count(2)?, count(3)?), (0, 5, 1));
    assert!(
        files[3].contains("\"critical\"") && files[3].contains("01-patchify/does-not-compile"),
        "{}",
        files[3]
    );
    Ok(())
}

/// The requirements of sarif-schema-2.1.0.json on the properties that are written, and that rules are found by id and index.
fn check_sarif(text: &str) {
    let log: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(keys(&log), ["$schema", "version", "runs"].into());
    for run in log["runs"].as_array().expect("runs") {
        assert_eq!(keys(run), ["tool", "results"].into());
        let driver = &run["tool"]["driver"];
        assert!(driver["name"].is_string());
        let rules = driver["rules"].as_array().expect("rules");
        let ids: BTreeSet<_> = rules.iter().map(|it| it["id"].to_string()).collect();
        assert_eq!(ids.len(), rules.len(), "rules have distinct ids");
        for result in run["results"].as_array().expect("results") {
            let index = result["ruleIndex"].as_u64().expect("an index");
            assert_eq!(
                rules[usize::try_from(index).expect("small")]["id"],
                result["ruleId"]
            );
            assert!(result["message"]["text"].is_string() && result["level"] == "error");
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["artifactLocation"]["uri"].is_string(), "{result}");
            assert!(place["region"]["startLine"].as_u64() >= Some(1), "{result}");
        }
    }
}

#[test]
fn sarif_has_a_result_for_each_failed_test() -> Result {
    let (files, _) = under_each_rule("sarif", "sarif", check_sarif)?;
    let eve: Value = serde_json::from_str(&files[2])?;
    let results = eve["runs"][0]["results"].as_array().ok_or("no results")?;
    assert_eq!(results.len(), 5);
    assert_eq!(results[0]["ruleId"], "01-patchify/shape::test_2");
    let file = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(file, "exercises/01-patchify/src/lib.rs");
    Ok(())
}

#[test]
fn github_gets_annotations_and_a_summary() -> Result {
    let class = class("full")?;
    let (commands, _) = export(&class, "github", "txt")?;
    assert_eq!(commands[0], "");
    assert_eq!(commands[2].lines().count(), 5);
    for line in commands[2].lines() {
        let file = "::error file=exercises/01-patchify/src/lib.rs,line=1,title=";
        assert!(line.starts_with(file), "{line}");
    }
    let (pages, _) = export(&class, "github", "md")?;
    assert!(
        pages[0].starts_with("## 20 of 20 points\n\n| exercise |"),
        "{}",
        pages[0]
    );
    assert!(
        pages[2].contains("| 01\\-patchify | 5 | 10 |"),
        "{}",
        pages[2]
    );
    assert!(
        pages[2].contains("\n### shape\\:\\:test\\_2 failed\n\n```text\nexpected <1>"),
        "{}",
        pages[2]
    );
    assert!(
        pages[3].contains("## Not all is graded yet") && pages[3].contains("| not graded | 10 |"),
        "{}",
        pages[3]
    );
    let (hidden, _) = export(&self::class("summary")?, "github", "txt")?;
    assert_eq!(hidden[2], "");
    Ok(())
}

/// The rules of docs/externalGrading.md, and of `externalGraderCommon.ts`, which refuses scores outside 0 to 1.
fn check_prairielearn(text: &str) {
    if text.is_empty() {
        return;
    }
    assert!(text.len() <= 1024 * 1024);
    let results: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(
        keys(&results),
        ["gradable", "score", "message", "tests"].into()
    );
    assert_eq!(results["gradable"], true);
    let score = results["score"].as_f64().expect("a score");
    assert!((0.0..=1.0).contains(&score), "{score}");
    for test in results["tests"].as_array().expect("tests") {
        assert_eq!(
            keys(test),
            ["name", "points", "max_points", "message", "output"].into()
        );
        assert!(test["points"].is_number() && test["max_points"].is_number());
        assert!(test["name"].is_string() && test["output"].is_string());
    }
}

#[test]
fn prairielearn_gets_a_share_of_the_points() -> Result {
    let (files, said) = under_each_rule("prairielearn", "json", check_prairielearn)?;
    let score = |place: usize| -> Result<Value> {
        Ok(serde_json::from_str::<Value>(&files[place])?["score"].clone())
    };
    assert_eq!((score(0)?, score(2)?), (1.0.into(), 0.25.into()));
    assert_eq!(files[3], "");
    assert!(said.contains("s4: not graded"), "{said}");
    // A bonus is above what PrairieLearn takes.
    let class = class("full")?;
    class.ok(&[
        "set",
        "s1",
        "msa",
        "15",
        "--bonus",
        "--reason",
        "more than asked",
    ])?;
    let (files, said) = export(&class, "prairielearn", "json")?;
    check_prairielearn(&files[0]);
    assert!(
        said.contains("s1: 25 points are above the maximum: 20 are written"),
        "{said}"
    );
    Ok(())
}

/// The commands of `partial_output.json`, with the keys that each requires or may have; and that they are nested.
fn check_dodona(text: &str) {
    let mut open: Vec<&str> = vec![];
    for line in text.lines() {
        let command: Value = serde_json::from_str(line).expect("JSON");
        let name = command["command"].as_str().expect("a command").to_owned();
        let expected: &[&str] = match name.as_str() {
            "start-judgement" | "start-context" => &["command"],
            "start-tab" => &["command", "title"],
            "start-testcase" => &["command", "description"],
            "append-message" => &["command", "message"],
            "close-testcase" | "close-context" => &["command", "accepted"],
            "close-tab" => &["command", "badgeCount"],
            "close-judgement" => &["command", "accepted", "status"],
            other => panic!("{other} is not a command"),
        };
        assert_eq!(keys(&command), expected.iter().copied().collect(), "{line}");
        for message in [&command["message"], &command["description"]] {
            assert!(
                message.is_null()
                    || (message["format"].is_string() && message["description"].is_string())
            );
        }
        let levels = ["judgement", "tab", "context", "testcase"];
        if let Some(level) = name.strip_prefix("start-") {
            assert_eq!(levels.get(open.len()), Some(&level), "{line}");
            open.push(levels[open.len()]);
        } else if let Some(level) = name.strip_prefix("close-") {
            assert_eq!(open.pop(), Some(level), "{line}");
        } else {
            assert!(!open.is_empty(), "{line}");
        }
        if name == "close-judgement" {
            let status = ["compilation error", "wrong", "correct"];
            assert!(
                status.iter().any(|it| command["status"]["enum"] == *it),
                "{line}"
            );
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn dodona_gets_a_judgement_in_commands_that_are_nested() -> Result {
    let (files, said) = under_each_rule("dodona", "jsonl", check_dodona)?;
    let last = |place: usize| {
        files[place]
            .lines()
            .next_back()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        last(0).contains("\"correct\"") && last(0).contains("20 of 20 points"),
        "{}",
        last(0)
    );
    assert!(
        last(2).contains("\"wrong\"") && last(2).contains("5 of 20 points"),
        "{}",
        last(2)
    );
    assert_eq!(files[2].matches("start-testcase").count(), 10);
    assert_eq!(files[3], "");
    assert!(said.contains("s4: not graded"), "{said}");
    // What is hidden is accepted by its points.
    let (hidden, _) = export(&class("summary")?, "dodona", "jsonl")?;
    assert!(
        hidden[2].contains("\"badgeCount\":1") && hidden[2].contains("Single tests are not shown."),
        "{}",
        hidden[2]
    );
    Ok(())
}
