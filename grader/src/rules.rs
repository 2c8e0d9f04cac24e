//! What a submission's sources may not say: the word `unsafe`, ready-made operations that an exercise asks to write, and
//! what would run code that is no Rust.

use crate::course::Exercise;
use crate::intake::Source;
use proc_macro2::{TokenStream, TokenTree};
use std::str::FromStr;

/// The first rule that the sources break, if they break one: where, and what to do.
pub fn breach(exercise: &Exercise, sources: &[Source]) -> Option<String> {
    sources.iter().find_map(|source| {
        let text = String::from_utf8_lossy(&source.bytes);
        let (line, fault) = mention_of_unsafe(&text)
            .or_else(|| foreign(&text))
            .or_else(|| shortcut(&exercise.facts.forbidden, &text))?;
        Some(format!(
            "exercises/{}/src/{}:{line}: {fault}",
            exercise.folder, source.path
        ))
    })
}

/// Unsafe code could run before a worker is confined, or write where it must not. The compiler denies it, and no
/// source may take that back: the word itself is looked for, in comments and texts too, since there is no second
/// spelling of it and no doubt about where it stands.
fn mention_of_unsafe(text: &str) -> Option<(usize, String)> {
    let line = text.lines().position(|line| line.contains("unsafe"))?;
    let fault = "the word `unsafe` may not stand in a submission, not even in a comment";
    Some((line + 1, fault.to_owned()))
}

/// What in tch runs TorchScript, in which nothing is looked for.
const FOREIGN: [&str; 3] = ["CModule", "TrainableCModule", "jit"];

fn foreign(text: &str) -> Option<(usize, String)> {
    let (name, line) = mention(&FOREIGN.map(str::to_owned), text)?;
    let fault = format!("`{name}` runs code that is no Rust: write it in Rust");
    Some((line, fault))
}

/// A ready-made operation that the exercise asks to write.
fn shortcut(forbidden: &[String], text: &str) -> Option<(usize, String)> {
    let (name, line) = mention(forbidden, text)?;
    let fault = format!(
        "`{name}` is the ready-made form of what this exercise asks you to write: write it out, and call a function of \
         your own by another name"
    );
    Some((line, fault))
}

/// The first of the names that is used, and its line. Macros' arguments and bodies are tokens too, comments and texts are
/// not: a name can be written about. Where a source does not divide into tokens here, which is no proof that it does not
/// for the compiler, every word of it counts; and where it begins with what the compiler takes for a line of the shell.
fn mention(names: &[String], text: &str) -> Option<(String, usize)> {
    let start = text.trim_start_matches('\u{feff}');
    let is_script = start.starts_with("#!") && !start.starts_with("#![");
    let (name, line) = match TokenStream::from_str(text) {
        Ok(tokens) if !is_script => in_tokens(names, tokens),
        _ => in_words(names, text),
    }?;
    Some((name.to_owned(), line))
}

/// The first forbidden name among the tokens, and its line. Groups are put off, not descended into: a submission nests
/// them as deep as it likes.
fn in_tokens(forbidden: &[String], tokens: TokenStream) -> Option<(&str, usize)> {
    let mut todo = vec![tokens];
    while let Some(tokens) = todo.pop() {
        for token in tokens {
            match token {
                TokenTree::Group(group) => todo.push(group.stream()),
                TokenTree::Ident(ident) => {
                    if let Some(name) = forbidden_form(forbidden, &ident.to_string()) {
                        return Some((name, ident.span().start().line));
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    None
}

fn in_words<'a>(forbidden: &'a [String], text: &str) -> Option<(&'a str, usize)> {
    (1..).zip(text.lines()).find_map(|(number, line)| {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        let name = words.find_map(|word| forbidden_form(forbidden, word))?;
        Some((name, number))
    })
}

/// The forbidden name that this is, or is a form of in tch: `softmax_` works in place, `softmax_out` writes to another
/// tensor, `f_softmax` gives errors back.
fn forbidden_form<'a>(forbidden: &'a [String], written: &str) -> Option<&'a str> {
    let plain = written.strip_prefix("r#").unwrap_or(written);
    let plain = plain.strip_prefix("f_").unwrap_or(plain);
    let plain = plain.strip_suffix("_out").unwrap_or(plain);
    let plain = plain.trim_end_matches('_');
    forbidden
        .iter()
        .map(String::as_str)
        .find(|name| *name == plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, usize)> {
        let forbidden = ["scaled_dot_product_attention".to_owned()];
        let (name, line) = in_tokens(&forbidden, text.parse().expect("tokens"))?;
        Some((name.to_owned(), line))
    }

    #[test]
    fn unsafe_is_found_wherever_it_stands() {
        for text in [
            "fn a() {}\nunsafe fn b() {}",
            "\n// unsafe",
            "\n#![allow(unsafe_code)]",
            "\n\"unsafe\"",
        ] {
            assert_eq!(
                mention_of_unsafe(text).map(|(line, _)| line),
                Some(2),
                "{text}"
            );
        }
        assert_eq!(mention_of_unsafe("fn safe() {}"), None);
    }

    #[test]
    fn a_name_is_found_in_every_form() {
        for text in [
            "Tensor::scaled_dot_product_attention(q)",
            "Tensor::f_scaled_dot_product_attention(q)",
            "use Tensor::r#scaled_dot_product_attention as mine;",
            "macro_rules! m { () => { Tensor::scaled_dot_product_attention(q) } }",
            "vec![[q.size(), Tensor::scaled_dot_product_attention_out(q)]]",
        ] {
            let (name, _) = found(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(name, "scaled_dot_product_attention");
        }
        assert_eq!(
            found("fn a() {}\n x.scaled_dot_product_attention()").map(|it| it.1),
            Some(2)
        );
    }

    #[test]
    fn what_does_not_divide_into_tokens_is_searched_by_words() {
        let forbidden = ["softmax".to_owned()];
        assert_eq!(
            in_words(&forbidden, "#!/it's\nx.f_softmax(0)"),
            Some(("softmax", 2))
        );
        assert_eq!(in_words(&forbidden, "#!/it's\nx.my_softmax(0)"), None);
    }

    #[test]
    fn a_first_line_of_the_shell_hides_nothing() {
        let forbidden = ["softmax".to_owned()];
        for first in ["#!/ \"", "\u{feff}#!/ \"", "#! /* \""] {
            let text = format!("{first}\nfn a(x: T) {{ x.softmax(0) }}\n// \"");
            assert_eq!(mention(&forbidden, &text), Some(("softmax".to_owned(), 2)));
        }
        let text = "#![allow(dead_code)]\n// softmax";
        assert_eq!(mention(&forbidden, text), None);
    }

    #[test]
    fn torchscript_is_refused_wherever_it_is_named() {
        for text in [
            "tch::CModule::load_data(x)",
            "use tch::{CModule as M};",
            "tch::jit::f()",
        ] {
            assert_eq!(foreign(text).map(|(line, _)| line), Some(1), "{text}");
        }
        assert_eq!(foreign("fn jitter() {}"), None);
    }

    #[test]
    fn groups_nest_as_deep_as_they_like() {
        let depth = 100_000;
        let text = format!(
            "{}scaled_dot_product_attention{}",
            "(".repeat(depth),
            ")".repeat(depth)
        );
        assert!(found(&text).is_some());
    }

    #[test]
    fn writing_about_it_is_no_use_of_it() {
        assert_eq!(
            found("// scaled_dot_product_attention\nfn a() { \"scaled_dot_product_attention\"; }"),
            None
        );
        assert_eq!(
            found("fn my_scaled_dot_product_attention_of_heads() {}"),
            None
        );
    }
}
