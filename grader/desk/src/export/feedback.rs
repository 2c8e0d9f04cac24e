//! Feedback for students: a page for each person, which shows what `students-see` of the policy allows.

mod page;
mod upload;

pub use upload::{Platform, Upload};

use super::{Class, Export, ExportOutput};
use crate::policy::StudentsSee;
use anyhow::Result;
use page::Page;

/// The export as pages of HTML.
#[derive(Clone, Copy, Debug)]
pub struct Feedback {
    /// True if the reasons of decisions are shown.
    pub with_reasons: bool,
}

impl Feedback {
    /// The page of a person, by the index in the gradebook.
    fn page(self, class: &Class<'_>, student: usize) -> Result<Vec<u8>> {
        let page = Page {
            class,
            student: &class.grades.gradebook.students[student],
            with_reasons: self.with_reasons,
        };
        Ok(page.html()?.into_string().into_bytes())
    }

    /// Notes on exercises whose tests stay hidden because they have no due date.
    fn notes(class: &Class<'_>) -> Vec<String> {
        let policy = class.policy;
        let mut rules = policy.kinds.values().chain([&policy.students_see]);
        if !rules.any(|it| *it == StudentsSee::UntilDue) {
            return vec![];
        }
        let exercises = class.grades.gradebook.exercises.iter();
        let without = exercises.filter(|it| policy.due_of(&it.exercise).is_none());
        let note = |exercise: &str| {
            format!(
                "{exercise} has no due date: with `until-due`, its tests are shown to nobody without an extension to a time"
            )
        };
        without.map(|it| note(&it.exercise)).collect()
    }
}

impl Export for Feedback {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput {
            notes: Self::notes(class),
            ..ExportOutput::default()
        };
        for (place, student) in class.grades.gradebook.students.iter().enumerate() {
            exported.add(&student.person.id, "html", self.page(class, place)?);
        }
        Ok(exported)
    }
}
