//! The watcher as lines of text: for pipes, small terminals and screen readers.

use super::model::Model;
use crate::terminal::style::mark;

/// News that the lines report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LineEvent {
    /// A run began.
    Began,
    /// A verdict came.
    Verdict,
    /// Another failure is to be shown.
    Failure,
    /// A text was asked for.
    Pane,
    /// Something else happened.
    Note(String),
    /// Something is asked.
    Question,
}

/// News, in lines.
pub(super) fn told(model: &Model, news: &LineEvent) -> String {
    let (folder, title) = &model.exercise;
    match news {
        LineEvent::Began => format!("checking {folder} …\n"),
        LineEvent::Verdict => {
            let Some(verdict) = &model.verdict else {
                return String::new();
            };
            let (headline, seconds) = (&verdict.headline, verdict.seconds);
            let mut text = format!("\n{folder} · {title}\n");
            text += &format!("{} {headline} · {seconds:.1} s\n", mark(verdict.is_done));
            for (is_good, change) in verdict.changes.lines() {
                text += &format!("{} {change}\n", mark(is_good));
            }
            text + &failure(model)
        }
        LineEvent::Failure => failure(model),
        LineEvent::Pane => {
            let pane = model.pane.as_ref();
            pane.map_or_else(String::new, |pane| {
                format!("\n{}\n\n{}\n", pane.title, shown(&pane.text))
            })
        }
        LineEvent::Note(note) => format!("{}\n", shown(note)),
        LineEvent::Question => {
            let question = model.question.as_deref().unwrap_or_default();
            format!("{question} y: yes, anything else: no\n")
        }
    }
}

/// The failure that is to be shown, and how many others there are.
fn failure(model: &Model) -> String {
    let Some(verdict) = &model.verdict else {
        return String::new();
    };
    let Some((number, failure)) = model.failure() else {
        return format!("\n{}\n\n", shown(&verdict.text));
    };
    let text = shown(failure.text.trim_matches('\n'));
    let count = verdict.failures.len();
    let place = match count {
        1 => String::new(),
        count => format!("failure {} of {count}; n: the next\n", number + 1),
    };
    format!("\n{text}\n\n{place}")
}

/// A text with its styles, and nothing else that acts on a terminal.
fn shown(text: &str) -> String {
    let lines = super::text::lines(text);
    let lines = lines.iter().map(super::text::with_styles);
    lines.collect::<Vec<_>>().join("\n")
}
