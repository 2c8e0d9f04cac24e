//! The page of an exercise's functions: their documentation, hints tier by tier, and the solution, the last two folded.

use crate::code;
use crate::course::{Course, Exercise, text};
use crate::frame::Page;
use crate::handout::head;
use crate::links::Links;
use crate::markdown::{Scope, Section, render};
use crate::outline::{Hint, hints, is_answers, parse, parts};
use crate::search::{Entry, squeezed};
use crate::source::{Item, Piece, Source};
use anyhow::{Context, Result};
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, HeadingLevel};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A page of functions, and what is folded away on it, for the search.
pub(crate) struct Functions {
    /// The page.
    pub(crate) page: Page,
    /// The folded parts.
    pub(crate) folded: Vec<Entry>,
}

/// The sources of an exercise or a solution, `lib.rs` first, each with its module's name.
pub(crate) fn sources(course: &Course, folder: &Path) -> Result<Vec<(PathBuf, Source)>> {
    let src = folder.join("src");
    let path = course.root.join(&src);
    let says = || format!("cannot read {}", path.display());
    let mut names = vec![];
    for entry in fs::read_dir(&path).with_context(says)? {
        let name = PathBuf::from(entry.with_context(says)?.file_name());
        if name.extension().is_some_and(|it| it == "rs") {
            names.push(name);
        }
    }
    names.sort_by_key(|name| (name.as_os_str() != "lib.rs", name.clone()));
    let read = |name: PathBuf| {
        let file = src.join(name);
        let source = Source::parse(&text(&course.root.join(&file))?, &file)?;
        Ok((file, source))
    };
    names.into_iter().map(read).collect()
}

/// The anchor of an item.
fn anchor(path: &str) -> String {
    path.replace("::", ".")
}

/// The name of a file's module; none of the root's.
fn module(file: &Path) -> Option<String> {
    let name = file.file_stem()?.to_string_lossy().into_owned();
    (name != "lib").then_some(name)
}

/// The anchors of all items, by the names that documentation may use.
fn names(sources: &[(PathBuf, Source)]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (file, source) in sources {
        for item in source
            .items
            .iter()
            .flat_map(|item| std::iter::once(item).chain(&item.methods))
        {
            if let Some(module) = module(file) {
                names.insert(format!("{module}::{}", item.path), anchor(&item.path));
            }
            names.insert(item.path.clone(), anchor(&item.path));
        }
    }
    names
}

/// All that a page of functions is made of.
struct PageParts<'a> {
    exercise: &'a Exercise,
    scope: Scope<'a>,
    hints: Vec<Hint<'a>>,
    hints_file: &'a Path,
    solution: Option<Vec<(PathBuf, Source)>>,
    items: &'a BTreeMap<String, String>,
    folded: Vec<Entry>,
    sections: Vec<Section>,
}

/// The page.
///
/// # Errors
/// Returns an error if a text or source cannot be read.
pub(crate) fn page(course: &Course, exercise: &Exercise, links: &Links) -> Result<Functions> {
    let folder = Path::new("exercises").join(&exercise.folder);
    let all = sources(course, &folder)?;
    let items = names(&all);
    let hints_file = folder.join("hints.md");
    let has_hints = course.root.join(&hints_file).is_file();
    let hints_text = if has_hints {
        text(&course.root.join(&hints_file))?
    } else {
        String::new()
    };
    let solution = course.solution(exercise);
    let file = exercise.functions();
    let mut parts = PageParts {
        exercise,
        scope: Scope {
            file: &all[0].0,
            page: &file,
            links,
            items: Some((&items, None)),
            lower: 2,
            has_anchors: false,
        },
        hints: hints(&hints_text),
        hints_file: &hints_file,
        solution: solution
            .as_ref()
            .map(|folder| sources(course, folder))
            .transpose()?,
        items: &items,
        folded: vec![],
        sections: vec![],
    };
    let mut bodies = vec![];
    for (path, source) in &all {
        bodies.push(parts.file(path, source)?);
    }
    let why = match solution.map(|folder| folder.join("README.md")) {
        Some(path) if course.root.join(&path).is_file() => {
            parts.why(&path, &text(&course.root.join(&path))?)?
        }
        _ => html! {},
    };
    let rest = parts.rest();
    let title = format!("{}: functions", exercise.title);
    let PageParts {
        folded, sections, ..
    } = parts;
    let body = html! {
        article {
            (head(exercise, &html! { h1 { (exercise.title) span.quiet { ": functions, hints, solution" } } }, false))
            @for body in bodies { (body) }
            (why)
            (rest)
        }
    };
    let page = Page {
        file: file.clone(),
        title,
        body,
        sections,
        is_live: false,
    };
    Ok(Functions { page, folded })
}

impl<'a> PageParts<'a> {
    fn file(&mut self, path: &Path, source: &Source) -> Result<Markup> {
        let mut items = vec![];
        for item in &source.items {
            items.push(self.item(item, path)?);
        }
        let docs = self.docs(&source.docs, None, 2, path)?;
        Ok(html! {
            div.module-docs {
                @if let Some(module) = module(path) { p.eyebrow { "module " code { (module) } } }
                (docs)
            }
            @for item in items { (item) }
        })
    }

    fn docs(&self, docs: &str, of: Option<&str>, lower: usize, path: &Path) -> Result<Markup> {
        let scope = Scope {
            file: path,
            items: Some((self.items, of)),
            lower,
            ..self.scope
        };
        Ok(PreEscaped(render(parse(docs), scope, &|_, _| None)?.html))
    }

    fn item(&mut self, item: &Item, path: &Path) -> Result<Markup> {
        let docs = self.docs(&item.docs, Some(&item.path), 2, path)?;
        let mut members = vec![];
        for (name, docs) in &item.parts {
            members.push((name, self.docs(docs, Some(&item.path), 2, path)?));
        }
        let mut methods = vec![];
        for method in &item.methods {
            methods.push((method, self.docs(&method.docs, Some(&item.path), 3, path)?));
        }
        self.sections.push(Section {
            level: 2,
            anchor: anchor(&item.path),
            title: item.path.clone(),
            words: words(item),
        });
        let hints = self.hints_of(&item.path)?;
        let solution = if item.is_open {
            self.solution_of(&item.path)
        } else {
            None
        };
        Ok(html! {
            section.item {
                h2 id=(anchor(&item.path)) {
                    code { (item.path) }
                    span.kind { (item.kind) @if item.is_open { ", to be written" } }
                    a.anchor href={ "#" (anchor(&item.path)) } aria-label={ "Link to: " (item.path) } { "#" }
                }
                div.scroll { (code::rust(&item.signature)) }
                (docs)
                @if !members.is_empty() {
                    dl.parts {
                        @for (name, docs) in &members { dt { code { (name) } } dd { (docs) } }
                    }
                }
                @for (method, docs) in methods {
                    section.method {
                        h3 id=(anchor(&method.path)) { code { (method.path) } }
                        div.scroll { (code::rust(&method.signature)) }
                        (docs)
                    }
                }
                (hints)
                @if let Some(solution) = solution { (solution) }
            }
        })
    }

    fn hints_of(&mut self, name: &str) -> Result<Markup> {
        let mut tiers = vec![];
        for hint in self
            .hints
            .iter()
            .filter(|it| it.names.iter().any(|it| it == name))
        {
            tiers.push((
                &hint.tier,
                self.folded_text(hint.events.clone(), self.hints_file)?,
            ));
        }
        if tiers.is_empty() {
            return Ok(html! {});
        }
        let id = format!("{name}.hints");
        let html = html! {
            div.hints id=(id) {
                @for (n, (tier, html)) in tiers.iter().enumerate() {
                    details {
                        summary { "Hint " (n + 1) " of " (tiers.len()) ": " (tier) span.quiet { " for " (name) } }
                        (html)
                    }
                }
            }
        };
        self.fold(&id, &format!("Hints for {name}"), &html);
        Ok(html)
    }

    fn solution_of(&mut self, name: &str) -> Option<Markup> {
        let solution = self.solution.as_ref()?;
        let pieces = solution.iter().flat_map(|(_, source)| &source.pieces);
        let codes = pieces
            .filter(|it| it.owner.as_deref() == Some(name))
            .map(|it| it.code.as_str());
        let code = codes.collect::<Vec<_>>().join("\n\n");
        if code.is_empty() {
            return None;
        }
        let id = format!("{name}.solution");
        let html = html! {
            details.solution id=(id) {
                summary { "Solution" span.quiet { " of " (name) } }
                div.scroll { (code::rust(&code)) }
            }
        };
        self.fold(&id, &format!("Solution of {name}"), &html);
        Some(html)
    }

    /// The solution's explanations.
    fn why(&mut self, file: &Path, text: &str) -> Result<Markup> {
        let (_, sections) = parts(parse(text), HeadingLevel::H2);
        let mut folds = vec![];
        for (n, (title, events)) in sections.into_iter().enumerate() {
            if is_answers(&title) {
                continue;
            }
            let id = format!("why-{}", n + 1);
            let html = self.folded_text(events, file)?;
            self.fold(&id, &format!("The solution: {title}"), &html);
            folds.push(html! { details.solution id=(id) { summary { (title) } (html) } });
        }
        if folds.is_empty() {
            return Ok(html! {});
        }
        self.sections.push(Section {
            level: 2,
            anchor: "the-solution".to_owned(),
            title: "The solution".to_owned(),
            words: String::new(),
        });
        Ok(html! {
            h2 #the-solution { "The solution" }
            p { "The code of each function stands folded below it, above." }
            @for fold in folds { (fold) }
        })
    }

    /// The rest of the solution besides the functions that are shown: imports, and helpers of its own.
    fn rest(&mut self) -> Markup {
        let shown = |piece: &Piece| {
            piece
                .owner
                .as_ref()
                .is_some_and(|it| self.items.contains_key(it))
        };
        let sources = self.solution.iter().flatten();
        let pieces = sources
            .flat_map(|(_, source)| &source.pieces)
            .filter(|it| !shown(it));
        let code: Vec<_> = pieces.map(|it| it.code.as_str()).collect();
        if code.is_empty() {
            return html! {};
        }
        let html = html! {
            details.solution #the-rest {
                summary { "Imports and helpers of the solution" }
                div.scroll { (code::rust(&code.join("\n\n"))) }
            }
        };
        self.fold("the-rest", "Imports and helpers of the solution", &html);
        html
    }

    fn folded_text(&self, events: Vec<Event<'_>>, file: &Path) -> Result<Markup> {
        let scope = Scope {
            file,
            items: None,
            ..self.scope
        };
        Ok(PreEscaped(render(events, scope, &|_, _| None)?.html))
    }

    fn fold(&mut self, id: &str, title: &str, html: &Markup) {
        self.folded.push(Entry {
            to: format!("{}#{id}", self.exercise.functions()),
            title: title.to_owned(),
            page: self.exercise.title.clone(),
            words: squeezed(&without_tags(&html.0)),
            folded: true,
        });
    }
}

/// The words of an item's documentation and names.
fn words(item: &Item) -> String {
    let methods = item
        .methods
        .iter()
        .map(|it| format!("{} {}", it.path, it.docs));
    let parts = item
        .parts
        .iter()
        .map(|(name, docs)| format!("{name} {docs}"));
    let all = std::iter::once(item.docs.clone())
        .chain(methods)
        .chain(parts);
    let words = all.map(|docs| {
        let events = parse(&docs).into_iter().map(|event| match event {
            Event::Text(text) | Event::Code(text) => text.into_string(),
            _ => " ".to_owned(),
        });
        events.collect::<String>()
    });
    squeezed(&words.collect::<Vec<_>>().join(" "))
}

/// The text of HTML that this crate made.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text += piece.split_once('>').map_or(piece, |(_, after)| after);
        text.push(' ');
    }
    for (entity, sign) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, sign);
    }
    text
}
