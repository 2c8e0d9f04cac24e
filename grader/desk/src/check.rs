//! The check of a gradebook: the integrity of its file, and all values that can be recomputed from it.

use crate::decision::{Action, Decision};
use crate::folder::Desk;
use crate::grading::{Record, grade};
use crate::results::{digest, verify_stored};
use anyhow::Result;
use wire::printable;

/// The findings of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The checks that passed.
    pub passed: Vec<String>,
    /// The faults that were found.
    pub faults: Vec<String>,
}

impl CheckReport {
    /// The report as lines.
    pub fn text(&self) -> String {
        let passed = self.passed.iter().map(|it| format!("✓ {it}\n"));
        let faults = self
            .faults
            .iter()
            .map(|it| format!("✗ {}\n", printable(it)));
        let mut lines: Vec<_> = passed.chain(faults).collect();
        if !self.faults.is_empty() {
            lines.push(
                "put a backup in the place of gradebook.sqlite, or import and decide anew\n"
                    .to_owned(),
            );
        }
        lines.concat()
    }

    fn add(&mut self, faults: Vec<String>, passed: String) {
        match faults.is_empty() {
            true => self.passed.push(passed),
            false => self.faults.extend(faults),
        }
    }
}

/// Checks the file, compares each result with its digest, recomputes its points from its tests, and computes the grades
/// twice, the second time with attempts and decisions in reverse order.
///
/// # Errors
/// Returns an error if the gradebook cannot be read at all.
pub fn check(desk: &mut Desk) -> Result<CheckReport> {
    let mut report = CheckReport::default();
    report.add(
        desk.store.faults()?,
        "the file is whole, and no row of it is gone".to_owned(),
    );
    let (mut count, mut faults) = (0, vec![]);
    let without = desk.store.each_content(|content| {
        count += 1;
        let of =
            |fault: &str| format!("result {} of {}: {fault}", content.number, content.exercise);
        let lines = [content.suite_digest, content.detail, content.messages];
        if digest(&lines) != content.digest {
            faults.push(of("it is not what was imported"));
            return;
        }
        let verified = verify_stored(
            content.suite,
            content.detail,
            (content.exercise, content.outcome),
            (content.points, content.max_points),
        );
        if let Err(error) = verified {
            faults.push(of(&format!("{error:#}")));
        }
    })?;
    if without > 0 {
        faults.push(format!("{without} rows of detail are gone"));
    }
    report.add(
        faults,
        format!("{count} results are as imported, and their points follow from their tests"),
    );

    let (record, decisions) = desk.store.read()?;
    let mut faults = vec![];
    for decision in &decisions {
        if let Action::Withdraw { decision: other } = decision.action
            && !(1..decision.number).contains(&other)
        {
            faults.push(format!(
                "decision {} withdraws {other}, which is not before it",
                decision.number
            ));
        }
    }
    report.add(faults, format!("{} decisions can be read", decisions.len()));
    let bytes = |record: &Record, decisions: &[Decision]| -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&grade(
            record,
            &desk.roster,
            &desk.policy,
            decisions,
        ))?)
    };
    let first = bytes(&record, &decisions)?;
    let (mut turned, mut backwards) = (record, decisions);
    turned.attempts.reverse();
    backwards.reverse();
    let faults = match bytes(&turned, &backwards)? == first {
        true => vec![],
        false => vec!["grades depend on the order in which the gradebook is read".to_owned()],
    };
    let people = desk.roster.people().len();
    report.add(
        faults,
        format!("the grades of {people} people come out the same when they are computed again"),
    );
    Ok(report)
}
