//! SARIF 2.1.0 for each person: a rule and a result for each failed test and each misconception.

use super::finding::findings;
use super::{Class, Export, ExportOutput};
use anyhow::Result;
use serde_json::json;

/// The export as SARIF.
#[derive(Clone, Copy, Debug)]
pub struct Sarif;

impl Export for Sarif {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput::default();
        for student in &class.grades.gradebook.students {
            let findings = findings(class, student)?;
            let rule = |it: &super::finding::Finding| json!({ "id": it.rule, "shortDescription": { "text": it.title } });
            let rules: Vec<_> = findings.iter().map(rule).collect();
            let results: Vec<_> = (0..)
                .zip(&findings)
                .map(|(index, it): (u32, _)| {
                    json!({
                        "ruleId": it.rule,
                        "ruleIndex": index,
                        "level": "error",
                        "message": { "text": it.message },
                        "locations": [{ "physicalLocation": {
                            "artifactLocation": { "uri": it.path },
                            "region": { "startLine": 1 },
                        } }],
                        "partialFingerprints": { "rule/v1": it.fingerprint() },
                    })
                })
                .collect();
            let log = json!({
                "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
                "version": "2.1.0",
                "runs": [{
                    "tool": { "driver": {
                        "name": "cargo-grader",
                        "version": env!("CARGO_PKG_VERSION"),
                        "rules": rules,
                    } },
                    "results": results,
                }],
            });
            let content = serde_json::to_vec_pretty(&log)?;
            exported.add(&student.person.id, "sarif", content);
        }
        Ok(exported)
    }
}
