//! Text with the styles of a terminal, as lines that are drawn: broken at a width, every character that acts on a terminal
//! made visible.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;
use wire::printable;

/// The most lines that are kept of a text.
const MOST: usize = 5000;

/// The most characters that are kept of a line.
const LONGEST: usize = 4000;

/// The lines of a text, with its styles; whatever else acts on a terminal is escaped.
pub(super) fn lines(text: &str) -> Vec<Line<'static>> {
    let mut style = Style::new();
    let mut lines: Vec<_> = (text.lines().take(MOST))
        .map(|line| styled(line, &mut style))
        .collect();
    let rest = text.lines().count().saturating_sub(MOST);
    if rest > 0 {
        lines.push(Line::from(format!("… and {rest} lines more")));
    }
    lines
}

/// One line; `style` goes on from line to line.
fn styled(line: &str, style: &mut Style) -> Line<'static> {
    let mut spans = vec![];
    let mut left = LONGEST;
    let mut push = |text: &str, style: Style| {
        let kept: String = text.chars().take(left).collect();
        left -= kept.chars().count();
        let cut = if kept.len() < text.len() { "…" } else { "" };
        if !kept.is_empty() {
            let shown = printable(&kept.replace('\t', "    "));
            spans.push(Span::styled(shown + cut, style));
        }
    };
    let mut rest = line;
    while let Some(start) = rest.find("\u{1b}[") {
        let codes = &rest[start + 2..];
        let end = codes.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end.filter(|&end| codes[end..].starts_with('m')) {
            Some(end) => {
                push(&rest[..start], *style);
                *style = with_codes(*style, &codes[..end]);
                rest = &codes[end + 1..];
            }
            None => {
                // Shown as what it is.
                push(&rest[..start + 2], *style);
                rest = codes;
            }
        }
    }
    push(rest, *style);
    Line::from(spans)
}

/// A style after "select graphic rendition" of ECMA-48, as far as this program's own output has it.
fn with_codes(mut style: Style, codes: &str) -> Style {
    const COLORS: [Color; 8] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
    ];
    let mut codes = codes.split(';').map(|code| code.parse().unwrap_or(0_usize));
    while let Some(code) = codes.next() {
        style = match code {
            0 => Style::new(),
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            7 => style.add_modifier(Modifier::REVERSED),
            30..=37 => style.fg(COLORS[code - 30]),
            40..=47 => style.bg(COLORS[code - 40]),
            90..=97 => style.fg(COLORS[code - 90]).add_modifier(Modifier::BOLD),
            39 => Style { fg: None, ..style },
            49 => Style { bg: None, ..style },
            38 | 48 => match color(&mut codes) {
                Some(color) if code == 38 => style.fg(color),
                Some(color) => style.bg(color),
                None => style,
            },
            _ => style,
        };
    }
    style
}

/// A color of many: `5;N` or `2;R;G;B`.
fn color(codes: &mut impl Iterator<Item = usize>) -> Option<Color> {
    let mut byte = || u8::try_from(codes.next()?).ok();
    match byte()? {
        5 => Some(Color::Indexed(byte()?)),
        2 => Some(Color::Rgb(byte()?, byte()?, byte()?)),
        _ => None,
    }
}

/// Lines that fit a width: longer ones are broken at a space, or where they must be, and go on under their own beginning.
pub(super) fn wrapped(lines: &[Line<'static>], width: usize) -> Vec<Line<'static>> {
    let width = width.max(1);
    lines.iter().flat_map(|line| broken(line, width)).collect()
}

fn broken(line: &Line<'static>, width: usize) -> Vec<Line<'static>> {
    if line.width() <= width {
        return vec![line.clone()];
    }
    let cells: Vec<(String, Style)> = line
        .styled_graphemes(Style::new())
        .map(|cell| (cell.symbol.to_owned(), cell.style))
        .collect();
    let indent = cells.iter().take_while(|(symbol, _)| symbol == " ").count();
    let indent = if indent * 2 < width { indent } else { 0 };
    let mut lines = vec![];
    let mut start = 0;
    while start < cells.len() {
        let before = if lines.is_empty() { 0 } else { indent };
        let mut used = before;
        let mut end = start;
        while let Some((symbol, _)) = cells.get(end) {
            used += symbol.width();
            if used > width && end > start {
                break;
            }
            end += 1;
        }
        let mut next = end;
        if end < cells.len() {
            // At the last space, unless that leaves less than half of a line.
            let is_space = |at: &usize| cells[*at].0 == " ";
            let space = (start + (end - start) / 2..=end).rev().find(is_space);
            if let Some(space) = space {
                (end, next) = (space, space + 1);
            }
        }
        lines.push(joined(&cells[start..end], before));
        start = next;
    }
    lines
}

/// Characters of the same style next to each other, as one span.
fn joined(cells: &[(String, Style)], indent: usize) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = vec![];
    if indent > 0 {
        spans.push(Span::raw(" ".repeat(indent)));
    }
    for run in cells.chunk_by(|a, b| a.1 == b.1) {
        let text: String = run.iter().map(|(symbol, _)| symbol.as_str()).collect();
        spans.push(Span::styled(text, run[0].1));
    }
    Line::from(spans)
}

/// A line with the codes of its styles, for a terminal that is written line by line.
pub(super) fn with_styles(line: &Line<'_>) -> String {
    let span = |span: &Span<'_>| {
        let style = anstyle::Style::new()
            .fg_color(span.style.fg.and_then(ansi))
            .bg_color(span.style.bg.and_then(ansi))
            .effects(effects(span.style.add_modifier));
        format!("{style}{}{style:#}", span.content)
    };
    line.spans.iter().map(span).collect()
}

fn effects(modifier: Modifier) -> anstyle::Effects {
    let known = [
        (Modifier::BOLD, anstyle::Effects::BOLD),
        (Modifier::DIM, anstyle::Effects::DIMMED),
        (Modifier::ITALIC, anstyle::Effects::ITALIC),
        (Modifier::UNDERLINED, anstyle::Effects::UNDERLINE),
        (Modifier::REVERSED, anstyle::Effects::INVERT),
    ];
    let known = known.into_iter().filter(|(it, _)| modifier.contains(*it));
    known.fold(anstyle::Effects::new(), |all, (_, effect)| all | effect)
}

fn ansi(color: Color) -> Option<anstyle::Color> {
    use anstyle::AnsiColor;
    let color = match color {
        Color::Black => AnsiColor::Black,
        Color::Red => AnsiColor::Red,
        Color::Green => AnsiColor::Green,
        Color::Yellow => AnsiColor::Yellow,
        Color::Blue => AnsiColor::Blue,
        Color::Magenta => AnsiColor::Magenta,
        Color::Cyan => AnsiColor::Cyan,
        Color::Gray => AnsiColor::White,
        Color::Indexed(number) => return Some(anstyle::Ansi256Color(number).into()),
        Color::Rgb(red, green, blue) => return Some(anstyle::RgbColor(red, green, blue).into()),
        _ => return None,
    };
    Some(color.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn styles_are_kept_and_all_else_that_acts_on_a_terminal_is_shown() {
        let text = "\u{1b}[31;1mred\u{1b}[0m plain\u{1b}[2J\u{7}\u{1b}]0;title\u{7}\tx\r";
        let lines = lines(text);
        let expected = "red plain\\u{1b}[2J\\u{7}\\u{1b}]0;title\\u{7}    x\\u{d}";
        assert_eq!(plain(&lines), [expected]);
        let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        assert_eq!(lines[0].spans[0], Span::styled("red", red));
        assert_eq!(lines[0].spans[1].style, Style::new());
    }

    #[test]
    fn a_long_line_is_broken_at_spaces_and_goes_on_under_its_beginning() {
        let line = Line::from("    one two three four five six");
        let wrapped = wrapped(&[line], 16);
        assert_eq!(
            plain(&wrapped),
            ["    one two", "    three four", "    five six"]
        );
    }

    #[test]
    fn a_line_without_spaces_is_broken_where_it_must_be_and_wide_characters_count_twice() {
        let wrapped_at = |text: &str, width| plain(&wrapped(&lines(text), width));
        assert_eq!(wrapped_at("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped_at("漢字漢字", 4), ["漢字", "漢字"]);
        assert_eq!(wrapped_at("漢字", 1), ["漢", "字"]);
        assert_eq!(wrapped_at("\n", 5), [""]);
        for width in 1..40 {
            for line in wrapped(&lines(&"a bc def ghij klmno ".repeat(9)), width) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_flood_is_cut_off_and_says_so() {
        let flood = "x\n".repeat(MOST + 7);
        let lines = lines(&flood);
        assert_eq!(lines.len(), MOST + 1);
        assert_eq!(lines[MOST].to_string(), "… and 7 lines more");
        let line = super::lines(&"y".repeat(LONGEST * 3));
        assert_eq!(line[0].width(), LONGEST + 1);
    }
}
