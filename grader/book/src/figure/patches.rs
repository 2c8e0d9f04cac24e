//! A grid of patches over an image, and the order in which they become tokens.

use super::frame;
use datasets::digits::{DigitsConfig, SIZE, generate};
use maud::{Markup, html};

/// The side of a patch before the slider is moved.
const PATCH: usize = 7;

/// The digit that is cut: the first of its class among the generated ones.
const DIGIT: u8 = 5;

/// The sides that divide the image.
fn sides() -> Vec<usize> {
    (2..SIZE)
        .filter(|side| SIZE.is_multiple_of(*side))
        .collect()
}

/// The figure, as it is where nothing has been changed.
pub(super) fn html() -> Markup {
    let grid = SIZE / PATCH;
    let body = html! {
        div.grid-and-row data-size=(SIZE) data-sides=(serde_json::json!(sides())) data-patch=(PATCH) {
            svg.grid viewBox={ "0 0 " (SIZE) " " (SIZE) } role="img" aria-label="A digit with the grid of patches over it" {
                defs { (digit()) }
                use href="#digit" {}
                g.lines {
                    @for at in 1..grid {
                        line x1=(at * PATCH) x2=(at * PATCH) y1="0" y2=(SIZE) {}
                        line y1=(at * PATCH) y2=(at * PATCH) x1="0" x2=(SIZE) {}
                    }
                }
            }
            div.row {
                p { "The same patches as a sequence, row by row:" }
                div.tokens aria-hidden="true" {
                    @for n in 0..grid * grid {
                        svg.token viewBox={ (n % grid * PATCH) " " (n / grid * PATCH) " " (PATCH) " " (PATCH) } {
                            use href="#digit" {}
                        }
                    }
                }
            }
        }
    };
    let seen = format!(
        "Patches of {PATCH} × {PATCH} pixels: {grid} · {grid} = {} tokens of {} values each.",
        grid * grid,
        PATCH * PATCH
    );
    frame(
        "patch-grid",
        "Cut the image, and see which patch becomes which token",
        &body,
        &seen,
    )
}

/// A generated digit, each of its pixels a square.
fn digit() -> Markup {
    let config = DigitsConfig {
        train: 40,
        validation: 0,
        test: 0,
        ..DigitsConfig::default()
    };
    let digits = generate(&config).train;
    let at = digits
        .labels
        .iter()
        .position(|&label| label == DIGIT)
        .unwrap_or(0);
    let image = digits.images.index_axis(ndarray::Axis(0), at);
    html! {
        g id="digit" shape-rendering="crispEdges" {
            rect width=(SIZE) height=(SIZE) fill="#000" {}
            @for ((y, x), &ink) in image.indexed_iter().filter(|(_, ink)| **ink > 12) {
                rect x=(x) y=(y) width="1" height="1" fill=(format!("#{ink:02x}{ink:02x}{ink:02x}")) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_divides_the_image_and_the_first_is_among_them() {
        assert_eq!(sides(), [2, 4, 7, 14]);
        assert!(sides().contains(&PATCH));
    }

    #[test]
    fn the_grid_has_as_many_tokens_as_patches() {
        let html = html().0;
        assert_eq!(html.matches("svg class=\"token\"").count(), 16);
        assert_eq!(html.matches("<line").count(), 6);
        assert!(html.matches("<rect").count() > 60, "the digit is empty");
    }
}
