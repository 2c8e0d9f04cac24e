//! The frame of a page: head, contents, search, theme, links to the previous and the next page.

use crate::course::{Course, Exercise};
use crate::markdown::Section;
use maud::{DOCTYPE, Markup, html};

/// The policy of all pages: nothing but the book's own files, and no code or style within a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     font-src 'self'; base-uri 'none'; form-action 'none'";

/// The first page.
pub(crate) const HOME: &str = "index.html";

/// The page of the course's README.
pub(crate) const ABOUT: &str = "course.html";

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    /// The file.
    pub(crate) file: String,
    /// The title, also of the window.
    pub(crate) title: String,
    /// The content of the page.
    pub(crate) body: Markup,
    /// Its sections, for the contents and the search.
    pub(crate) sections: Vec<Section>,
    /// True if it holds an interactive figure.
    pub(crate) is_live: bool,
}

/// A page as HTML.
pub(crate) fn html(course: &Course, pages: &[Page], at: usize) -> String {
    let page = &pages[at];
    let title = match page.file == HOME {
        true => course.title.clone(),
        false => format!("{} · {}", page.title, course.title),
    };
    let before = at.checked_sub(1).map(|at| &pages[at]);
    let after = pages.get(at + 1);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href="assets/book.css";
                script src="assets/theme.js" {}
                script src="assets/index.js" defer {}
                script src="assets/book.js" defer {}
                @if page.is_live { script src="assets/figures.js" defer {} }
            }
            body {
                a.skip href="#main" { "Skip to the text" }
                header.top {
                    button.open-contents type="button" popovertarget="contents" { "Contents" }
                    a.name href=(HOME) { (course.title) }
                    div.search role="search" hidden {
                        input #search type="search" placeholder="Search" aria-label="Search the book"
                            aria-describedby="search-help" autocomplete="off" spellcheck="false";
                        span #search-help hidden { "Results appear below while you type. The slash key leads here." }
                        div.results hidden {
                            p.count role="status" {}
                            ol {}
                        }
                    }
                    button.theme type="button" hidden { "Theme" }
                }
                nav #contents popover aria-label="Contents" { (contents(course, page)) }
                main #main tabindex="-1" {
                    (page.body)
                    nav.ways aria-label="Previous and next page" {
                        @if let Some(before) = before { a.before href=(before.file) { span { "Previous" } " " (before.title) } }
                        @if let Some(after) = after { a.after href=(after.file) { span { "Next" } " " (after.title) } }
                    }
                }
            }
        }
    };
    markup.into_string()
}

/// The list of all pages, with the sections of the one that is shown.
fn contents(course: &Course, page: &Page) -> Markup {
    let entry = |file: &str, title: Markup| {
        let is_here = page.file == file;
        html! {
            li {
                a href=(file) aria-current=[is_here.then_some("page")] { (title) }
                @if is_here { (sections(page)) }
            }
        }
    };
    html! {
        ul.pages {
            (entry(HOME, html! { "Start" }))
            (entry(ABOUT, html! { "About the course" }))
        }
        ol.pages {
            @for exercise in &course.exercises {
                @let is_open = [exercise.handout(), exercise.functions()].contains(&page.file);
                li class=[is_open.then_some("open")] {
                    a href=(exercise.handout()) aria-current=[(page.file == exercise.handout()).then_some("page")] {
                        span.number { (exercise.number()) } " " (exercise.title)
                    }
                    @if is_open {
                        @if page.file == exercise.handout() { (sections(page)) }
                        ul {
                            li {
                                a.functions href=(exercise.functions())
                                    aria-current=[(page.file == exercise.functions()).then_some("page")] {
                                    "Functions, hints, solution"
                                }
                                @if page.file == exercise.functions() { (sections(page)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn sections(page: &Page) -> Markup {
    let sections = || page.sections.iter().filter(|it| it.level == 2);
    html! {
        @if sections().next().is_some() {
            ul.sections {
                @for section in sections() {
                    li { a href={ "#" (section.anchor) } { (section.title) } }
                }
            }
        }
    }
}

/// The facts of an exercise in a line.
pub(crate) fn facts(exercise: &Exercise) -> Markup {
    let library = if exercise.uses_torch {
        "tch"
    } else {
        "ndarray"
    };
    html! {
        span { (duration(exercise.minutes)) }
        span.difficulty role="img" aria-label={ "difficulty " (exercise.difficulty) " of 5" } {
            @for level in 1..=5 { span.dot.full[level <= exercise.difficulty] {} }
        }
        span { (library) }
    }
}

/// A time as people say it.
fn duration(minutes: u32) -> String {
    let quarter = |minutes: u32| match minutes % 60 {
        0 => "",
        15 => "¼",
        30 => "½",
        _ => "¾",
    };
    match minutes {
        0..90 => format!("about {minutes} minutes"),
        // To the quarter of an hour.
        minutes => {
            let rounded = (minutes + 7) / 15 * 15;
            format!("about {}{} hours", rounded / 60, quarter(rounded))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_minutes_and_then_in_hours() {
        for (minutes, said) in [
            (60, "60 minutes"),
            (90, "1½ hours"),
            (120, "2 hours"),
            (285, "4¾ hours"),
        ] {
            assert_eq!(duration(minutes), format!("about {said}"));
        }
    }
}
