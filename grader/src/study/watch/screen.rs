//! The watcher drawn on a whole terminal.

use super::keys::KEYS;
use super::model::Model;
use super::text::{lines, wrapped};
use anyhow::{Context, Result};
use ratatui::backend::Backend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use ratatui::{Frame, Terminal};

/// The smallest terminal that is drawn on.
pub(super) const SMALLEST: (u16, u16) = (30, 10);

/// The most lines above the text that is shown.
const HEADER: usize = 6;

/// The extent of the last drawing, by which the text can be scrolled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ScrollExtent {
    /// The last line that can be the first one shown.
    pub(super) last_scroll: usize,
    /// The lines that are shown at a time.
    pub(super) page: usize,
}

/// Draws on a terminal.
///
/// # Errors
/// Returns an error if the terminal cannot be written.
pub(super) fn draw<B: Backend>(terminal: &mut Terminal<B>, model: &Model) -> Result<ScrollExtent>
where
    B::Error: Send + Sync + 'static,
{
    let mut drawn = ScrollExtent::default();
    terminal
        .draw(|frame| drawn = draw_frame(frame, model))
        .context("cannot write to the terminal")?;
    Ok(drawn)
}

fn draw_frame(frame: &mut Frame<'_>, model: &Model) -> ScrollExtent {
    let area = frame.area();
    let width = usize::from(area.width);
    let mut header = wrapped(&header(model), width);
    header.truncate(HEADER.min(usize::from(area.height) / 2));
    let keys = keys(model, width);
    let heights = [rows(&header), 1, 0, 1, rows(&keys)];
    let [top, over, body, under, bottom] = Layout::vertical([
        Constraint::Length(heights[0]),
        Constraint::Length(heights[1]),
        Constraint::Min(heights[2]),
        Constraint::Length(heights[3]),
        Constraint::Length(heights[4]),
    ])
    .areas(area);
    let rule = || Line::from(Span::styled("─".repeat(width), DIM));
    frame.render_widget(Paragraph::new(header), top);
    frame.render_widget(rule(), over);
    let drawn = draw_body(frame, body, model);
    frame.render_widget(rule(), under);
    if drawn.last_scroll > 0 && under.width > 24 {
        let shown = model.pane.as_ref().map_or(model.scroll, |pane| pane.scroll);
        let left = drawn.last_scroll.saturating_sub(shown);
        let more = match left {
            0 => " end ".to_owned(),
            left => format!(" ↓ {left} more "),
        };
        let place = Rect {
            x: under.x + 2,
            width: under.width - 4,
            ..under
        };
        frame.render_widget(Line::from(more), place);
    }
    frame.render_widget(Paragraph::new(keys), bottom);
    drawn
}

fn rows(lines: &[Line<'_>]) -> u16 {
    lines.len().try_into().unwrap_or(u16::MAX)
}

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const GOOD: Style = Style::new().fg(Color::Green).add_modifier(Modifier::BOLD);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// The exercise, its result, what changed and what happened.
fn header(model: &Model) -> Vec<Line<'static>> {
    let (folder, title) = &model.exercise;
    let mut header = vec![Line::from(vec![
        Span::styled(folder.clone(), BOLD),
        Span::raw(format!(" · {title}")),
    ])];
    let mut state = vec![];
    if let Some(verdict) = &model.verdict {
        let (mark, style) = mark(verdict.is_done);
        state.push(Span::styled(mark, style));
        let (headline, seconds) = (&verdict.headline, verdict.seconds);
        state.push(Span::raw(format!(" {headline} · {seconds:.1} s")));
    }
    if let Some(running) = &model.running {
        if !state.is_empty() {
            state.push(Span::raw(" · "));
        }
        let seconds = running.since.elapsed().as_secs();
        let time = match seconds {
            0 => String::new(),
            seconds => format!(" {seconds} s"),
        };
        state.push(Span::styled(format!("{} …{time}", running.stage), DIM));
    }
    header.push(Line::from(state));
    let changes = model
        .verdict
        .iter()
        .flat_map(|verdict| verdict.changes.lines());
    header.extend(changes.map(|(is_good, text)| {
        let (mark, style) = mark(is_good);
        Line::from(vec![
            Span::styled(mark, style),
            Span::raw(format!(" {text}")),
        ])
    }));
    if model.running.is_some() && !model.progress.is_empty() {
        header.extend(
            lines(&model.progress)
                .into_iter()
                .map(|line| line.style(DIM)),
        );
    }
    let notes = model.notes.iter().flat_map(|note| lines(note));
    header.extend(notes.map(|note| note.style(Style::new().fg(Color::Yellow))));
    header
}

fn mark(is_good: bool) -> (&'static str, Style) {
    if is_good { ("✓", GOOD) } else { ("✗", BAD) }
}

/// The text: the pane, or what the verdict says.
fn draw_body(frame: &mut Frame<'_>, area: Rect, model: &Model) -> ScrollExtent {
    let width = usize::from(area.width);
    let (scroll, text) = match &model.pane {
        Some(pane) => {
            let mut text = vec![
                Line::from(Span::styled(pane.title.clone(), BOLD)),
                Line::default(),
            ];
            text.extend(lines(&pane.text));
            (pane.scroll, text)
        }
        None => (model.scroll, of_verdict(model)),
    };
    let text = wrapped(&text, width);
    let page = usize::from(area.height);
    let last_scroll = text.len().saturating_sub(page);
    let shown: Vec<_> = text
        .into_iter()
        .skip(scroll.min(last_scroll))
        .take(page)
        .collect();
    frame.render_widget(Paragraph::new(shown), area);
    ScrollExtent { last_scroll, page }
}

fn of_verdict(model: &Model) -> Vec<Line<'static>> {
    let Some(verdict) = &model.verdict else {
        return vec![];
    };
    let Some((number, failure)) = model.failure() else {
        return lines(&verdict.text);
    };
    let count = verdict.failures.len();
    let mut text = vec![];
    if count > 1 {
        let place = format!("failure {} of {count}", number + 1);
        text.push(Line::from(Span::styled(place, DIM)));
    }
    text.extend(lines(failure.text.trim_matches('\n')));
    text
}

/// The line of keys, or the question that is asked; shorter where there is no room.
fn keys(model: &Model, width: usize) -> Vec<Line<'static>> {
    if let Some(question) = &model.question {
        let question = lines(question).into_iter();
        let mut question: Vec<_> = question.map(|line| line.style(BOLD)).collect();
        question.push(Line::from("y yes   any other key no"));
        return wrapped(&question, width);
    }
    let keys = |with_words: bool| {
        let mut spans = vec![];
        for (key, _, word, _) in KEYS {
            if !spans.is_empty() {
                spans.push(Span::raw(if with_words { "  " } else { " " }));
            }
            spans.push(Span::styled(key.to_string(), BOLD));
            if with_words {
                spans.push(Span::styled(format!(" {word}"), DIM));
            }
        }
        Line::from(spans)
    };
    let words = keys(true);
    vec![if words.width() <= width {
        words
    } else {
        keys(false)
    }]
}

#[cfg(test)]
mod tests {
    use super::super::model::{Pane, Running};
    use super::super::verdict::{Changes, Failure, Verdict};
    use super::*;
    use ratatui::backend::TestBackend;
    use std::time::Instant;

    fn model() -> Model {
        let failure = |name: &str, text: &str| Failure {
            name: name.to_owned(),
            text: text.to_owned(),
            item: None,
        };
        Model {
            exercise: ("01-sums".to_owned(), "Sums and means".to_owned()),
            verdict: Some(Verdict {
                headline: "3 of 5 tests pass".to_owned(),
                is_done: false,
                failures: vec![
                    failure(
                        "shape::a",
                        "\u{1b}[31m✗\u{1b}[0m shape::a\n\n    expected 3, got 4",
                    ),
                    failure(
                        "shape::b",
                        &format!("✗ shape::b\n\n    {}", "x".repeat(300)),
                    ),
                ],
                text: String::new(),
                changes: Changes {
                    fixed: vec!["drawn::c".to_owned()],
                    broken: vec!["shape::a".to_owned()],
                },
                seconds: 0.44,
            }),
            ..Model::default()
        }
    }

    fn shown(model: &Model, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        draw(&mut terminal, model).expect("it is drawn");
        let buffer = terminal.backend().buffer();
        let rows = buffer.content().chunks(usize::from(width.max(1)));
        let row = |cells: &[ratatui::buffer::Cell]| {
            let row: String = cells.iter().map(|cell| cell.symbol()).collect();
            row.trim_end().to_owned()
        };
        rows.map(row).collect()
    }

    #[test]
    fn the_screen_holds_exercise_result_changes_failure_and_keys() {
        let expected = [
            "01-sums · Sums and means",
            "✗ 3 of 5 tests pass · 0.4 s",
            "✓ fixed: drawn::c",
            "✗ newly broken: shape::a",
            "────────────────────────────────────────────────────────────────────────────────",
            "failure 1 of 2",
            "✗ shape::a",
            "",
            "    expected 3, got 4",
            "",
            "────────────────────────────────────────────────────────────────────────────────",
            "h hint  d diff  n next  p previous  l list  o handout  r again  x reset  ? help",
        ];
        let shown = shown(&model(), 90, 12);
        for (shown, expected) in shown.iter().zip(expected) {
            assert!(shown.starts_with(expected), "{shown}\n{expected}");
        }
    }

    #[test]
    fn forty_columns_lose_nothing_of_the_text() {
        let mut model = model();
        model.step(true);
        let shown = shown(&model, 40, 24);
        let crosses: usize = shown.iter().map(|row| row.matches('x').count()).sum();
        // One of them is a key, and one stands in "fixed".
        assert_eq!(crosses, 302, "{shown:#?}");
        assert_eq!(shown[23], "h d n p l o r x ? q");
    }

    #[test]
    fn no_size_is_too_small_to_draw_on() {
        let mut model = model();
        model.pane = Some(Pane {
            title: "hint".to_owned(),
            text: "漢字\n".repeat(50),
            scroll: 900,
        });
        model.running = Some(Running {
            since: Instant::now(),
            stage: "testing".to_owned(),
        });
        for width in 1..12 {
            for height in 1..12 {
                shown(&model, width, height);
            }
        }
    }

    #[test]
    fn a_long_text_is_moved_and_ends_with_its_last_line() {
        let mut model = model();
        let text: Vec<_> = (0..100).map(|number| format!("line {number}")).collect();
        model.pane = Some(Pane {
            title: "handout".to_owned(),
            text: text.join("\n"),
            scroll: usize::MAX,
        });
        let shown = shown(&model, 60, 20);
        assert!(shown.contains(&"line 99".to_owned()), "{shown:#?}");
        assert!(!shown.contains(&"line 1".to_owned()), "{shown:#?}");
    }

    #[test]
    fn a_question_stands_in_the_place_of_the_keys() {
        let mut model = model();
        model.question = Some("Put the stub back?".to_owned());
        let shown = shown(&model, 60, 20);
        assert_eq!(shown[18], "Put the stub back?");
        assert_eq!(shown[19], "y yes   any other key no");
    }
}
