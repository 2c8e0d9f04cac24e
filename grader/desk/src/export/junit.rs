//! JUnit XML for each person, valid by `junit-10.xsd` of jenkinsci/xunit-plugin: attributes and elements of other schemas
//! (`disabled`, `assertions`, top-level `skipped`) are left out.

use super::{Class, Export, ExportOutput};
use crate::grading::{ExerciseGrade, State};
use crate::results::{Graded, Outcome};
use anyhow::Result;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// The export as JUnit XML.
#[derive(Clone, Copy, Debug)]
pub struct Junit;

/// A test case: its name, and its fault if it did not pass.
struct Case {
    name: String,
    fault: Option<Fault>,
}

/// A failure, due to the submission, or an error, due to something else.
struct Fault {
    element: &'static str,
    kind: String,
    message: String,
}

impl Export for Junit {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput::default();
        for student in &class.grades.gradebook.students {
            let mut suites = vec![];
            let columns = class
                .grades
                .gradebook
                .exercises
                .iter()
                .zip(&student.exercises);
            for (column, grade) in columns {
                let graded = grade
                    .result
                    .map(|it| class.store.provenance(it))
                    .transpose()?;
                let cases = cases(grade, graded.map(|it| it.graded).as_ref());
                if !cases.is_empty() {
                    suites.push((column.exercise.as_str(), cases));
                }
            }
            let content = xml(&student.person.id, &suites)?;
            exported.add(&student.person.id, "xml", content);
        }
        Ok(exported)
    }
}

/// The test cases of an exercise. One whose tests did not run has a single case that fails, so that it does not read as passed;
/// an excused one has none.
fn cases(grade: &ExerciseGrade, graded: Option<&Graded>) -> Vec<Case> {
    let alone = |name: &str, element, kind: &str, message: &str| {
        vec![Case {
            name: name.to_owned(),
            fault: Some(Fault {
                element,
                kind: kind.to_owned(),
                message: message.to_owned(),
            }),
        }]
    };
    match grade.state {
        State::Excused => vec![],
        State::Missing => alone("handed in", "failure", "missing", "nothing was handed in"),
        State::NotGraded => alone(
            "graded",
            "error",
            "not-graded",
            "not graded, through no fault of the submission",
        ),
        State::Graded => {
            let Some(graded) = graded else { return vec![] };
            if graded.outcome != Outcome::Tested {
                let message = graded.message.as_deref().unwrap_or_default();
                return alone("compiles", "failure", graded.outcome.name(), message);
            }
            let case = |test: &crate::results::Test| Case {
                name: test.test.clone(),
                fault: (!test.counts()).then(|| Fault {
                    element: "failure",
                    kind: test.kind.clone(),
                    message: test
                        .message
                        .clone()
                        .or(test.not_counted.clone())
                        .unwrap_or_default(),
                }),
            };
            graded.tests.iter().map(case).collect()
        }
    }
}

/// The document: a suite for each exercise.
fn xml(student: &str, suites: &[(&str, Vec<Case>)]) -> Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(vec![], b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let count = |cases: &[Case], element: &str| {
        let faults = cases.iter().filter_map(|it| it.fault.as_ref());
        faults
            .filter(|it| it.element == element)
            .count()
            .to_string()
    };
    writer
        .create_element("testsuites")
        .write_inner_content(|writer| {
            for (exercise, cases) in suites {
                writer
                    .create_element("testsuite")
                    .with_attribute(("name", legal(exercise).as_str()))
                    .with_attribute(("tests", cases.len().to_string().as_str()))
                    .with_attribute(("failures", count(cases, "failure").as_str()))
                    .with_attribute(("errors", count(cases, "error").as_str()))
                    .write_inner_content(|writer| {
                        for case in cases {
                            write_case(writer, student, exercise, case)?;
                        }
                        Ok(())
                    })?;
            }
            Ok(())
        })?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn write_case(
    writer: &mut Writer<Vec<u8>>,
    student: &str,
    exercise: &str,
    case: &Case,
) -> std::io::Result<()> {
    // GitLab counts only the first of several cases of one name: it holds the exercise.
    let name = legal(&format!("{exercise}::{}", case.name));
    let class = legal(&format!("{student}.{exercise}"));
    let element = writer
        .create_element("testcase")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("classname", class.as_str()));
    let Some(fault) = &case.fault else {
        element.write_empty()?;
        return Ok(());
    };
    let message = legal(&fault.message);
    element.write_inner_content(|writer| {
        writer
            .create_element(fault.element)
            .with_attribute(("type", legal(&fault.kind).as_str()))
            .with_attribute(("message", message.lines().next().unwrap_or_default()))
            .write_text_content(BytesText::new(&message))?;
        Ok(())
    })?;
    Ok(())
}

/// Text in the characters that XML 1.0 allows: all others are escaped.
fn legal(text: &str) -> String {
    let mut legal = String::new();
    for c in text.chars() {
        match c {
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                legal.push(c)
            }
            c => legal.extend(c.escape_default()),
        }
    }
    legal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_forbids_is_escaped() -> Result<()> {
        assert_eq!(legal("a\u{1b}[2J\u{ffff}\n"), "a\\u{1b}[2J\\u{ffff}\n");
        let case = Case {
            name: "<a>".to_owned(),
            fault: Some(Fault {
                element: "failure",
                kind: "shape".to_owned(),
                message: "\"x\" & <y>".to_owned(),
            }),
        };
        let text = String::from_utf8(xml("s1", &[("03-msa", vec![case])])?)?;
        assert!(text.contains("name=\"03-msa::&lt;a&gt;\""), "{text}");
        assert!(
            text.contains(">\"x\" &amp; &lt;y&gt;<")
                || text.contains("&quot;x&quot; &amp; &lt;y&gt;"),
            "{text}"
        );
        Ok(())
    }
}
