//! The submissions of a batch that a person has to look at, and what to do about each.

use crate::grading::verdict::{Outcome, SubmissionGrade};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use intake::{EscapedText, SkippedEntry};
use wire::printable;

/// Something that was handed in and has no grade that can stand as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// The submission, or the path that was passed over.
    pub what: String,
    /// The reason why it needs a person.
    pub why: String,
    /// The remedy.
    pub remedy: String,
}

/// The width of the box, in characters.
const WIDTH: u16 = 110;

impl Attention {
    /// The reason why a submission needs a person, if it does.
    pub fn of(graded: &SubmissionGrade) -> Option<Self> {
        let unfinished = graded.exercises.iter().find_map(|exercise| {
            let Outcome::NotGraded(reason) = &exercise.outcome else {
                return None;
            };
            let first = reason.lines().next().unwrap_or_default();
            Some(format!("{} is not graded: {first}", exercise.exercise))
        });
        let (why, remedy) = if let Some(refusal) = &graded.refused {
            let (why, remedy) = refusal
                .split_once("; ")
                .unwrap_or((refusal, "have it handed in again"));
            (format!("refused: {why}"), remedy)
        } else if let Some(why) = unfinished {
            (
                why,
                "fix that (`cargo grader doctor` says what a machine lacks); the same command then grades what is left",
            )
        } else if let Some(remark) = graded.remarks.first() {
            let (why, remedy) = remark.split_once("; ").unwrap_or((remark, "look into it"));
            (why.to_owned(), remedy)
        } else if let Some(note) = &graded.note {
            let remedy = "look into it: exercises lie in exercises/NN-name/src or NN-name/src";
            let why = note.split_once(": exercises lie");
            let why = why.map_or(note.as_str(), |(why, _)| why);
            (why.to_owned(), remedy)
        } else {
            return None;
        };
        Some(Self::new(&graded.submission, &why, remedy))
    }

    /// The reason why an entry between the submissions needs a person. Hidden entries and the system's own do not.
    pub fn passed_over(skipped: &SkippedEntry) -> Option<Self> {
        let what = EscapedText::from(skipped.path.as_os_str()).to_string();
        let why = format!("passed over: it {}", skipped.why);
        (!skipped.is_scrap()).then(|| Self::new(&what, &why, skipped.remedy()))
    }

    fn new(what: &str, why: &str, remedy: &str) -> Self {
        let [what, why, remedy] = [what, why, remedy].map(printable);
        Self { what, why, remedy }
    }
}

/// The box, and how many it lists.
pub fn attention_box(all: &[Attention]) -> String {
    let count = match all.len() {
        0 => return "nothing needs a person".to_owned(),
        1 => "1 needs a person".to_owned(),
        count => format!("{count} need a person"),
    };
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header([count.as_str(), "why", "what to do"]);
    for Attention { what, why, remedy } in all {
        table.add_row([what, why, remedy]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::verdict::ExerciseGrade;
    use crate::limits::Limits;
    use std::path::PathBuf;

    fn graded(outcome: Outcome) -> SubmissionGrade {
        SubmissionGrade {
            submission: "ada".to_owned(),
            path: String::new(),
            digest: String::new(),
            sandbox: String::new(),
            refused: None,
            note: None,
            remarks: vec![],
            points: 0.0,
            max_points: 10.0,
            exercises: vec![ExerciseGrade {
                exercise: "01-patchify".to_owned(),
                digest: String::new(),
                limits: Limits::default(),
                outcome,
                points: 0.0,
                max_points: 10.0,
                kinds: Default::default(),
                tests: vec![],
                misconceptions: vec![],
                look_at: vec![],
                seconds: 0.0,
            }],
            seconds: 0.0,
        }
    }

    #[test]
    fn whoever_has_a_grade_needs_nobody() {
        for outcome in [
            Outcome::Tested,
            Outcome::Missing,
            Outcome::DoesNotCompile("error".to_owned()),
            Outcome::NotAccepted("unsafe".to_owned()),
        ] {
            assert_eq!(Attention::of(&graded(outcome)), None);
        }
    }

    #[test]
    fn each_reason_comes_with_what_to_do() {
        let of = |graded: &SubmissionGrade| Attention::of(graded).expect("attention");
        let unread = of(&graded(Outcome::NotGraded(
            "it is gone\nand more".to_owned(),
        )));
        assert_eq!(unread.why, "01-patchify is not graded: it is gone");
        let refused = of(&SubmissionGrade {
            refused: Some("`a` is a pipe; leave it out".to_owned()),
            ..graded(Outcome::Missing)
        });
        assert_eq!(
            (refused.why.as_str(), refused.remedy.as_str()),
            ("refused: `a` is a pipe", "leave it out")
        );
        let empty = of(&SubmissionGrade {
            note: Some("no exercise was found in it (it holds `a`): exercises lie in b".to_owned()),
            ..graded(Outcome::Missing)
        });
        assert_eq!(empty.why, "no exercise was found in it (it holds `a`)");
        let remarked = of(&SubmissionGrade {
            remarks: vec!["03-msa was not found, but `msa/src/lib.rs`; move it".to_owned()],
            ..graded(Outcome::Tested)
        });
        assert_eq!(
            (remarked.why.as_str(), remarked.remedy.as_str()),
            ("03-msa was not found, but `msa/src/lib.rs`", "move it")
        );
    }

    #[test]
    fn what_was_passed_over_needs_a_person_unless_the_system_left_it() {
        let skipped = |path: &str| SkippedEntry {
            path: PathBuf::from(path),
            why: "is neither a folder nor an archive".into(),
        };
        assert_eq!(Attention::passed_over(&skipped("class/.DS_Store")), None);
        let rar = Attention::passed_over(&skipped("class/b\u{1b}ob.rar")).expect("attention");
        assert!(
            !rar.what.contains('\u{1b}') && rar.what.ends_with("ob.rar"),
            "{rar:?}"
        );
    }

    #[test]
    fn the_box_counts_and_keeps_within_its_width() {
        let one = Attention::new("ada", &"long ".repeat(60), "do");
        let shown = attention_box(&[one.clone(), one]);
        assert!(shown.contains("2 need a person"), "{shown}");
        let longest = shown.lines().map(|line| line.chars().count()).max();
        assert!(
            longest.is_some_and(|longest| longest <= WIDTH.into()),
            "{shown}"
        );
        assert_eq!(attention_box(&[]), "nothing needs a person");
    }
}
