//! Items of one set of sources, put into another: each is cut out by its bytes, and all around it stays as it is.

use super::outline::{Block, Outline, Part};
use super::sources::Sources;
use crate::study::items::{ambiguous, path_of, unknown};
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::ops::Range;

/// The stubs of one item: a function, or a type and its functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    parts: Vec<(String, Part)>,
}

impl Pick {
    /// The item of an exercise that `name` stands for: a path, or its last part where only one path ends so.
    pub(super) fn find(stubs: &Sources, exercise: &str, name: &str) -> Result<Self> {
        let mut all: Vec<(String, Part)> = vec![];
        for (file, outline) in stubs.outlines()? {
            all.extend(
                outline
                    .parts
                    .into_iter()
                    .map(|part| (file.to_owned(), part)),
            );
        }
        let wanted = path_of(exercise, name);
        let is_end = |path: &str| {
            let longer = format!("::{wanted}").to_lowercase();
            path.eq_ignore_ascii_case(&wanted) || path.to_lowercase().ends_with(&longer)
        };
        let mut known: Vec<_> = all.iter().map(|(_, part)| part.path()).collect();
        known.dedup();
        let exact: Vec<_> = known
            .iter()
            .filter(|path| path.as_str() == wanted)
            .collect();
        let near: Vec<_> = match exact.is_empty() {
            true => known.iter().filter(|path| is_end(path)).collect(),
            false => exact,
        };
        let path = match near.as_slice() {
            [path] => (*path).clone(),
            [] => {
                let known: Vec<_> = known.iter().map(String::as_str).collect();
                return unknown(exercise, name, &known);
            }
            several => {
                let several: Vec<_> = several.iter().map(|it| it.as_str()).collect();
                return ambiguous(exercise, name, &several);
            }
        };
        all.retain(|(_, part)| part.path() == path || part.owner.as_deref() == Some(path.as_str()));
        Ok(Self { parts: all })
    }

    /// The path of the item.
    pub(super) fn name(&self) -> String {
        let first = self.parts.first();
        first.map(|(_, part)| part.path()).unwrap_or_default()
    }

    /// `to`, with the item as it is in `from`. Where `from` does not have a part of it, that stays as it is.
    pub(super) fn put(&self, from: &Sources, to: &Sources) -> Result<Sources> {
        let (sources, targets) = (from.outlines()?, to.outlines()?);
        let mut edits = BTreeMap::<String, Vec<(Range<usize>, String)>>::new();
        for (file, stub) in &self.parts {
            let Some((source_file, source)) = locate(&sources, stub)? else {
                continue;
            };
            let source_text = from.text(source_file)?;
            let (target_file, range, text) = match locate(&targets, stub)? {
                Some((target_file, target)) => {
                    let target_text = to.text(target_file)?;
                    let (range, taken) = cut(source, target);
                    let text = moved(source_text, taken, target_text, range.start);
                    (target_file.to_owned(), range, text)
                }
                None => insertion(
                    (source_text, source, &sources[source_file]),
                    file,
                    to,
                    &targets,
                )?,
            };
            let text = with_line_ends_of(to.text(&target_file)?, &text);
            edits.entry(target_file).or_default().push((range, text));
        }
        let mut after = to.clone();
        for (file, mut edits) in edits {
            let mut text = to.text(&file)?.to_owned();
            // From the end to the beginning, so that bytes before an edit keep their places; of several insertions at one
            // place, the last one first.
            edits.sort_by_key(|(range, _)| range.start);
            for (range, new) in edits.into_iter().rev() {
                text.replace_range(range, &new);
            }
            after.0.insert(file, text.into_bytes());
        }
        Ok(after)
    }
}

/// The part of these files that has the name of another: in the same module, or the only one.
fn locate<'a>(
    outlines: &'a BTreeMap<&str, Outline>,
    stub: &Part,
) -> Result<Option<(&'a str, &'a Part)>> {
    let files = outlines.iter();
    let parts = files.flat_map(|(file, outline)| outline.parts.iter().map(|part| (*file, part)));
    let named: Vec<_> = parts.filter(|(_, part)| part.is_named_as(stub)).collect();
    let mut beside = named
        .iter()
        .filter(|(_, part)| part.modules == stub.modules);
    match (named.as_slice(), beside.next(), beside.next()) {
        ([], ..) => Ok(None),
        (_, Some(one), None) | ([one], None, _) => Ok(Some(*one)),
        (several, ..) => {
            let files: Vec<_> = several
                .iter()
                .map(|(file, _)| format!("src/{file}"))
                .collect();
            bail!(
                "there are several {}, in {}: it is not clear which one",
                stub.path(),
                files.join(", ")
            )
        }
    }
}

/// The bytes that are replaced, and those that replace them. The docs of a function stay as they are where there are some.
fn cut(source: &Part, target: &Part) -> (Range<usize>, Range<usize>) {
    if source.is_function && (target.has_docs || !source.has_docs) {
        return (target.bare..target.whole.end, source.bare..source.whole.end);
    }
    (target.whole.clone(), source.whole.clone())
}

/// A piece of a text, indented as the line at `to` is.
fn moved(source: &str, piece: Range<usize>, target: &str, to: usize) -> String {
    let (has, needs) = (indent(source, piece.start), indent(target, to));
    let mut text = String::new();
    for (i, line) in source[piece].split('\n').enumerate() {
        if i > 0 {
            text.push('\n');
            let own = line.strip_prefix(has).unwrap_or(line);
            let is_blank = own.trim().is_empty();
            let lead = if is_blank || !line.starts_with(has) {
                ""
            } else {
                needs
            };
            text.push_str(lead);
            text.push_str(own);
        } else {
            text.push_str(line);
        }
    }
    text
}

/// The blanks at the beginning of the line of a byte.
fn indent(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start().len()]
}

/// The place for a part that is not there, and its text: behind those of its block, or at the end of its file.
fn insertion(
    (source_text, source, source_outline): (&str, &Part, &Outline),
    file: &str,
    to: &Sources,
    targets: &BTreeMap<&str, Outline>,
) -> Result<(String, Range<usize>, String)> {
    let whole = &source_text[source.whole.clone()];
    let is_own = |block: &&Block| {
        source.owner.as_ref() == Some(&block.owner) && source.of_trait == block.of_trait
    };
    for (file, outline) in targets {
        if let Some(block) = outline.blocks.iter().find(is_own) {
            let end = to.text(file)?[..block.end].trim_end().len();
            let text = match end == block.header.end {
                true => format!("\n    {whole}\n"),
                false => format!("\n\n    {whole}"),
            };
            return Ok(((*file).to_owned(), end..end, text));
        }
    }
    let end = to.text(file)?.trim_end().len();
    let mut blocks = source_outline.blocks.iter().filter(is_own);
    let text = match blocks.find(|it| it.header.start < source.bare && source.bare < it.end) {
        Some(block) => format!(
            "\n\n{}\n    {whole}\n}}",
            &source_text[block.header.clone()]
        ),
        None => format!("\n\n{whole}"),
    };
    Ok((file.to_owned(), end..end, text))
}

/// A text with the line ends that another one has.
fn with_line_ends_of(other: &str, text: &str) -> String {
    let plain = text.replace("\r\n", "\n");
    match other.contains("\r\n") {
        true => plain.replace('\n', "\r\n"),
        false => plain,
    }
}
