//! `desk log`: the decisions.

use crate::cli::{Format, Log};
use crate::decision::{Decision, in_force};
use crate::export::csv::{cell, text};
use crate::failure::{Blame, Exit, Failure};
use crate::folder::Desk;
use crate::terminal::{points, print, table};
use crate::time::shown;

/// Runs the command.
pub(super) fn log(desk: &mut Desk, arguments: &Log) -> Result<Exit, Failure> {
    let student = arguments
        .student
        .as_deref()
        .map(|it| desk.roster.person(it));
    let student = student
        .transpose()
        .blame_arguments()?
        .map(|it| it.id.clone());
    let (_, all) = desk.store.read()?;
    let alive: Vec<_> = in_force(&all).iter().map(|it| it.number).collect();
    let of = |it: &&Decision| student.as_ref().is_none_or(|id| *id == it.student);
    let decisions: Vec<_> = all.iter().filter(of).collect();
    let zone = &desk.policy.zone;
    match arguments.format {
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&decisions)?)),
        Format::Csv => {
            let mut rows = vec![
                [
                    "number",
                    "time",
                    "by",
                    "student",
                    "exercise",
                    "kind",
                    "value",
                    "made_on",
                    "reason",
                    "withdrawn",
                ]
                .map(str::to_owned)
                .to_vec(),
            ];
            for it in decisions {
                rows.push(vec![
                    it.number.to_string(),
                    it.time.to_string(),
                    cell(&it.by),
                    cell(&it.student),
                    cell(it.exercise.as_deref().unwrap_or_default()),
                    it.action.name().to_owned(),
                    it.action.value(zone),
                    it.made_on.map(|it| it.to_string()).unwrap_or_default(),
                    cell(&it.reason),
                    (!alive.contains(&it.number)).to_string(),
                ]);
            }
            print(&text(&rows)?);
        }
        Format::Table if decisions.is_empty() => print("no decisions\n"),
        Format::Table => {
            let row = |it: &&Decision| {
                let withdrawn = if alive.contains(&it.number) {
                    ""
                } else {
                    " (withdrawn)"
                };
                let made_on = it.made_on.map(|it| format!(" on {}", points(it)));
                vec![
                    it.number.to_string(),
                    shown(it.time, zone),
                    it.by.clone(),
                    it.student.clone(),
                    it.exercise.clone().unwrap_or_else(|| "all".to_owned()),
                    format!(
                        "{} {}{}{withdrawn}",
                        it.action.name(),
                        it.action.value(zone),
                        made_on.unwrap_or_default()
                    ),
                    it.reason.clone(),
                ]
            };
            let rows: Vec<_> = decisions.iter().map(row).collect();
            let header = [
                "nr", "time", "by", "student", "exercise", "decision", "reason",
            ];
            print(&table(&header, &rows, header.len(), 0));
        }
    }
    Ok(Exit::Success)
}
