//! GitLab's code quality report for each person: "Implement a custom tool" of docs.gitlab.com.

use super::finding::findings;
use super::{Class, Export, ExportOutput};
use anyhow::Result;
use serde::Serialize;

/// The export as code quality reports.
#[derive(Clone, Copy, Debug)]
pub struct Gitlab;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

impl Export for Gitlab {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput::default();
        for student in &class.grades.gradebook.students {
            let findings = findings(class, student)?.into_iter();
            let issues: Vec<_> = findings
                .map(|it| Issue {
                    fingerprint: it.fingerprint(),
                    description: format!("{}: {}", it.title, it.message),
                    severity: if it.is_fatal { "critical" } else { "major" },
                    location: Location {
                        path: it.path,
                        lines: Lines { begin: 1 },
                    },
                    check_name: it.rule,
                })
                .collect();
            let content = serde_json::to_vec_pretty(&issues)?;
            exported.add(&student.person.id, "json", content);
        }
        Ok(exported)
    }
}
