//! Lines side by side, with the words that differ within them.

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A row: a line of the learner's, one of the solution's, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// True if both lines say the same, comments at their ends aside.
    pub same: bool,
    /// The learner's line.
    pub yours: Option<Vec<Span>>,
    /// The solution's.
    pub theirs: Option<Vec<Span>>,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Its text.
    pub text: String,
    /// True if the other line does not have it.
    pub differs: bool,
}

/// The rows of two texts.
pub(super) fn rows(yours: &str, theirs: &str) -> Vec<Row> {
    let [yours, theirs] = [yours, theirs].map(|text| text.lines().collect::<Vec<_>>());
    let keys = [&yours, &theirs].map(|lines| lines.iter().map(|it| key(it)).collect::<Vec<_>>());
    let mut rows = vec![];
    for op in capture_diff_slices(Algorithm::Patience, &keys[0], &keys[1]) {
        match op {
            DiffOp::Equal {
                old_index,
                new_index,
                len,
            } => {
                let pairs = yours[old_index..old_index + len]
                    .iter()
                    .zip(&theirs[new_index..new_index + len]);
                rows.extend(pairs.map(|(yours, theirs)| Row {
                    same: true,
                    yours: Some(plain(yours)),
                    theirs: Some(plain(theirs)),
                }));
            }
            DiffOp::Delete {
                old_index, old_len, ..
            } => rows.extend(
                yours[old_index..old_index + old_len]
                    .iter()
                    .map(|it| only(it, true)),
            ),
            DiffOp::Insert {
                new_index, new_len, ..
            } => rows.extend(
                theirs[new_index..new_index + new_len]
                    .iter()
                    .map(|it| only(it, false)),
            ),
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => changed(
                &yours[old_index..old_index + old_len],
                &theirs[new_index..new_index + new_len],
                &mut rows,
            ),
        }
    }
    rows
}

/// The code of a line; of a line that is a comment, the comment.
fn key(line: &str) -> &str {
    let line = line.trim();
    match comment(line) {
        Some(0) | None => line,
        Some(at) => line[..at].trim_end(),
    }
}

/// The code of a line, and the comment at its end; of a line that is a comment, all of it is the first.
fn apart(line: &str) -> (&str, &str) {
    let code = line.len() - line.trim_start().len() + key(line).len();
    line.split_at(code)
}

/// The place where a line's comment begins. A line within a text that reads like one is a rare mistake, and costs a colour.
fn comment(line: &str) -> Option<usize> {
    let (mut inside, mut escaped) = (false, false);
    let bytes = line.as_bytes();
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            // The character `'"'` is no text.
            b'"' if i > 0 && bytes[i - 1] == b'\'' && bytes.get(i + 1) == Some(&b'\'') => {}
            b'"' => inside = !inside,
            b'/' if !inside && bytes.get(i + 1) == Some(&b'/') => return Some(i),
            _ => {}
        }
    }
    None
}

fn plain(line: &str) -> Vec<Span> {
    vec![Span {
        text: line.to_owned(),
        differs: false,
    }]
}

fn only(line: &str, is_yours: bool) -> Row {
    let line = vec![Span {
        text: line.to_owned(),
        differs: true,
    }];
    let (yours, theirs) = match is_yours {
        true => (Some(line), None),
        false => (None, Some(line)),
    };
    Row {
        same: false,
        yours,
        theirs,
    }
}

/// The likeness from which two lines are shown as one that was changed.
const ALIKE: f64 = 0.5;

/// The rows of lines that are others: in order, so that those beside each other are as alike as can be.
fn changed(yours: &[&str], theirs: &[&str], rows: &mut Vec<Row>) {
    let words = [yours, theirs].map(|lines| {
        let codes = lines.iter().map(|it| split(apart(it).0));
        codes.collect::<Vec<_>>()
    });
    let (n, m) = (yours.len(), theirs.len());
    // The best total likeness of the lines from i and from j on.
    let mut best = vec![vec![0.0_f64; m + 1]; n + 1];
    let mut alike = vec![vec![0.0_f64; m]; n];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            let likeness = likeness(&words[0][i], &words[1][j]);
            alike[i][j] = if likeness >= ALIKE {
                likeness
            } else {
                f64::NEG_INFINITY
            };
            best[i][j] = (best[i + 1][j + 1] + alike[i][j])
                .max(best[i + 1][j])
                .max(best[i][j + 1]);
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < n || j < m {
        if i < n && j < m && best[i][j] == best[i + 1][j + 1] + alike[i][j] {
            let (mut left, mut right) = within(&words[0][i], &words[1][j]);
            // Comments do not count as a difference.
            add(&mut left, &[apart(yours[i]).1], false);
            add(&mut right, &[apart(theirs[j]).1], false);
            rows.push(Row {
                same: false,
                yours: Some(left),
                theirs: Some(right),
            });
            (i, j) = (i + 1, j + 1);
        } else if j == m || (i < n && best[i][j] == best[i + 1][j]) {
            rows.push(only(yours[i], true));
            i += 1;
        } else {
            rows.push(only(theirs[j], false));
            j += 1;
        }
    }
}

/// The share of words that two lines have in common; of lines without words, of signs.
fn likeness(yours: &[&str], theirs: &[&str]) -> f64 {
    let is_word = |it: &&&str| it.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let is_sign = |it: &&&str| !it.trim().is_empty();
    let has_words = yours.iter().chain(theirs).any(|it| is_word(&it));
    let solid = |words: &[&str]| match has_words {
        true => words.iter().filter(is_word).count(),
        false => words.iter().filter(is_sign).count(),
    };
    let all = solid(yours) + solid(theirs);
    let mut common = 0;
    for op in capture_diff_slices(Algorithm::Myers, yours, theirs) {
        if let DiffOp::Equal { old_index, len, .. } = op {
            common += solid(&yours[old_index..old_index + len]);
        }
    }
    match all {
        0 => 1.0,
        all => 2.0 * common as f64 / all as f64,
    }
}

/// The parts of two lines that differ.
fn within(yours: &[&str], theirs: &[&str]) -> (Vec<Span>, Vec<Span>) {
    let (mut left, mut right) = (vec![], vec![]);
    for op in capture_diff_slices(Algorithm::Myers, yours, theirs) {
        let differs = !matches!(op, DiffOp::Equal { .. });
        add(&mut left, &yours[op.old_range()], differs);
        add(&mut right, &theirs[op.new_range()], differs);
    }
    (left, right)
}

fn add(line: &mut Vec<Span>, words: &[&str], differs: bool) {
    let text = words.concat();
    match line.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.differs == differs => last.text.push_str(&text),
        _ => line.push(Span { text, differs }),
    }
}

/// Words, numbers, white space, and signs one by one.
fn split(line: &str) -> Vec<&str> {
    let sort = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        c if c.is_whitespace() => 2,
        _ => 0,
    };
    let mut words = vec![];
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let of = sort(first);
        let end = match of {
            0 => first.len_utf8(),
            _ => rest.find(|c| sort(c) != of).unwrap_or(rest.len()),
        };
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    words
}

/// The number of lines that hold code.
pub(super) fn count(text: &str) -> usize {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}
