//! The structure of Markdown texts: headings, sections, hints, answers.

use crate::links::Anchors;
use pulldown_cmark::{BrokenLink, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// The marker before a section that the book leaves out.
const LEFT_OUT: &str = "not in the book";

/// The events of a Markdown text. HTML within a line is text, and comments are left out.
pub(crate) fn parse(text: &str) -> Vec<Event<'_>> {
    // A name in brackets is a link of documentation to an item, where there is one.
    let name = |link: BrokenLink<'_>| {
        let name = link.reference.trim_matches('`').to_owned();
        let is_item = link.reference.starts_with('`');
        is_item.then(|| (CowStr::from(name), CowStr::from("")))
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_with_broken_link_callback(text, options, Some(name));
    let events = events.filter_map(|event| match event {
        Event::InlineHtml(text) => comment(&text).is_none().then_some(Event::Text(text)),
        event => Some(event),
    });
    events.collect()
}

/// The anchors that the sections of a text have in the book.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let mut anchors = Anchors::default();
    let mut found = vec![];
    let events = without_left_out(parse(text));
    let mut events = events.into_iter();
    while let Some(event) = events.next() {
        if let Event::Start(Tag::Heading { level, .. }) = event {
            let heading: Vec<_> = events
                .by_ref()
                .take_while(|it| !is_heading_end(it))
                .collect();
            if level != HeadingLevel::H1 {
                found.push(anchors.of(&plain(&heading)));
            }
        }
    }
    found
}

/// A heading's words, and what stands below it.
pub(crate) type Part<'e> = (String, Vec<Event<'e>>);

/// The events before the first heading of a level, and the parts below each of them.
pub(crate) fn parts(
    events: Vec<Event<'_>>,
    level: HeadingLevel,
) -> (Vec<Event<'_>>, Vec<Part<'_>>) {
    let mut before = vec![];
    let mut parts: Vec<Part<'_>> = vec![];
    let mut events = events.into_iter();
    while let Some(event) = events.next() {
        if matches!(&event, Event::Start(Tag::Heading { level: of, .. }) if *of == level) {
            let heading: Vec<_> = events
                .by_ref()
                .take_while(|it| !is_heading_end(it))
                .collect();
            parts.push((plain(&heading), vec![]));
            continue;
        }
        match parts.last_mut() {
            Some((_, below)) => below.push(event),
            None => before.push(event),
        }
    }
    (before, parts)
}

/// A hint.
#[derive(Clone, Debug)]
pub(crate) struct Hint<'e> {
    /// The tier, from a nudge to nearly the code.
    pub(crate) tier: String,
    /// The functions and types that it is for.
    pub(crate) names: Vec<String>,
    /// The text.
    pub(crate) events: Vec<Event<'e>>,
}

/// The hints of a file: tiers, and in each of them the functions.
pub(crate) fn hints(text: &str) -> Vec<Hint<'_>> {
    let (_, tiers) = parts(parse(text), HeadingLevel::H2);
    let tiers = tiers.into_iter().flat_map(|(tier, events)| {
        let (_, parts) = parts(events, HeadingLevel::H3);
        parts.into_iter().map(move |(names, events)| Hint {
            tier: tier.clone(),
            names: names
                .replace(" and ", ", ")
                .split(", ")
                .map(str::to_owned)
                .collect(),
            events,
        })
    });
    tiers.collect()
}

/// The answers of a solution's text, each with its question's number, from the section of that name: paragraphs that begin
/// with `**1. …**`, and what follows them.
pub(crate) fn answers(text: &str) -> Vec<(u64, Vec<Event<'_>>)> {
    let (_, sections) = parts(parse(text), HeadingLevel::H2);
    let section = sections.into_iter().find(|(title, _)| is_answers(title));
    let mut answers: Vec<(u64, Vec<Event<'_>>)> = vec![];
    for event in section.map(|(_, events)| events).unwrap_or_default() {
        let is_first = answers.last().is_none_or(|(_, events)| {
            matches!(
                events.as_slice(),
                [.., Event::Start(Tag::Paragraph), Event::Start(Tag::Strong)]
            )
        });
        let number = match &event {
            Event::Text(text) => text
                .split_once('.')
                .and_then(|(number, rest)| Some((number.parse().ok()?, rest.trim().to_owned()))),
            _ => None,
        };
        match (number, answers.last_mut()) {
            (Some((number, rest)), Some((_, events))) if is_first => {
                // The paragraph is the new answer's.
                let start = events.split_off(events.len() - 2);
                answers.push((number, start));
                if let Some((_, events)) = answers.last_mut() {
                    events.push(Event::Text(rest.into()));
                }
            }
            (_, Some((_, events))) => events.push(event),
            (_, None) => answers.push((0, vec![event])),
        }
    }
    answers.retain(|(number, _)| *number > 0);
    answers
}

/// Returns whether a section of a solution's text holds the answers.
pub(crate) fn is_answers(title: &str) -> bool {
    title.starts_with("Answers")
}

/// Returns whether a section of a handout holds the questions.
pub(crate) fn is_questions(title: &str) -> bool {
    title.starts_with("Questions")
}

/// The text of a comment, where the whole text is one.
pub(crate) fn comment(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    (!inner.contains("-->")).then_some(inner.trim())
}

/// Events without the sections that a comment before their headings leaves out.
pub(crate) fn without_left_out(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut kept = vec![];
    let mut is_marked = false;
    let mut left_out: Option<HeadingLevel> = None;
    for event in events {
        if let Event::Html(text) = &event
            && comment(text) == Some(LEFT_OUT)
        {
            is_marked = true;
        }
        if let Event::Start(Tag::Heading { level, .. }) = &event {
            let continues = left_out.is_some_and(|of| *level > of);
            left_out = match is_marked {
                true => Some(*level),
                false if continues => left_out,
                false => None,
            };
            is_marked = false;
        }
        if left_out.is_none() {
            kept.push(event);
        }
    }
    kept
}

pub(crate) fn is_heading_end(event: &Event<'_>) -> bool {
    matches!(event, Event::End(TagEnd::Heading(_)))
}

/// The words of events.
pub(crate) fn plain(events: &[Event<'_>]) -> String {
    let words = events.iter().map(|event| match event {
        Event::Text(text) | Event::Code(text) => text,
        Event::SoftBreak | Event::HardBreak => " ",
        _ => "",
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_read_by_tier_and_by_each_of_their_names() {
        let hints = hints(
            "# Hints\n\n## Idea\n\n### a and b\n\nText.\n\n### C\n\nMore.\n\n## Shapes\n\n### C\n\nN.\n",
        );
        let read: Vec<_> = hints
            .iter()
            .map(|it| (it.tier.as_str(), it.names.join("+")))
            .collect();
        let expected = [("Idea", "a+b"), ("Idea", "C"), ("Shapes", "C")];
        assert_eq!(read, expected.map(|(tier, names)| (tier, names.to_owned())));
        assert_eq!(plain(&hints[1].events), "More.");
    }

    #[test]
    fn an_answer_goes_on_until_the_next_number() {
        let text = "## Why\n\n**1. No.** x\n\n## Answers to it\n\nBefore.\n\n**1. One.** A **2. b** c.\n\n- d\n\n**2.** Two. E.\n\n## After\n\n**3. No.** f\n";
        let answers = answers(text);
        let read: Vec<_> = answers
            .iter()
            .map(|(number, events)| (*number, plain(events)))
            .collect();
        let expected = [(1, "One. A 2. b c.d"), (2, " Two. E.")];
        assert_eq!(
            read,
            expected.map(|(number, words)| (number, words.to_owned()))
        );
    }

    #[test]
    fn a_section_that_is_marked_is_left_out_with_those_below_it() {
        let text = "# A\n\n## B\n\nb\n\n<!-- not in the book -->\n\n## C\n\nc\n\n### D\n\nd\n\n## E\n\ne\n";
        assert_eq!(anchors(text), ["b", "e"]);
    }
}
