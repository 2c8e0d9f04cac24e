//! The first page, and the page of the course's README.

use crate::course::{Course, text};
use crate::frame::{ABOUT, HOME, Page, facts};
use crate::links::Links;
use crate::markdown::{Scope, render};
use crate::outline::{parse, parts};
use anyhow::Result;
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::HeadingLevel;
use std::path::Path;

/// The file that both are made of.
pub(crate) const README: &str = "README.md";

/// The two pages.
///
/// # Errors
/// Returns an error if the README cannot be read, or shows a picture that is not there.
pub(crate) fn pages(course: &Course, links: &Links) -> Result<[Page; 2]> {
    let readme = text(&course.root.join(README))?;
    let (intro, _) = parts(parse(&readme), HeadingLevel::H2);
    let intro = intro.len();
    let mut events = parse(&readme);
    let rest = events.split_off(intro);
    let scope = |page| Scope {
        file: Path::new(README),
        page,
        links,
        items: None,
        lower: 0,
        has_anchors: true,
    };
    let first = render(events, scope(HOME), &|_, _| None)?;
    let about = render(rest, scope(ABOUT), &|_, _| None)?;
    let title = if first.title.is_empty() {
        &course.title
    } else {
        &first.title
    };
    let home = Page {
        file: HOME.to_owned(),
        title: "Start".to_owned(),
        body: html! {
            article.home {
                h1 { (title) }
                div.intro { (PreEscaped(first.html)) }
                h2 #exercises { "The exercises" }
                (cards(course))
            }
        },
        sections: first.sections,
        is_live: first.is_live,
    };
    let about = Page {
        file: ABOUT.to_owned(),
        title: "About the course".to_owned(),
        body: html! { article { h1 { "About the course" } (PreEscaped(about.html)) } },
        sections: about.sections,
        is_live: about.is_live,
    };
    Ok([home, about])
}

fn cards(course: &Course) -> Markup {
    html! {
        ol.cards {
            @for exercise in &course.exercises {
                li {
                    a href=(exercise.handout()) {
                        span.number aria-hidden="true" { (exercise.number()) }
                        span.title { (exercise.title) }
                        @if !exercise.description.is_empty() {
                            span.description { (exercise.description) }
                        }
                        span.facts { (facts(exercise)) }
                    }
                }
            }
        }
    }
}
