//! The code that a run trains. Its checkpoints hold whose code that is, so that no run goes on with another by accident.

use intake::{PartsDigest, Source};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The place that code is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeKind {
    /// The exercises of the checkout.
    WorkingCopy,
    /// The solutions of the checkout.
    Solution,
    /// Code that somebody handed in.
    Submission,
}

impl fmt::Display for CodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CodeKind::WorkingCopy => "the working copy",
            CodeKind::Solution => "the reference solution",
            CodeKind::Submission => "a submission",
        })
    }
}

/// The code that a run trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedCode {
    /// The place that it is taken from.
    pub kind: CodeKind,
    /// SHA-256 over the paths and contents of the exercise's sources, in hex.
    pub digest: String,
}

impl TrainedCode {
    /// The code of these sources.
    pub fn of(kind: CodeKind, sources: &[Source]) -> Self {
        let mut sorted: Vec<_> = sources.iter().collect();
        sorted.sort_by_key(|source| &source.path);
        let mut digest = PartsDigest::default();
        for source in sorted {
            digest.add(source.path.as_bytes());
            digest.add(&source.bytes);
        }
        Self {
            kind,
            digest: digest.hex(),
        }
    }

    /// The difference between the code that a run was begun with and this, in words.
    pub fn difference_from(&self, begun: &Self) -> Option<String> {
        if self.kind != begun.kind {
            Some(format!("was begun with {}, not {}", begun.kind, self.kind))
        } else if self.digest != begun.digest {
            Some(format!(
                "was begun with other code: the sources of {} have changed since",
                self.kind
            ))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            bytes: text.into(),
        }
    }

    #[test]
    fn code_is_told_from_other_code_whatever_the_order_of_its_files() {
        let [a, b] = [source("lib.rs", "mod b;"), source("b.rs", "")];
        let of = |sources: &[Source]| TrainedCode::of(CodeKind::Submission, sources);
        let code = of(&[a.clone(), b.clone()]);
        assert_eq!(code, of(&[b.clone(), a.clone()]));
        assert_eq!(code.difference_from(&code), None);
        for other in [vec![a.clone()], vec![source("lib.rs", "mod b;\n"), b]] {
            let said = of(&other).difference_from(&code).unwrap_or_default();
            assert!(said.contains("have changed since"), "{said}");
        }
        let solution = TrainedCode::of(CodeKind::Solution, &[a]);
        let said = solution.difference_from(&code).unwrap_or_default();
        let expected = "was begun with a submission, not the reference solution";
        assert_eq!(said, expected);
    }
}
