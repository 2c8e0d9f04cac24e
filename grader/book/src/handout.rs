//! The page of a handout, with the answers folded below its questions.

use crate::course::{Course, Exercise, text};
use crate::frame::{Page, facts};
use crate::links::Links;
use crate::markdown::{Scope, render};
use crate::outline::{answers, is_questions, parse};
use anyhow::Result;
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::Event;
use std::path::Path;

/// The page.
///
/// # Errors
/// Returns an error if a text cannot be read, or a figure or picture cannot be had.
pub(crate) fn page(course: &Course, exercise: &Exercise, links: &Links) -> Result<Page> {
    let file = Path::new("exercises")
        .join(&exercise.folder)
        .join("README.md");
    let handout = text(&course.root.join(&file))?;
    let page = exercise.handout();
    let scope = Scope {
        file: &file,
        page: &page,
        links,
        items: None,
        lower: 0,
        has_anchors: true,
    };
    let solution = course
        .solution(exercise)
        .map(|folder| folder.join("README.md"));
    let solution = solution.filter(|file| course.root.join(file).is_file());
    let solved = match &solution {
        Some(file) => text(&course.root.join(file))?,
        None => String::new(),
    };
    let mut folded = vec![];
    for (number, events) in answers(&solved) {
        folded.push((number, answer(events, &scope, solution.as_deref())?));
    }
    let after_item = |heading: &str, number: u64| {
        let answer = folded
            .iter()
            .find(|(of, _)| *of == number && is_questions(heading));
        answer.map(|(number, html)| {
            html! {
                details.answer {
                    summary { "Answer" span.quiet { " to question " (number) } }
                    (html)
                }
            }
        })
    };
    let rendered = render(parse(&handout), scope, &after_item)?;
    let body = html! {
        article {
            (head(exercise, &html! { h1 { (heading(&rendered.title, exercise)) } }, true))
            (PreEscaped(rendered.html))
        }
    };
    Ok(Page {
        file: page.clone(),
        title: heading(&rendered.title, exercise).to_owned(),
        body,
        sections: rendered.sections,
        is_live: rendered.is_live,
    })
}

/// A handout's heading without the number in front of it, which stands above.
fn heading<'a>(title: &'a str, exercise: &'a Exercise) -> &'a str {
    let rest = title.strip_prefix(exercise.number()).unwrap_or(title);
    let rest = rest.trim_start_matches([' ', '·']);
    if rest.is_empty() {
        &exercise.title
    } else {
        rest
    }
}

fn answer(events: Vec<Event<'_>>, scope: &Scope<'_>, file: Option<&Path>) -> Result<Markup> {
    let scope = Scope {
        file: file.unwrap_or(scope.file),
        has_anchors: false,
        ..*scope
    };
    Ok(PreEscaped(render(events, scope, &|_, _| None)?.html))
}

/// The head of an exercise's pages.
pub(crate) fn head(exercise: &Exercise, heading: &Markup, is_handout: bool) -> Markup {
    let here = |is_here: bool| is_here.then_some("page");
    html! {
        header.exercise {
            p.facts { span.eyebrow { "Exercise " (exercise.number()) } (facts(exercise)) }
            (heading)
            nav.tabs aria-label={ "Exercise " (exercise.number()) } {
                a href=(exercise.handout()) aria-current=[here(is_handout)] { "Handout" }
                a href=(exercise.functions()) aria-current=[here(!is_handout)] { "Functions, hints, solution" }
            }
        }
    }
}
