//! Feedback for students: pages show what the policy allows, and nothing acts that a stranger wrote; archives have the names
//! that platforms take back.

mod common;

use common::SubmittedExercise::{DoesNotCompile, Missing, NotGraded, Passing};
use common::{Batch, Class, POLICY, Result};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

const AT: &str = "2026-12-05T12:00";

/// Changes each exercise of a written batch, in `results.json` and in the file of each submission.
fn change(out: &Path, change: impl Fn(&mut Value)) -> Result {
    let mut files = vec![out.join("results.json")];
    for entry in fs::read_dir(out.join("submissions"))? {
        files.push(entry?.path());
    }
    for path in files {
        let mut value: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let submissions: Vec<&mut Value> = match value.get("submissions").is_some() {
            true => value["submissions"]
                .as_array_mut()
                .into_iter()
                .flatten()
                .collect(),
            false => vec![&mut value["graded"]],
        };
        for submission in submissions {
            for exercise in submission["exercises"].as_array_mut().into_iter().flatten() {
                change(exercise);
            }
        }
        fs::write(&path, serde_json::to_vec(&value)?)?;
    }
    Ok(())
}

/// Eve hands in twice, late the second time; the first of her failed tests is explained by a misconception.
fn class(policy: &str) -> Result<Class> {
    let class = Class::with(common::ROSTER, policy)?;
    let first = Batch::of(&[
        ("red", &[Passing(4, 6), Passing(4, 6)]),
        ("s3", &[Passing(1, 0), Missing]),
        ("s4", &[DoesNotCompile, NotGraded]),
    ]);
    class.import("first", &first, "2026-11-30T12:00")?;
    let second = Batch::of(&[("s3", &[Passing(2, 6), Missing])]);
    let out = class.graded("second", &second)?;
    change(Path::new(&out), |exercise| {
        if exercise["outcome"] == "tested" {
            exercise["misconceptions"] = json!([{
                "id": "no-scale", "title": "Scores are not <scaled>", "operations": ["attention"],
                "says": "The scores are too large.",
            }]);
        }
    })?;
    class.ok(&["import", &out, "--attempt-time", "2026-12-02T03:00"])?;
    Ok(class)
}

fn page(class: &Class, id: &str, more: &[&str]) -> Result<String> {
    let out = class.folder.path().join("feedback");
    let folder = out.to_string_lossy();
    let mut arguments = vec!["export", "feedback", "--out", &folder, "--at", AT];
    arguments.extend(more);
    class.ok(&arguments)?;
    Ok(fs::read_to_string(out.join(format!("{id}.html")))?)
}

fn holds(page: &str, words: &[&str]) {
    for words in words {
        assert!(page.contains(words), "no {words}\n{page}");
    }
}

fn lacks(page: &str, words: &[&str]) {
    for words in words {
        assert!(!page.contains(words), "{words}\n{page}");
    }
}

#[test]
fn a_page_shows_points_steps_tests_mistakes_and_attempts() -> Result {
    let class = class(POLICY)?;
    class.ok(&[
        "add",
        "s3",
        "patchify",
        "0.25",
        "--reason",
        "right on paper",
    ])?;
    class.ok(&["note", "s3", "a secret of the instructors"])?;
    let eve = page(&class, "s3", &[])?;
    holds(
        &eve,
        &[
            "<title>Feedback for Eve Sun</title>",
            // 8 points, two days late: 20 % less, and a quarter more.
            "01-patchify: 6.65 of 10 points",
            "<th scope=\"row\">points earned</th><td>8</td>",
            "20 % of the points earned: 1.6",
            "<td>+0.25 points</td>",
            "<td class=\"number\">2 of 4</td>",
            "What happened: Scores are not &lt;scaled&gt;",
            "In attention.",
            "The scores are too large.",
            "<code>shape::test_2</code> failed",
            "expected &lt;1&gt; &amp; &quot;2&quot;, actual \\u{7} 2",
            "8 of the tests that are shown passed",
            "<td>1 of 10 points</td><td>no</td>",
            "<td>8 of 10 points</td><td>yes</td>",
            "The latest attempt counts.",
            "03-msa: 0 of 10 points",
            "Nothing was handed in.",
        ],
    );
    lacks(
        &eve,
        &["right on paper", "a secret", "All 10 tests passed", "5e5e"],
    );
    holds(&page(&class, "s3", &["--reasons"])?, &["right on paper"]);
    let anna = page(&class, "s1", &[])?;
    holds(&anna, &["All 10 tests passed.", "20 of 20"]);
    lacks(&anna, &["Eve", "failed"]);
    let zoe = page(&class, "s4", &[])?;
    holds(
        &zoe,
        &[
            "It does not compile, so no test ran:",
            "error: expected `;`",
            "03-msa: not graded yet",
            "none yet: not all is graded",
        ],
    );
    Ok(())
}

#[test]
fn what_the_policy_hides_is_not_on_the_page() -> Result {
    let all_passed = "tests passed";
    let seen = |rule: &str| format!("students-see = \"{rule}\"\n{POLICY}");
    let summary = class(&seen("summary"))?;
    for id in ["s1", "s3"] {
        let page = page(&summary, id, &[])?;
        holds(&page, &["Single tests are not shown.", "01-patchify"]);
        lacks(
            &page,
            &[all_passed, "test_", "Scores are not", "snapshot", "failed"],
        );
    }
    // Due on 1 December; an extension moves the date for Eve.
    let until_due = class(&seen("until-due"))?;
    let at = |class: &Class, at: &str| -> Result<String> {
        let out = class.folder.path().join("at");
        class.ok(&[
            "export",
            "feedback",
            "--out",
            &out.to_string_lossy(),
            "--at",
            at,
        ])?;
        Ok(fs::read_to_string(out.join("s3.html"))?)
    };
    let before = at(&until_due, "2026-12-01T00:00")?;
    holds(&before, &["Single tests are shown after the due date."]);
    lacks(&before, &["test_", all_passed, "Scores are not"]);
    holds(&at(&until_due, "2026-12-01T00:01")?, &["shape::test_2"]);
    until_due.ok(&["extend", "s3", "3d", "--reason", "ill"])?;
    lacks(&at(&until_due, "2026-12-01T00:01")?, &["test_"]);
    holds(&at(&until_due, "2026-12-04T00:01")?, &["shape::test_2"]);

    // Her failed tests are of kind shape: with these hidden, no mistake that explains them is named.
    let of_kind = class(&format!(
        "{POLICY}[kinds.shape]\nstudents-see = \"summary\"\n"
    ))?;
    for id in ["s1", "s3"] {
        let page = page(&of_kind, id, &[])?;
        holds(
            &page,
            &[
                "snapshot::test_0",
                "Single tests are not shown: shape.",
                "not shown</td>",
            ],
        );
        lacks(
            &page,
            &["shape::test", "Scores are not", all_passed, "All "],
        );
    }
    // Gradescope keeps to the same rule.
    let out = of_kind.folder.path().join("gradescope");
    of_kind.ok(&["export", "gradescope", "--out", &out.to_string_lossy()])?;
    let results = fs::read_to_string(out.join("s3.json"))?;
    assert!(results.contains("snapshot::test_0") && !results.contains("shape::test"));
    Ok(())
}

#[test]
fn nothing_acts_that_a_stranger_wrote() -> Result {
    let hostile = "</title><script>alert(1)</script>\u{202e}";
    let roster = format!("id,name,email,group,section\ns3,{hostile},,{hostile},{hostile}\n");
    let class = Class::with(&roster, POLICY)?;
    let out = class.graded(
        "out",
        &Batch::of(&[("s3", &[Passing(2, 3), DoesNotCompile])]),
    )?;
    change(Path::new(&out), |exercise| {
        let text = format!("\"'>{hostile}\n::error::x");
        if exercise["outcome"] != "tested" {
            exercise["message"] = json!(text);
            return;
        }
        for test in exercise["tests"].as_array_mut().into_iter().flatten() {
            test["test"] = json!(format!("{}{text}", test["test"]));
            if test["passed"] == false {
                test["message"] = json!(text);
            }
        }
        exercise["misconceptions"] =
            json!([{ "id": text, "title": text, "operations": [text], "says": text }]);
    })?;
    class.ok(&["import", &out, "--attempt-time", AT])?;
    class.ok(&["add", "s3", "patchify", "1", "--reason", hostile])?;
    let page = page(&class, "s3", &["--reasons"])?;
    assert_eq!(
        page.matches("alert(1)").count(),
        page.matches("&lt;script&gt;alert(1)").count()
    );
    assert!(page.matches("alert(1)").count() > 12, "{page}");
    lacks(
        &page,
        &[
            "<script",
            "\u{202e}",
            "\n::error",
            "://",
            "src=",
            "url(",
            "@import",
        ],
    );
    // A page's own frame: one title and first heading, a header of each table and column, a caption.
    for (tag, count) in [
        ("<title>", 1),
        ("</title>", 1),
        ("<h1>", 1),
        ("<main>", 1),
        ("<style>", 1),
    ] {
        assert_eq!(page.matches(tag).count(), count, "{tag}");
    }
    assert_eq!(
        page.matches("<table>").count(),
        page.matches("<caption>").count()
    );
    assert_eq!(
        page.matches("<th ").count() + page.matches("<thead>").count(),
        page.matches("<th").count()
    );
    assert_eq!(
        page.matches("<th ").count(),
        page.matches(" scope=").count()
    );
    holds(
        &page,
        &[
            "default-src 'none'; style-src 'unsafe-inline'",
            "<html lang=\"en\">",
        ],
    );
    Ok(())
}

/// The names and contents of an archive.
fn unpacked(path: &Path) -> Result<Vec<(String, String)>> {
    let mut archive = zip::ZipArchive::new(File::open(path)?)?;
    let mut files = vec![];
    for place in 0..archive.len() {
        let mut file = archive.by_index(place)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        files.push((file.name()?.into_owned(), text));
    }
    Ok(files)
}

#[test]
fn archives_have_the_names_that_platforms_take_back() -> Result {
    let class = class(POLICY)?;
    let folder = class.folder.path();
    let download = folder.join("moodle");
    for name in [
        "Anna Lee_100_assignsubmission_file",
        "Eve_Sun_102_assignsubmission_file_",
        "Zoë Ott_103_assignsubmission_file",
        "Zoë Ott_104_assignsubmission_file",
        "red_105_assignsubmission_file",
        "Mallory_106_assignsubmission_file",
    ] {
        fs::create_dir_all(download.join(name))?;
    }
    let zip = folder.join("feedback.zip");
    let export = |platform: &str, download: &Path| {
        let (from, to) = (download.to_string_lossy(), zip.to_string_lossy());
        class.run(&["export", platform, &from, "--out", &to, "--at", AT])
    };
    let ran = export("feedback-moodle", &download)?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let files = unpacked(&zip)?;
    let names: Vec<_> = files.iter().map(|it| it.0.as_str()).collect();
    let expected = [
        "Anna Lee_100_assignsubmission_file/feedback.html",
        "Eve Sun_102_assignsubmission_file/feedback.html",
    ];
    assert_eq!(names, expected);
    for ((_, text), (id, name)) in files.iter().zip([("s1", "Anna Lee"), ("s3", "Eve Sun")]) {
        assert!(
            text.contains(&format!("<title>Feedback for {name}</title>")),
            "{text}"
        );
        assert_eq!(
            text,
            &page(&class, id, &[])?,
            "the same page as in a folder"
        );
    }
    for words in [
        "s4: Zoë Ott_103 and Zoë Ott_104 may all be this person's",
        "red_105: it is of nobody in the roster, or may be of several people",
        "Mallory_106: it is of nobody in the roster",
        "s2: the download has no submission of this person",
    ] {
        assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
    }

    // Canvas' download is one flat archive.
    let download = folder.join("canvas.zip");
    let mut archive = zip::ZipWriter::new(File::create(&download)?);
    for name in [
        "leeanna_12_4711_work.zip",
        "suneve_LATE_13_4712_lib.rs",
        "suneve_LATE_13_4713_tests.rs",
    ] {
        archive.start_file(name, zip::write::SimpleFileOptions::default())?;
    }
    archive.finish()?;
    let ran = export("feedback-canvas", &download)?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let names: Vec<_> = unpacked(&zip)?.into_iter().map(|it| it.0).collect();
    assert_eq!(
        names,
        [
            "leeanna_12_4711_feedback.html",
            "suneve_LATE_13_4713_feedback.html"
        ]
    );
    let before = fs::read(&zip)?;
    export("feedback-canvas", &download)?;
    assert_eq!(fs::read(&zip)?, before, "the same input, the same bytes");

    for (platform, download, words) in [
        (
            "feedback-moodle",
            &download,
            "it is not a download of submissions from Moodle",
        ),
        ("feedback-canvas", &folder.join("none.zip"), "cannot read"),
        (
            "feedback-canvas",
            &class.desk().join("policy.toml"),
            "cannot read",
        ),
    ] {
        let ran = export(platform, download)?;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.stderr.contains(words) && ran.stderr.contains("hint:"),
            "{}",
            ran.stderr
        );
    }
    let ran = class.run(&["export", "feedback", "--out", "x", "--at", "soon"])?;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.stderr.contains("`soon` is not a time"),
        "{}",
        ran.stderr
    );
    Ok(())
}
