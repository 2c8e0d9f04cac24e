//! The book of this course, and of a small one that does what it should not.

use book::course::Course;
use book::{Book, make};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The book of this course, made once.
static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let book = course().and_then(|course| Ok(make(&course)?));
    book.expect("a book")
});

fn course() -> Result<Course> {
    Ok(Course::read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
    )?)
}

/// The pages of a book, by file.
fn pages(book: &Book) -> Result<BTreeMap<&str, &str>> {
    let pages = book
        .files
        .iter()
        .filter(|(name, _)| name.ends_with(".html"));
    let texts = pages.map(|(name, content)| Ok((name.as_str(), std::str::from_utf8(content)?)));
    texts.collect()
}

/// The values of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    let values = html.split(&start).skip(1);
    values.filter_map(|it| it.split('"').next()).collect()
}

/// A small course: one exercise, whose texts are given.
struct Small {
    folder: tempfile::TempDir,
}

impl Small {
    fn new() -> Result<Self> {
        let small = Self {
            folder: tempfile::tempdir()?,
        };
        small.write(
            "Cargo.toml",
            "[workspace.metadata.course]\ntitle = \"A <b>course</b> & more\"\n",
        )?;
        small.write(
            "README.md",
            "# Small\n\nAll of it: [one](exercises/01-one).\n\n## More\n\nText.\n",
        )?;
        small.write(
            "exercises/01-one/Cargo.toml",
            "[package]\nname = \"one\"\n[package.metadata.exercise]\ntitle = \"One\"\nminutes = 5\ndifficulty = 1\n",
        )?;
        small.write(
            "exercises/01-one/README.md",
            "# 01 · One\n\n## Questions\n\n1. Why?\n2. How?\n",
        )?;
        small.write(
            "exercises/01-one/hints.md",
            "# Hints\n\n## Idea\n\n### one\n\nA nudge.\n\n## Calls\n\n### one\n\nNearly all.\n",
        )?;
        small.write(
            "exercises/01-one/src/lib.rs",
            "//! One.\n\n/// Gives 1.\npub fn one() -> u8 {\n    todo!()\n}\n",
        )?;
        small.write(
            "solutions/01-one/README.md",
            "# One\n\n## Why it is so\n\nBecause.\n\n## Answers\n\n**1. Since.** So.\n\n**2. Thus.** How.\n",
        )?;
        small.write(
            "solutions/01-one/src/lib.rs",
            "/// Gives 1.\npub fn one() -> u8 {\n    secret()\n}\nfn secret() -> u8 { 1 }\n",
        )?;
        Ok(small)
    }

    fn write(&self, name: &str, text: &str) -> Result {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        Ok(fs::write(path, text)?)
    }

    fn read(&self) -> Result<Course> {
        Ok(Course::read(self.folder.path())?)
    }

    fn book(&self) -> Result<Book> {
        Ok(make(&self.read()?)?)
    }

    fn page(&self, name: &str) -> Result<String> {
        let book = self.book()?;
        Ok(pages(&book)?[name].to_owned())
    }
}

#[test]
fn every_link_leads_to_a_page_and_an_anchor_that_are_there() -> Result {
    let book = &*BOOK;
    let pages = pages(book)?;
    let ids: BTreeMap<_, BTreeSet<_>> = pages
        .iter()
        .map(|(page, html)| (*page, values(html, "id").into_iter().collect()))
        .collect();
    let mut count = 0;
    for (page, html) in &pages {
        for link in values(html, "href").into_iter().chain(values(html, "src")) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { *page } else { file };
            assert!(book.files.contains_key(file), "{page}: {link}");
            let is_there = anchor.is_empty() || ids[file].contains(anchor);
            assert!(is_there, "{page}: {link}");
            count += 1;
        }
    }
    assert!(count > 500, "{count} links");
    Ok(())
}

#[test]
fn every_entry_of_the_search_leads_to_its_place() -> Result {
    let book = &*BOOK;
    let pages = pages(book)?;
    let script = std::str::from_utf8(&book.files["assets/index.js"])?;
    let json = script
        .trim()
        .strip_prefix("window.BOOK_INDEX = ")
        .and_then(|it| it.strip_suffix(';'));
    let entries: Vec<BTreeMap<String, serde_json::Value>> =
        serde_json::from_str(json.ok_or("no index")?)?;
    assert!(entries.len() > 150, "{} entries", entries.len());
    for entry in &entries {
        let to = entry["to"].as_str().ok_or("no place")?;
        let (file, anchor) = to.split_once('#').unwrap_or((to, ""));
        let is_there = anchor.is_empty() || values(pages[file], "id").contains(&anchor);
        assert!(is_there, "{to}");
    }
    let folded = entries.iter().filter(|it| it["folded"] == true).count();
    assert!(folded > 50, "{folded} folded parts");
    Ok(())
}

#[test]
fn handouts_link_only_to_what_the_book_has() -> Result {
    let book = &*BOOK;
    // The README also tells of files that are for instructors and maintainers.
    let left_out = book
        .left_out
        .iter()
        .filter(|(file, _)| file != Path::new("README.md"));
    assert_eq!(left_out.collect::<Vec<_>>(), [] as [&(PathBuf, String); 0]);
    Ok(())
}

#[test]
fn no_page_has_an_anchor_twice_nor_code_or_style_of_its_own() -> Result {
    let book = &*BOOK;
    for (page, html) in pages(book)? {
        let all = values(html, "id");
        let unique: BTreeSet<_> = all.iter().collect();
        let twice: Vec<_> = unique
            .iter()
            .filter(|id| all.iter().filter(|it| it == *id).count() > 1)
            .collect();
        assert!(twice.is_empty(), "{page}: {twice:?}");
        assert_eq!(values(html, "style"), [""; 0], "{page}");
        assert!(
            !html.contains("<style") && !html.contains("<script>"),
            "{page}"
        );
        let policy = values(html, "content")
            .into_iter()
            .find(|it| it.contains("default-src"));
        assert!(
            policy.is_some_and(|it| it.starts_with("default-src &#39;none&#39;")
                || it.starts_with("default-src 'none'")),
            "{page}"
        );
        for script in values(html, "src") {
            assert!(!script.contains("//"), "{page}: {script}");
        }
    }
    Ok(())
}

/// The public items of a source, as another reading of it gives them.
fn public_items(source: &str) -> Result<Vec<String>> {
    let mut items = vec![];
    for item in syn::parse_file(source)?.items {
        match item {
            syn::Item::Fn(it) if matches!(it.vis, syn::Visibility::Public(_)) => {
                items.push(it.sig.ident.to_string())
            }
            syn::Item::Struct(it) if matches!(it.vis, syn::Visibility::Public(_)) => {
                items.push(it.ident.to_string())
            }
            syn::Item::Enum(it) if matches!(it.vis, syn::Visibility::Public(_)) => {
                items.push(it.ident.to_string())
            }
            syn::Item::Impl(it) if it.trait_.is_none() => {
                let syn::Type::Path(of) = &*it.self_ty else {
                    continue;
                };
                let of = of.path.segments.last().ok_or("no name")?.ident.to_string();
                for part in it.items {
                    if let syn::ImplItem::Fn(method) = part
                        && matches!(method.vis, syn::Visibility::Public(_))
                    {
                        items.push(format!("{of}.{}", method.sig.ident));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(items)
}

#[test]
fn every_item_is_there_with_its_hints_and_every_question_with_its_answer() -> Result {
    let course = course()?;
    let book = &*BOOK;
    let pages = pages(book)?;
    for exercise in &course.exercises {
        let folder = course.root.join("exercises").join(&exercise.folder);
        let html = pages[exercise.functions().as_str()];
        let ids = values(html, "id");
        for file in fs::read_dir(folder.join("src"))? {
            for item in public_items(&fs::read_to_string(file?.path())?)? {
                assert!(ids.contains(&item.as_str()), "{}: {item}", exercise.folder);
            }
        }
        // Each hint is shown, for each of the names in its heading.
        let hints = fs::read_to_string(folder.join("hints.md"))?;
        let names = hints.lines().filter_map(|line| line.strip_prefix("### "));
        let names: Vec<_> = names.flat_map(|names| names.split(" and ")).collect();
        assert!(!names.is_empty());
        for name in &names {
            assert!(
                ids.contains(&format!("{name}.hints").as_str()),
                "{}: hints for {name}",
                exercise.folder
            );
        }
        assert_eq!(
            html.matches("<summary>Hint ").count(),
            names.len(),
            "{}",
            exercise.folder
        );

        let handout = fs::read_to_string(folder.join("README.md"))?;
        let questions = handout
            .split("\n## Questions")
            .nth(1)
            .ok_or("no questions")?;
        let questions = questions.split("\n## ").next().unwrap_or_default();
        let is_numbered = |line: &&str| {
            line.split_once(". ")
                .is_some_and(|(n, _)| n.parse::<u8>().is_ok())
        };
        let count = questions.lines().filter(is_numbered).count();
        let page = pages[exercise.handout().as_str()];
        assert_eq!(
            page.matches("<details class=\"answer\">").count(),
            count,
            "{}",
            exercise.folder
        );
        assert!(count > 3);
        assert!(
            html.matches("<details class=\"solution\"").count() > 2,
            "{}",
            exercise.folder
        );
    }
    Ok(())
}

#[test]
fn all_pictures_are_copied_and_described() -> Result {
    let book = &*BOOK;
    let mut count = 0;
    for (page, html) in pages(book)? {
        for image in html
            .split("<img ")
            .skip(1)
            .filter_map(|it| it.split('>').next())
        {
            let image = format!(" {image}");
            let source = values(&image, "src")[0];
            assert!(
                book.files[source].starts_with(b"\x89PNG"),
                "{page}: {source}"
            );
            assert!(values(&image, "alt")[0].len() > 10, "{page}: {source}");
            count += 1;
        }
    }
    assert!(count >= 3, "{count} pictures");
    Ok(())
}

#[test]
fn answers_and_solutions_are_folded() -> Result {
    let small = Small::new()?;
    let handout = small.page("01-one.html")?;
    let functions = small.page("01-one-functions.html")?;
    for (html, secret) in [
        (&handout, "So."),
        (&functions, "Because."),
        (&functions, "secret"),
        (&functions, "A nudge."),
    ] {
        let before = html.split(secret).next().unwrap_or_default();
        assert_ne!(before.len(), html.len(), "{secret} is not shown");
        let opened = before.matches("<details").count();
        assert!(
            opened > before.matches("</details>").count(),
            "{secret} is not folded"
        );
    }
    assert!(!handout.contains("<details open") && !functions.contains("<details open"));
    Ok(())
}

#[test]
fn nothing_of_a_solution_is_in_the_book_where_it_is_withheld_or_not_there() -> Result {
    let secrets = ["secret", "Because.", "Since.", "Thus."];
    let all = |small: &Small| -> Result<String> {
        let book = small.book()?;
        let texts = book
            .files
            .values()
            .map(|it| String::from_utf8_lossy(it).into_owned());
        Ok(texts.collect())
    };
    let small = Small::new()?;
    for secret in secrets {
        assert!(all(&small)?.contains(secret), "{secret}");
    }
    small.write(
        "Cargo.toml",
        "[workspace.metadata.course]\ntitle = \"Small\"\nsolutions = \"withheld\"\n",
    )?;
    for secret in secrets {
        assert!(!all(&small)?.contains(secret), "{secret} is withheld");
    }
    assert!(all(&small)?.contains("A nudge."), "hints are no solution");

    let released = Small::new()?;
    fs::remove_dir_all(released.folder.path().join("solutions"))?;
    for secret in secrets {
        assert!(!all(&released)?.contains(secret), "{secret} is not there");
    }
    Ok(())
}

#[test]
fn a_setting_of_solutions_that_is_not_known_is_an_error() -> Result {
    let small = Small::new()?;
    small.write(
        "Cargo.toml",
        "[workspace.metadata.course]\ntitle = \"Small\"\nsolutions = \"witheld\"\n",
    )?;
    let error = small.book().expect_err("a misspelt word").to_string();
    assert!(error.contains("\"witheld\" is neither"), "{error}");
    Ok(())
}

#[test]
fn nothing_that_a_file_says_becomes_markup() -> Result {
    let small = Small::new()?;
    let hostile = "<script>alert(1)</script>";
    let text = format!(
        "# 01 · {hostile}\n\n{hostile}\n\ntext {hostile} <img src=x onerror=alert(1)>\n\n## {hostile} \"'\n\n\
         [a](javascript:alert(1)) [b](data:text/html,x) [c](<https://example.org/\" onclick=\"x>)\n\n\
         ```text\n{hostile}\n```\n\n```rust\n{hostile}\n```\n\n`{hostile}`\n\n\
         | {hostile} |\n|---|\n| {hostile} |\n\n<!-- comment -->\n\n<details open><summary>x</summary></details>\n"
    );
    small.write("exercises/01-one/README.md", &text)?;
    small.write(
        "exercises/01-one/src/lib.rs",
        &format!("/// {hostile}\npub fn one() -> u8 {{\n    todo!()\n}}\n"),
    )?;
    small.write(
        "solutions/01-one/README.md",
        &format!("## Why {hostile}\n\n{hostile}\n"),
    )?;
    let book = small.book()?;
    for (page, html) in pages(&book)? {
        assert!(!html.contains("<script>"), "{page}");
        assert!(!html.contains("<img src=x"), "{page}");
        assert!(!html.contains(" onclick=\"x"), "{page}");
        assert!(
            !html.contains("javascript:alert") || !html.contains("href=\"javascript"),
            "{page}"
        );
        assert!(!html.contains("href=\"data:"), "{page}");
        assert!(!html.contains("<b>course"), "{page}");
        assert!(!html.contains("<details open"), "{page}");
        assert!(!html.contains("<!-- comment"), "{page}");
    }
    Ok(())
}

#[test]
fn a_figure_or_picture_that_is_not_there_is_an_error_that_names_file_and_marker() -> Result {
    let small = Small::new()?;
    for (text, part) in [
        (
            "<!-- figure: atention -->\n",
            "there is no figure \"atention\"",
        ),
        (
            "<!-- figure: attention -->\n",
            "no text block before it holds q, k and v",
        ),
        (
            "![A picture](none.png)\n",
            "cannot read the picture none.png",
        ),
        (
            "![A picture](../../../none.png)\n",
            "not below the course's folder",
        ),
    ] {
        small.write("exercises/01-one/README.md", text)?;
        let error = make(&small.read()?).expect_err(text);
        let error = format!("{error:#}");
        assert!(
            error.contains("exercises/01-one/README.md") && error.contains(part),
            "{error}"
        );
    }
    Ok(())
}

#[test]
fn the_same_course_makes_the_same_book() -> Result {
    let course = course()?;
    assert_eq!(make(&course)?.files, BOOK.files);
    Ok(())
}
