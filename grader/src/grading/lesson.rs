//! The lesson of each test, shown to a student who fails it: the test's doc comment, read from the exercise's test
//! files.

use crate::course::{Course, Exercise, Kind};
use crate::grading::verdict::OF_LIBTORCH;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::fs;
use syn::{Lit, parse_str};
use wire::words::{INTERRUPTED_MARK, NOT_TO_ITS_END, PLACE};

/// The beginning of the line of a doc comment that names the part of the code to look at.
const LOOK_AT: &str = "Look at:";

/// The lesson of one test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lesson {
    /// The property that must hold.
    pub claim: String,
    /// The part of the code to look at if the property does not hold.
    pub look_at: Option<String>,
}

/// The lessons of an exercise's tests.
#[derive(Clone, Debug, Default)]
pub struct Lessons(BTreeMap<String, Lesson>);

impl Lesson {
    /// The part of the code to look at after a failure with this message; None if a call returned no value, since the
    /// lesson is about wrong values.
    pub fn advice(&self, message: &str) -> Option<&str> {
        let gave_no_value = [PLACE, "not yet implemented: ", OF_LIBTORCH, NOT_TO_ITS_END]
            .iter()
            .any(|start| message.starts_with(start))
            || message.contains(INTERRUPTED_MARK);
        self.look_at.as_deref().filter(|_| !gave_no_value)
    }
}

impl Lessons {
    /// Reads the test files of an exercise. A file that cannot be read has no lessons.
    pub fn of(course: &Course, exercise: &Exercise) -> Self {
        let folder = course
            .root
            .join("exercises")
            .join(&exercise.folder)
            .join("tests");
        let mut lessons = BTreeMap::new();
        for &kind in exercise.facts.tests.keys() {
            let source = fs::read_to_string(folder.join(format!("{kind}.rs"))).unwrap_or_default();
            lessons.extend(read(kind, &source));
        }
        Self(lessons)
    }

    /// The lesson of a test.
    pub fn of_test(&self, test: &str) -> Option<&Lesson> {
        self.0.get(test)
    }

    /// The names of all tests that the files hold.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn read(kind: Kind, source: &str) -> Vec<(String, Lesson)> {
    let mut found = vec![];
    if let Ok(tokens) = source.parse() {
        walk(tokens, &mut found);
    }
    let named = found
        .into_iter()
        .map(|(name, lesson)| (format!("{kind}::{name}"), lesson));
    named.collect()
}

/// Finds `/// …` `#[test]` `fn name`, at the top of a file as well as within `proptest!`.
fn walk(tokens: TokenStream, found: &mut Vec<(String, Lesson)>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut docs = vec![];
    let mut is_test = false;
    let mut position = 0;
    while let Some(token) = tokens.get(position) {
        position += 1;
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if let Some(TokenTree::Group(group)) = tokens.get(position)
                    && group.delimiter() == Delimiter::Bracket
                {
                    let attribute = group.stream();
                    is_test |= attribute.to_string() == "test";
                    docs.extend(doc_line(attribute));
                    position += 1;
                }
            }
            TokenTree::Ident(ident) if ident == "fn" => {
                if let (true, Some(TokenTree::Ident(name))) = (is_test, tokens.get(position)) {
                    found.push((name.to_string(), lesson(&docs)));
                }
                docs.clear();
                is_test = false;
            }
            TokenTree::Group(group) => {
                walk(group.stream(), found);
                docs.clear();
                is_test = false;
            }
            _ => {}
        }
    }
}

/// The text of `doc = "…"`, which is what a doc comment is to the compiler.
fn doc_line(attribute: TokenStream) -> Option<String> {
    let mut tokens = attribute.into_iter();
    let is_doc = matches!(tokens.next()?, TokenTree::Ident(ident) if ident == "doc");
    tokens.next().filter(|_| is_doc)?;
    match parse_str::<Lit>(&tokens.next()?.to_string()).ok()? {
        Lit::Str(text) => Some(text.value().trim().to_owned()),
        _ => None,
    }
}

fn lesson(docs: &[String]) -> Lesson {
    let start = docs
        .iter()
        .position(|line| line.starts_with(LOOK_AT))
        .unwrap_or(docs.len());
    let (claim, look_at) = docs.split_at(start);
    let look_at = look_at.join(" ");
    // Brackets are escaped for rustdoc, which would make links of them.
    let plain = |text: &str| {
        text.replace("\\[", "[")
            .replace("\\]", "]")
            .trim()
            .to_owned()
    };
    Lesson {
        claim: plain(&claim.join(" ")),
        look_at: look_at.strip_prefix(LOOK_AT).map(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_are_found_at_the_top_and_within_proptest() {
        let source = r#"
            //! The file.
            /// Rows sum
            /// to one.
            /// Look at: the axis.
            #[test]
            fn rows() {}
            /// No test.
            fn helper() {}
            proptest! {
                #![proptest_config(config(16))]
                /// Any size.
                #[test]
                fn any_size(x in 0..3) {}
            }
        "#;
        let expected = [
            ("shape::rows", "Rows sum to one.", Some("the axis.")),
            ("shape::any_size", "Any size.", None),
        ];
        let got = read(Kind::Shape, source);
        let got: Vec<_> = got
            .iter()
            .map(|(name, lesson)| {
                (
                    name.as_str(),
                    lesson.claim.as_str(),
                    lesson.look_at.as_deref(),
                )
            })
            .collect();
        assert_eq!(got, expected);
    }
}
