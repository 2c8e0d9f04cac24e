//! Exports: files of platforms are filled in and stay as they are otherwise; what is written keeps the formats' rules.

mod common;

use common::SubmittedExercise::{DoesNotCompile, Missing, NotGraded, Passing};
use common::{Batch, Class, CommandOutput, Result};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// In time: Anna and Bob 10 and 7, Eve 5 and nothing, Zoë nothing that compiles and something not graded.
fn class() -> Result<Class> {
    let class = Class::new()?;
    let batch = Batch::of(&[
        ("red", &[Passing(4, 6), Passing(4, 3)]),
        ("s3", &[Passing(2, 3), Missing]),
        ("s4", &[DoesNotCompile, NotGraded]),
    ]);
    class.import("out", &batch, "2026-11-30T12:00")?;
    class.ok(&["excuse", "s2", "msa", "--reason", "ill"])?;
    class.ok(&["set", "s3", "patchify", "7.25", "--reason", "oral"])?;
    Ok(class)
}

fn file(class: &Class, name: &str, content: &str) -> Result<String> {
    let path = class.folder.path().join(name);
    fs::write(&path, content)?;
    Ok(path.display().to_string())
}

const CANVAS: &str = "\u{feff}Student,ID,SIS User ID,SIS Login ID,Section,Notes,03-msa (4711),\"Quiz, one (12)\",patchify (99),Final Score\r\n\
    ,,,,,,Manual Posting,,,\r\n\
    \"    Points Possible\",,,,,,10,5,12,(read only)\r\n\
    \"Lee, Anna\",501,s1,anna@x.edu,\"A, B\",  kept ,,3,,88\r\n\
    \"=\"\"Ray, Bob\"\"\",502,s2,bob@x.edu,A,,1,,\"2\",\r\n\
    \"Sun, Eve\",503,,EVE@x.edu,A,,,,,\r\n\
    \"Ott, Zoë\",504,s4,,A,,5,,,\r\n\
    \"Student, Test\",599,,,A,,,,,";

#[test]
fn canvas_gets_its_columns_filled_in_and_keeps_all_other_bytes() -> Result {
    let class = class()?;
    let sheet = file(&class, "canvas.csv", CANVAS)?;
    let ran = class.run(&["export", "canvas", &sheet])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let expected = CANVAS
        .replace("  kept ,,3,,88", "  kept ,7,3,10,88")
        .replace(",A,,1,,\"2\",", ",A,,EX,,\"10\",")
        .replace("EVE@x.edu,A,,,,,", "EVE@x.edu,A,,0,,7.25,")
        .replace("s4,,A,,5,,,", "s4,,A,,5,,0,");
    assert_eq!(ran.stdout, expected);
    for words in [
        "s4: 03-msa (4711) is not graded: left as it is",
        "Student, Test: the row is of nobody in the roster",
        "patchify (99) has 12 points possible in Canvas and 10 here",
    ] {
        assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
    }
    // Nothing changes where everything is as it should be.
    let again = file(&class, "again.csv", &ran.stdout)?;
    assert_eq!(class.ok(&["export", "canvas", &again])?, expected);
    Ok(())
}

#[test]
fn canvas_columns_are_named_and_read_only_ones_are_left() -> Result {
    let class = class()?;
    let sheet = file(&class, "canvas.csv", CANVAS)?;
    let ran = class.run(&["export", "canvas", &sheet, "--fill", "Quiz, one=total"])?;
    assert!(ran.stdout.contains("  kept ,,17,,88"), "{}", ran.stdout);
    let unknown = class.run(&["export", "canvas", &sheet, "--fill", "Quiz two=total"])?;
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown
            .stderr
            .contains("03-msa (4711), Quiz, one (12), patchify (99)"),
        "{}",
        unknown.stderr
    );
    let locked = file(
        &class,
        "locked.csv",
        &CANVAS.replace(",10,5,12,", ",(read only),5,12,"),
    )?;
    let ran = class.run(&["export", "canvas", &locked])?;
    assert!(
        ran.stderr
            .contains("03-msa (4711): the column is (read only)"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("  kept ,,3,10,88"), "{}", ran.stdout);
    // German spreadsheets divide by `;`, and decimals have a comma.
    let german = "Student;ID;SIS User ID;SIS Login ID;Section;patchify (99)\n;;;;;\nPoints Possible;;;;;10,00\nSun, Eve;503;s3;;A;\n";
    let german = file(&class, "german.csv", german)?;
    assert!(
        class
            .ok(&["export", "canvas", &german])?
            .ends_with("Sun, Eve;503;s3;;A;7,25\n")
    );
    let other = file(&class, "other.csv", "a,b\n1,2\n")?;
    let ran = class.run(&["export", "canvas", &other])?;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("it is not a gradebook of Canvas"),
        "{}",
        ran.stderr
    );
    Ok(())
}

#[test]
fn moodle_gets_its_grades_and_says_which_rows_it_passes_over() -> Result {
    let class = class()?;
    let sheet = "Identifier,\"Full name\",\"Email address\",Status,Grade,\"Maximum grade\",\"Grade can be changed\",\"Last modified (grade)\"\n\
        \"Participant 1\",\"Anna Lee\",anna@x.edu,Submitted,7.00,10.00,Yes,-\n\
        \"Participant 2\",\"Bob Ray\",bob@x.edu,Submitted,,10.00,Yes,-\n\
        \"Participant 3\",\"Eve Sun\",eve@x.edu,Submitted,,5.00,No,-\n\
        \"Participant 4\",\"Zoë Ott\",zoe@x.edu,Submitted,,10.00,Yes,-\n\
        \"Participant 5\",Mallory,m@x.edu,Submitted,3,10.00,Yes,-\n";
    let path = file(&class, "moodle.csv", sheet)?;
    let ran = class.run(&["export", "moodle", &path, "--exercise", "msa"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout,
        sheet.replace("Submitted,,5.00", "Submitted,0,5.00")
    );
    for words in [
        "anna@x.edu: Moodle passes the row over: the grade is the same",
        "bob@x.edu: excused",
        "eve@x.edu: Moodle passes the row over: the grade is locked there",
        "zoe@x.edu: not graded",
        "m@x.edu: the row is of nobody in the roster",
    ] {
        assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
    }
    let ran = class.run(&["export", "moodle", &path, "--exercise", "patchify"])?;
    assert!(
        ran.stdout.contains("Submitted,10,10.00,Yes"),
        "{}",
        ran.stdout
    );
    let too_many = file(&class, "m2.csv", &sheet.replace("5.00,No", "5.00,Yes"))?;
    let ran = class.run(&["export", "moodle", &too_many, "--exercise", "patchify"])?;
    assert!(
        ran.stderr.contains("7.25 is above the maximum of 5"),
        "{}",
        ran.stderr
    );
    let german = "ID,Vollständiger Name,E-Mail-Adresse,Bewertung,Bestwertung,Bewertung kann geändert werden\n\
        Teilnehmer/in 3,Eve Sun,eve@x.edu,,\"10,00\",Ja\n";
    let german = file(&class, "german.csv", german)?;
    assert!(
        class
            .ok(&["export", "moodle", &german, "--exercise", "patchify"])?
            .contains("eve@x.edu,\"7,25\",\"10,00\"")
    );
    let none = class.run(&[
        "export",
        "moodle",
        &path,
        "--exercise",
        "msa",
        "--grade-column",
        "Nota",
    ])?;
    assert!(
        none.stderr.contains("it has no column Nota"),
        "{}",
        none.stderr
    );
    Ok(())
}

/// The keys and types of docs/specs.md of gradescope/autograder_samples.
fn check_gradescope(results: &Value) {
    let is_visibility = |it: &Value| {
        ["visible", "hidden", "after_due_date", "after_published"]
            .iter()
            .any(|name| it == name)
    };
    let formats = ["text", "html", "simple_format", "md", "ansi"];
    let top = results.as_object().expect("an object");
    for (key, value) in top {
        let is_good = match key.as_str() {
            "score" => value.is_number(),
            "output" => value.is_string(),
            "output_format" => formats.iter().any(|it| value == it),
            "visibility" => is_visibility(value),
            "tests" => value.is_array(),
            _ => false,
        };
        assert!(is_good, "{key}: {value}");
    }
    assert!(top.contains_key("score"));
    for test in results["tests"].as_array().expect("tests") {
        for (key, value) in test.as_object().expect("a test") {
            let is_good = match key.as_str() {
                "score" | "max_score" => value.is_number(),
                "name" | "number" | "output" => value.is_string(),
                "status" => value == "passed" || value == "failed",
                "output_format" => formats.iter().any(|it| value == it),
                "visibility" => is_visibility(value),
                _ => false,
            };
            assert!(is_good, "{key}: {value}");
        }
    }
}

#[test]
fn gradescope_gets_results_as_its_description_has_them() -> Result {
    let class = class()?;
    let out = class.folder.path().join("gradescope");
    let ran = class.run(&["export", "gradescope", "--out", &out.to_string_lossy()])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("s4: not graded"), "{}", ran.stderr);
    let read = |id: &str| -> Result<Value> {
        Ok(serde_json::from_slice(&fs::read(
            out.join(format!("{id}.json")),
        )?)?)
    };
    assert!(!out.join("s4.json").exists());
    for id in ["s1", "s2", "s3"] {
        check_gradescope(&read(id)?);
    }
    let anna = read("s1")?;
    assert_eq!(anna["score"], 17.0);
    let tests = anna["tests"].as_array().ok_or("no tests")?;
    assert_eq!(tests.len(), 2 + 20);
    let sum: f64 = tests.iter().filter_map(|it| it["score"].as_f64()).sum();
    assert_eq!(sum, 17.0);
    // An excused exercise has no score, and the others make the grade.
    assert_eq!(read("s2")?["score"], 10.0);

    for (see, count, visibility) in [
        ("summary", 2, "visible"),
        ("until-due", 22, "after_due_date"),
    ] {
        fs::write(
            class.desk().join("policy.toml"),
            format!("students-see = \"{see}\"\n{}", common::POLICY),
        )?;
        class.ok(&["export", "gradescope", "--out", &out.to_string_lossy()])?;
        let anna = read("s1")?;
        check_gradescope(&anna);
        let tests = anna["tests"].as_array().ok_or("no tests")?;
        assert_eq!(tests.len(), count, "{see}");
        assert_eq!(tests[count - 1]["visibility"], visibility, "{see}");
    }
    Ok(())
}

/// The rules of junit-10.xsd: which elements stand in which, and with which attributes.
fn check_junit(text: &str) -> Result<Vec<String>> {
    let rules: &[(&str, &str, &[&str], &[&str])] = &[
        (
            "testsuites",
            "",
            &[],
            &["name", "time", "tests", "failures", "errors"],
        ),
        (
            "testsuite",
            "testsuites",
            &["name", "tests", "failures", "errors"],
            &[
                "time",
                "skipped",
                "timestamp",
                "hostname",
                "id",
                "package",
                "file",
                "log",
                "url",
                "group",
            ],
        ),
        (
            "testcase",
            "testsuite",
            &["name"],
            &["classname", "time", "group"],
        ),
        ("failure", "testcase", &[], &["type", "message"]),
        ("error", "testcase", &[], &["type", "message"]),
    ];
    let mut reader = Reader::from_str(text);
    let (mut open, mut names): (Vec<String>, Vec<String>) = (vec![], vec![]);
    // Cases and faults of the suite that is open, against what it says.
    let mut counted = [0_usize; 3];
    let mut said = [0_usize; 3];
    loop {
        let event = reader.read_event()?;
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.name().as_ref().to_owned();
                let rule = rules
                    .iter()
                    .find(|it| it.0 == name)
                    .ok_or(format!("no element {name}"))?;
                assert_eq!(
                    open.last().map_or("", String::as_str),
                    rule.1,
                    "{name} stands in another element"
                );
                let mut attributes = BTreeSet::new();
                for attribute in element.attributes() {
                    let attribute = attribute?;
                    let key = attribute.key.as_ref().to_owned();
                    assert!(
                        rule.2.contains(&key.as_str()) || rule.3.contains(&key.as_str()),
                        "{name} has {key}"
                    );
                    let value = attribute.value.to_string();
                    if let ("testsuite", Some(place)) = (
                        name.as_str(),
                        ["tests", "failures", "errors"]
                            .iter()
                            .position(|it| *it == key),
                    ) {
                        said[place] = value.parse()?;
                    }
                    if (name.as_str(), key.as_str()) == ("testcase", "name") {
                        names.push(value);
                    }
                    attributes.insert(key);
                }
                for needed in rule.2 {
                    assert!(attributes.contains(*needed), "{name} has no {needed}");
                }
                match name.as_str() {
                    "testcase" => counted[0] += 1,
                    "failure" => counted[1] += 1,
                    "error" => counted[2] += 1,
                    _ => {}
                }
                if matches!(event, Event::Start(_)) {
                    open.push(name);
                }
            }
            Event::End(_) => {
                let closed = open.pop();
                if closed.as_deref() == Some("testsuite") {
                    assert_eq!(counted, said);
                    counted = [0; 3];
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(
        distinct.len(),
        names.len(),
        "GitLab counts only the first of a name"
    );
    Ok(names)
}

#[test]
fn junit_keeps_the_rules_of_its_scheme() -> Result {
    let class = class()?;
    let out = class.folder.path().join("junit");
    class.ok(&["export", "junit", "--out", &out.to_string_lossy()])?;
    let read =
        |id: &str| -> Result<String> { Ok(fs::read_to_string(out.join(format!("{id}.xml")))?) };
    for id in ["s1", "s2", "s3", "s4"] {
        let text = read(id)?;
        check_junit(&text)?;
        assert!(
            text.chars().all(|c| c == '\n' || c >= ' '),
            "control characters in {id}"
        );
    }
    let anna = read("s1")?;
    assert_eq!(check_junit(&anna)?.len(), 20);
    assert!(
        anna.contains("<testsuite name=\"03-msa\" tests=\"10\" failures=\"3\" errors=\"0\">"),
        "{anna}"
    );
    assert!(anna.contains("expected &lt;1&gt; &amp;"), "{anna}");
    let zoe = read("s4")?;
    assert!(
        zoe.contains("type=\"does-not-compile\"") && zoe.contains("<error type=\"not-graded\""),
        "{zoe}"
    );
    assert_eq!(
        check_junit(&read("s2")?)?.len(),
        10,
        "what is excused is no test"
    );
    Ok(())
}

#[test]
fn every_step_is_in_the_long_table_and_formulas_are_text() -> Result {
    let class = Class::with("id,name\ns3,=HYPERLINK(1)\n", common::POLICY)?;
    class.import(
        "out",
        &Batch::of(&[("s3", &[Passing(4, 3), Missing])]),
        "2026-12-01T12:00",
    )?;
    let path = class.folder.path().join("steps.csv");
    let ran: CommandOutput =
        class.run(&["export", "csv", "--steps", "--out", &path.to_string_lossy()])?;
    assert_eq!(ran.stdout, "");
    let mut reader = csv::Reader::from_path(&path)?;
    let header = reader.headers()?.clone();
    let row = reader.records().next().ok_or("no row")??;
    let of = |column: &str| {
        header
            .iter()
            .position(|it| it == column)
            .and_then(|it| row.get(it))
    };
    // 7 points, half a day late: 10 %.
    for (column, value) in [
        ("name", "'=HYPERLINK(1)"),
        ("raw", "7"),
        ("percent", "10"),
        ("adjusted", "6.3"),
        ("late_seconds", "43200"),
        ("late_days", "1"),
        ("final", "6.3"),
    ] {
        assert_eq!(of(column), Some(value), "{column}");
    }
    let full = class.run(&["export", "csv", "--out", "/dev/full"])?;
    assert_eq!(full.code, Some(4));
    assert!(
        full.stderr.contains("cannot write /dev/full"),
        "{}",
        full.stderr
    );
    Ok(())
}
