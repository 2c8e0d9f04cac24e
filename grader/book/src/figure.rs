//! Live figures. A marker in a handout, `<!-- figure: NAME -->`, puts one in its place in the book. It takes its numbers from
//! the example before the marker, so the handout has them once; a script makes the figure answer to its controls, and without
//! one it shows the example.

mod attention;
mod layers;
mod matrix;
mod patches;

use anyhow::{Context, Result, bail};
use attention::Attention;
use layers::Layers;
use maud::{Markup, html};

/// A figure of the name, with the numbers of the text blocks that stand before it.
///
/// # Errors
/// Returns an error if there is no figure of the name, or no block holds its numbers.
pub(crate) fn figure(name: &str, before: &[String]) -> Result<Markup> {
    let mut nearest = before.iter().rev();
    match name {
        "attention" => {
            let example = nearest.find_map(|text| Attention::read(text));
            let example = example.context("no text block before it holds q, k and v")?;
            Ok(attention::html(&example))
        }
        "layer-by-layer" => {
            let example = nearest.find_map(|text| Layers::read(text));
            let example = example.context("no text block before it holds the heads of layers")?;
            Ok(layers::html(&example))
        }
        "patch-grid" => Ok(patches::html()),
        _ => bail!("there is no figure {name:?}"),
    }
}

/// The frame that all figures share: a title, room for the controls that the script adds, the figure, a line that says what
/// is seen.
fn frame(name: &str, title: &str, body: &Markup, seen: &str) -> Markup {
    html! {
        figure.live id={ "figure-" (name) } data-figure=(name) aria-labelledby={ "figure-" (name) "-title" } {
            figcaption id={ "figure-" (name) "-title" } { (title) }
            form.controls hidden {}
            (body)
            p.seen role="status" { (seen) }
        }
    }
}

/// A table of numbers with names for its rows and columns. Its cells' shades follow their values where these are shares of 1.
fn table(
    caption: &Markup,
    name: &str,
    rows: &[String],
    columns: &[String],
    cells: &matrix::Matrix,
    digits: usize,
    is_shaded: bool,
) -> Markup {
    let shown = digits_of(cells, digits);
    html! {
        table.numbers data-table=(name) data-digits=(digits) data-shaded[is_shaded] {
            caption { (caption) }
            thead {
                tr {
                    td {}
                    @for column in columns { th scope="col" { (column) } }
                }
            }
            tbody {
                @for (name, row) in rows.iter().zip(cells) {
                    tr {
                        th scope="row" { (name) }
                        @for &cell in row {
                            td class=[is_shaded.then(|| shade(cell))] { (fixed(cell, shown)) }
                        }
                    }
                }
            }
        }
    }
}

/// The class of a share of 1.
fn shade(share: f64) -> String {
    format!("w{:.0}", (share.clamp(0.0, 1.0) * 10.0).round())
}

/// The fewest digits, `most` at most, in which all numbers of a table are as exact as in `most`.
fn digits_of(cells: &matrix::Matrix, most: usize) -> usize {
    let needed = cells.iter().flatten().map(|&cell| {
        let text = number(cell, most);
        text.split_once('.').map_or(0, |(_, digits)| digits.len())
    });
    needed.max().unwrap_or(0)
}

/// A number with a minus, and as many digits.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    match text.strip_prefix('-') {
        Some(rest) if is_zero => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// A number with a minus, and no longer than it must be.
fn number(value: f64, digits: usize) -> String {
    let text = fixed(value, digits);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_are_exact() {
        for (value, text) in [(0.25, "0.25"), (1.0, "1"), (-0.00001, "0"), (-7.5, "−7.5")] {
            assert_eq!(number(value, 4), text);
        }
        assert_eq!(number(10.0, 0), "10");
        assert_eq!(digits_of(&vec![vec![1.0, 0.25], vec![0.5, 2.0]], 4), 2);
        assert_eq!(fixed(0.5, 2), "0.50");
    }

    #[test]
    fn a_figure_that_is_not_there_or_lacks_its_numbers_is_an_error() {
        for (name, part) in [
            ("attentoin", "no figure \"attentoin\""),
            ("attention", "q, k and v"),
        ] {
            let error = figure(name, &[]).expect_err(name).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
