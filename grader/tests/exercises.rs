//! No code of the grader names an exercise: what it knows of them stands in their own folders. Tests and fixtures aside, and
//! benchmarks, which time some of them for the README.

use grader::course::Course;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Parts of the grader that are tests and fixtures, or time exercises.
const ASIDE: [&str; 5] = ["authoring", "benches", "template", "testdata", "tests"];

/// Words that name an exercise's crate and have another meaning, too: an argument of a model's configuration.
const OTHERWISE: [&str; 1] = ["positions"];

/// The names that code could use, and the places where it does.
struct Search<'a> {
    folders: &'a [String],
    crates: &'a [String],
    file: &'a Path,
    found: Vec<String>,
}

impl Search<'_> {
    fn is_folder(&self, text: &str) -> bool {
        self.folders
            .iter()
            .any(|folder| text.contains(folder.as_str()))
    }

    fn is_crate(&self, word: &str) -> bool {
        let word = word.replace('-', "_");
        let word = word.strip_suffix("_solution").unwrap_or(&word);
        self.crates.iter().any(|name| name == word)
    }

    fn keep(&mut self, what: &str) {
        self.found.push(format!("{}: {what}", self.file.display()));
    }
}

impl<'a> Visit<'a> for Search<'_> {
    /// Docs may give examples.
    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}

    fn visit_lit_str(&mut self, literal: &'a syn::LitStr) {
        let text = literal.value();
        let is_name = self.is_crate(&text) && !OTHERWISE.contains(&text.as_str());
        if is_name || self.is_folder(&text) {
            self.keep(&format!("{text:?}"));
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let first = path.segments.first().map(|it| it.ident.to_string());
        if path.segments.len() > 1
            && let Some(first) = first.filter(|it| self.is_crate(it))
        {
            self.keep(&format!("{first}::…"));
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if let syn::UseTree::Path(path) = &item.tree {
            let first = path.ident.to_string();
            if self.is_crate(&first) {
                self.keep(&format!("use {first}"));
            }
        }
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        // Arguments of macros are tokens: literals are looked for among them.
        let mut tokens: Vec<_> = called.tokens.clone().into_iter().collect();
        while let Some(token) = tokens.pop() {
            match token {
                proc_macro2::TokenTree::Group(group) => tokens.extend(group.stream()),
                proc_macro2::TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.visit_lit_str(&text);
                    }
                }
                _ => {}
            }
        }
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if item.ident != "tests" && item.ident != "testing" {
            visit::visit_item_mod(self, item);
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_aside = ASIDE.contains(&&*name) || ["tests.rs", "testing.rs"].contains(&&*name);
        if is_aside || name.starts_with('.') || name == "target" {
            continue;
        }
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

#[test]
fn no_code_names_an_exercise() -> Result {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = Course::open(&package.join(".."))?;
    let folders: Vec<_> = course.folders().into_iter().map(str::to_owned).collect();
    let crates: Vec<_> = course.exercises.iter().map(|it| it.name.clone()).collect();
    let mut files = vec![];
    collect(package, &mut files)?;
    let mut found = vec![];
    let mut sources = 0;
    for file in &files {
        let mut search = Search {
            folders: &folders,
            crates: &crates,
            file: file.strip_prefix(package)?,
            found: vec![],
        };
        match file.extension().and_then(|end| end.to_str()) {
            Some("rs") => {
                sources += 1;
                search.visit_file(&syn::parse_file(&fs::read_to_string(file)?)?);
            }
            Some("toml" | "py" | "cpp" | "h") => {
                for line in fs::read_to_string(file)?.lines() {
                    let words = line.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c)));
                    let names_solution = words
                        .filter(|word| word.ends_with("-solution") || word.ends_with("_solution"))
                        .any(|word| search.is_crate(word));
                    if search.is_folder(line) || names_solution {
                        search.keep(line.trim());
                    }
                }
            }
            _ => {}
        }
        found.extend(search.found);
    }
    assert!(sources > 150, "{sources} sources were read");
    assert_eq!(found, [""; 0]);
    Ok(())
}

/// The search finds what it looks for.
#[test]
fn names_are_found_wherever_code_can_have_them() -> Result {
    let (folders, crates) = (["01-one".to_owned()], ["one".to_owned()]);
    let found = |source: &str| -> Result<usize> {
        let mut search = Search {
            folders: &folders,
            crates: &crates,
            file: Path::new("x.rs"),
            found: vec![],
        };
        search.visit_file(&syn::parse_file(source)?);
        Ok(search.found.len())
    };
    for source in [
        "use one::two;",
        "use one_solution::two;",
        "fn f() { one::two() }",
        "fn f() { g(\"one\") }",
        "fn f() { g(\"exercises/01-one/src\") }",
        "fn f() { println!(\"{}\", [\"one\"]) }",
    ] {
        assert_eq!(found(source)?, 1, "{source}");
    }
    for source in [
        "// one\nfn one() {}",
        "fn f() { g(\"one more\") }",
        "mod tests { const A: &str = \"one\"; }",
    ] {
        assert_eq!(found(source)?, 0, "{source}");
    }
    Ok(())
}
