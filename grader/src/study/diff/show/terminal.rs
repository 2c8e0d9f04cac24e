//! A comparison in a terminal: side by side where there is room, else one below the other.

use super::super::compare::{ItemDiff, Verdict};
use super::super::lines::{Row, Span};
use super::{Report, helpers, verdict, visible};
use anstream::adapter::strip_str;
use anstyle::{AnsiColor, Effects, Style};
use std::fmt::Write;
use textwrap::core::display_width;
use wire::{is_command, printable};

/// The appearance of a comparison in a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The columns of the terminal.
    pub width: usize,
    /// True if words that differ can be told by their colour. Otherwise they are marked in a line of their own.
    pub color: bool,
}

const YOURS: Style = AnsiColor::Red.on_default();
const THEIRS: Style = AnsiColor::Green.on_default();
const TITLE: Style = Style::new().effects(Effects::BOLD);
const FAINT: Style = Style::new().effects(Effects::DIMMED);

/// Lines around those that differ that are shown.
const AROUND: usize = 3;

/// The comparison.
pub fn terminal(report: &Report<'_>, look: Look) -> String {
    let mut page = format!("{TITLE}{} · {}{TITLE:#}\n", report.exercise, report.title);
    let prose = |text: &str, indent: &str| {
        let options = textwrap::Options::new(look.width.clamp(40, 100))
            .initial_indent(indent)
            .subsequent_indent(indent);
        textwrap::fill(&bold(&printable(text)), options)
    };
    let _ = writeln!(page, "{}\n", prose(&report.summary(), ""));
    for item in &report.comparison.items {
        let mark = match item.verdict {
            Verdict::Same => "=",
            Verdict::SameButNames => "≈",
            Verdict::Differs => "≠",
        };
        let _ = writeln!(
            page,
            "{mark} {TITLE}{}{TITLE:#}: {}",
            printable(&item.item),
            printable(&verdict(item))
        );
        if item.rows.is_empty() {
            continue;
        }
        if let Some(helpers) = helpers(item) {
            let _ = writeln!(page, "{}", prose(&helpers, "  "));
        }
        page.push('\n');
        match columns(item, look) {
            Some(columns) => beside(&mut page, item, columns, look),
            None => below(&mut page, item, look),
        }
        page.push('\n');
        if !item.why.is_empty() {
            let _ = writeln!(
                page,
                "  {FAINT}why the reference is written this way:{FAINT:#}"
            );
            let paragraphs = item.why.iter().flat_map(|it| it.split("\n\n"));
            let paragraphs = paragraphs.map(|it| prose(&it.replace('\n', " "), "  │ "));
            let paragraphs: Vec<_> = paragraphs.collect();
            let _ = writeln!(page, "{}\n", paragraphs.join("\n  │\n"));
        }
        if let Some(cost) = &item.cost {
            for line in cost.lines(&item.against) {
                let _ = writeln!(page, "  {line}");
            }
            page.push('\n');
        }
    }
    for (paths, what) in [
        (
            report
                .closed
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            "Not shown, since their tests do not pass yet",
        ),
        (
            report.comparison.unused.clone(),
            "Only in your code, and used by nothing that is compared",
        ),
    ] {
        if !paths.is_empty() {
            let _ = writeln!(
                page,
                "{}",
                prose(&format!("{what}: {}.", paths.join(", ")), "")
            );
        }
    }
    if !report.formatted {
        let _ = writeln!(
            page,
            "{}",
            prose(
                "rustfmt is missing: lines with another layout are shown as different. `rustup component add rustfmt` installs it.",
                ""
            )
        );
    }
    without_commands(&page)
}

/// The page, its lines made harmless that a service which runs builds would take for commands: code may hold any.
fn without_commands(page: &str) -> String {
    let lines = page.split_inclusive('\n').map(|line| {
        let plain = strip_str(line).to_string();
        match is_command(&plain) {
            true => printable(plain.trim_end_matches('\n')) + "\n",
            false => line.to_owned(),
        }
    });
    lines.collect()
}

/// Text in which what is between two stars is bold.
fn bold(text: &str) -> String {
    let parts = text.split("**").enumerate();
    let parts = parts.map(|(i, part)| match i % 2 {
        1 => format!("{TITLE}{part}{TITLE:#}"),
        _ => part.to_owned(),
    });
    parts.collect()
}

/// The columns of the learner's side, if both fit beside each other.
fn columns(item: &ItemDiff, look: Look) -> Option<usize> {
    let longest = |side: fn(&Row) -> &Option<Vec<Span>>| {
        let lines = item.rows.iter().filter_map(|row| side(row).as_ref());
        lines.map(|line| width(line)).max().unwrap_or(0)
    };
    let (yours, theirs) = (longest(|row| &row.yours), longest(|row| &row.theirs));
    let yours = yours.max(TITLES.0.len());
    // Two columns of marks, and the line between.
    (yours + theirs + 7 <= look.width).then_some(yours)
}

/// The titles of the two sides.
const TITLES: (&str, &str) = ("yours", "the solution, with your names");

fn width(line: &[Span]) -> usize {
    line.iter()
        .map(|span| display_width(&visible(&span.text)))
        .sum()
}

/// A line, its words that differ in another style.
fn styled(line: &[Span], style: Style, differs: bool) -> String {
    let mut text = String::new();
    // A line that differs as a whole has no part to highlight.
    let is_whole = line.iter().all(|span| span.differs);
    for span in line {
        let shown = visible(&span.text);
        let style = match span.differs && !is_whole {
            true => style.effects(Effects::BOLD | Effects::UNDERLINE),
            false => style,
        };
        match differs {
            true => {
                let _ = write!(text, "{style}{shown}{style:#}");
            }
            false => text.push_str(&shown),
        }
    }
    text
}

/// Marks below the words that differ; none where all of a line does.
fn marks(line: &[Span]) -> Option<String> {
    let some = line.iter().any(|span| span.differs) && !line.iter().all(|span| span.differs);
    let mut marks = String::new();
    for span in line {
        let mark = if span.differs { "^" } else { " " };
        marks.push_str(&mark.repeat(display_width(&visible(&span.text))));
    }
    some.then(|| marks.trim_end().to_owned())
}

/// The rows, and in the place of rows that are far from any difference, their number.
fn folded(rows: &[Row]) -> Vec<Result<&Row, usize>> {
    let is_near = |i: usize| {
        let from = i.saturating_sub(AROUND);
        let to = (i + AROUND + 1).min(rows.len());
        rows[from..to].iter().any(|row| !row.same)
    };
    let mut folded: Vec<Result<&Row, usize>> = vec![];
    for (i, row) in rows.iter().enumerate() {
        match folded.last_mut() {
            // The first line says which item it is.
            _ if is_near(i) || i == 0 => folded.push(Ok(row)),
            Some(Err(count)) => *count += 1,
            _ => folded.push(Err(1)),
        }
    }
    folded
}

fn beside(page: &mut String, item: &ItemDiff, columns: usize, look: Look) {
    let _ = writeln!(
        page,
        "  {FAINT}{:columns$} │   {}{FAINT:#}",
        TITLES.0, TITLES.1
    );
    for row in folded(&item.rows) {
        let row = match row {
            Ok(row) => row,
            Err(count) => {
                let _ = writeln!(page, "  {FAINT}{:columns$} ┊{FAINT:#}", same(count));
                continue;
            }
        };
        let side = |line: &Option<Vec<Span>>, style: Style, mark: char| match line {
            Some(line) if row.same => (' ', styled(line, style, false), width(line)),
            Some(line) => (mark, styled(line, style, true), width(line)),
            None => (' ', String::new(), 0),
        };
        let (mark, yours, used) = side(&row.yours, YOURS, '-');
        let (other, theirs, _) = side(&row.theirs, THEIRS, '+');
        let rest = " ".repeat(columns - used.min(columns));
        let line = format!("{mark} {yours}{rest} │ {other} {theirs}");
        let _ = writeln!(page, "{}", line.trim_end());
        if !look.color {
            let of = |line: &Option<Vec<Span>>| line.as_deref().and_then(marks).unwrap_or_default();
            let (own, other) = (of(&row.yours), of(&row.theirs));
            let has_marks = !own.is_empty() || !other.is_empty();
            if has_marks && !row.same {
                let line = format!("  {own:columns$} │   {other}");
                let _ = writeln!(page, "{}", line.trim_end());
            }
        }
    }
}

fn below(page: &mut String, item: &ItemDiff, look: Look) {
    let _ = writeln!(page, "  {FAINT}- {}   + {}{FAINT:#}", TITLES.0, TITLES.1);
    let mut theirs = vec![];
    let finish = |page: &mut String, theirs: &mut Vec<&Vec<Span>>| {
        for line in theirs.drain(..) {
            changed(page, line, THEIRS, '+', look);
        }
    };
    for row in folded(&item.rows) {
        match row {
            Err(count) => {
                finish(page, &mut theirs);
                let _ = writeln!(page, "  {FAINT}{}{FAINT:#}", same(count));
            }
            Ok(row) if row.same => {
                finish(page, &mut theirs);
                let line = row.yours.as_deref().unwrap_or_default();
                let _ = writeln!(page, "  {}", styled(line, YOURS, false));
            }
            Ok(row) => {
                if let Some(line) = &row.yours {
                    changed(page, line, YOURS, '-', look);
                }
                theirs.extend(&row.theirs);
            }
        }
    }
    finish(page, &mut theirs);
}

fn changed(page: &mut String, line: &[Span], style: Style, mark: char, look: Look) {
    if width(line) == 0 {
        let _ = writeln!(page, "{style}{mark}{style:#}");
        return;
    }
    let _ = writeln!(page, "{style}{mark}{style:#} {}", styled(line, style, true));
    if !look.color
        && let Some(marks) = marks(line)
    {
        let _ = writeln!(page, "  {marks}");
    }
}

fn same(count: usize) -> String {
    match count {
        1 => "… 1 line that is the same".to_owned(),
        count => format!("… {count} lines that are the same"),
    }
}
