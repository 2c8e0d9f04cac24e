//! `desk status`: problems that an instructor must resolve, and missing work.

use crate::failure::{Exit, Failure};
use crate::folder::Desk;
use crate::grading::{Flag, State};
use crate::import::listed;
use crate::terminal::{points, print, table};
use std::collections::{BTreeMap, BTreeSet};

/// Runs the command.
pub(super) fn status(desk: &mut Desk) -> Result<Exit, Failure> {
    let grades = desk.grades()?;
    let gradebook = &grades.gradebook;
    print(&format!(
        "{} people, {} attempts, {} decisions\n",
        desk.roster.people().len(),
        grades.record.attempts.len(),
        grades.decisions.len()
    ));

    let raw = |value: Option<f64>| value.map_or_else(|| "nothing graded".to_owned(), points);
    let mut needs: Vec<Vec<String>> = vec![];
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut nothing = vec![];
    for student in &gradebook.students {
        let id = student.person.id.as_str();
        for refused in &student.refused {
            let what = format!("attempt {} was refused: {}", refused.attempt, refused.why);
            needs.push(vec![
                id.to_owned(),
                String::new(),
                what,
                "ask for another".to_owned(),
            ]);
        }
        if !student.exercises.is_empty() && student.exercises.iter().all(|it| it.attempts == 0) {
            nothing.push(id);
        }
        for (grade, column) in student.exercises.iter().zip(&gradebook.exercises) {
            if grade.state == State::Missing && !nothing.contains(&id) && grade.set.is_none() {
                missing.entry(&column.exercise).or_default().push(id);
            }
            for flag in &grade.flags {
                let (what, remedy) = match flag {
                    Flag::OtherRaw {
                        decision,
                        made_on,
                        now,
                    } => (
                        format!(
                            "decision {decision} was made on {}, now {}",
                            raw(*made_on),
                            raw(*now)
                        ),
                        format!("decide again, or `withdraw {decision}`"),
                    ),
                    Flag::NotGraded { attempt } => (
                        format!(
                            "attempt {attempt} is not graded, through no fault of the submission"
                        ),
                        "grade again, then import".to_owned(),
                    ),
                    Flag::NoTime { attempt } => (
                        format!("the time of attempt {attempt} is not known: taken as in time"),
                        "import with --times".to_owned(),
                    ),
                    Flag::Limited { points: value } => (
                        format!(
                            "decisions give {}: the grade ends at its limit",
                            points(*value)
                        ),
                        "decide again, with --bonus if it is meant".to_owned(),
                    ),
                };
                needs.push(vec![id.to_owned(), column.exercise.clone(), what, remedy]);
            }
        }
    }
    for attempt in grades
        .record
        .attempts
        .iter()
        .filter(|it| it.members.is_empty())
    {
        needs.push(vec![
            "nobody".to_owned(),
            String::new(),
            format!(
                "attempt {}, {}, belongs to nobody in the roster",
                attempt.number, attempt.submission
            ),
            "correct roster.csv, then import again".to_owned(),
        ]);
    }
    let in_roster = |id: &&String| desk.roster.get(id).is_some();
    let members = grades.record.attempts.iter().flat_map(|it| &it.members);
    let decided = grades.decisions.iter().map(|it| &it.student);
    let gone: BTreeSet<_> = members.chain(decided).filter(|it| !in_roster(it)).collect();
    for id in gone {
        needs.push(vec![
            id.clone(),
            String::new(),
            "has attempts or decisions, and is not in the roster: no grade".to_owned(),
            "put the person back into roster.csv".to_owned(),
        ]);
    }
    match needs.is_empty() {
        true => print("nothing needs you\n"),
        false => print(&table(
            &["id", "exercise", "what", "what to do"],
            &needs,
            4,
            0,
        )),
    }
    if !nothing.is_empty() {
        print(&format!(
            "{} handed in nothing: {}\n",
            nothing.len(),
            listed(&nothing)
        ));
    }
    for (exercise, ids) in missing {
        print(&format!(
            "{exercise}: missing of {}: {}\n",
            ids.len(),
            listed(&ids)
        ));
    }
    let without = desk.policy.exercises.keys().filter(|it| {
        !gradebook
            .exercises
            .iter()
            .any(|column| column.exercise == **it)
    });
    let without: Vec<_> = without.collect();
    if !without.is_empty() && !gradebook.exercises.is_empty() {
        print(&format!(
            "policy.toml names what has no result yet: {}\n",
            listed(&without)
        ));
    }
    Ok(Exit::Success)
}
