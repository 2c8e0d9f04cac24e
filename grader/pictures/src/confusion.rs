//! Confusion matrices.

use super::{Anchor, Canvas, Colour, Map, Picture, Scale, Weight, width_of};
use crate::ticks::number;
use anyhow::{Result, bail};
use ndarray::ArrayView2;

/// A table of counts, rows by true class and columns by the predicted one, coloured by each count's share of its
/// row.
///
/// # Errors
/// Returns an error if the table is empty or not square, or does not have a name for each class.
pub fn confusion(counts: ArrayView2<'_, u64>, names: &[String]) -> Result<Picture> {
    let classes = names.len();
    if classes == 0 || counts.dim() != (classes, classes) {
        let (rows, columns) = counts.dim();
        bail!("a table of {rows} by {columns} counts and {classes} names of classes");
    }
    let all: u64 = counts.iter().sum();
    let right: u64 = counts.diag().iter().sum();
    let share = 100.0 * right as f64 / all.max(1) as f64;
    let title = format!(
        "{} of {} right ({share:.2} %)",
        number(right as f64, 0),
        number(all as f64, 0)
    );

    let widest_name = widest(names.iter().map(String::as_str));
    let largest = counts.iter().max().copied().unwrap_or_default();
    let cell = (widest([number(largest as f64, 0).as_str()]) + 14.0).max(40.0);
    // Names that do not fit above their columns run upwards.
    let upwards = widest_name > cell - 4.0;
    let (left, header) = (44.0 + widest_name, if upwards { widest_name } else { 14.0 });
    let top = 76.0 + header;
    let side = cell * classes as f64;
    let right_margin = 100.0;
    let width = (left + side + right_margin).max(60.0 + width_of(&title, 17.0, Weight::Bold));
    let mut canvas = Canvas::new(width, top + side + 24.0);
    let (weight, start, middle, end) =
        (Weight::Regular, Anchor::Start, Anchor::Middle, Anchor::End);
    canvas.text(
        (20.0, 30.0),
        &title,
        17.0,
        Weight::Bold,
        start,
        Colour::BLACK,
    );
    let centre = (left + side / 2.0, 58.0);
    canvas.text(centre, "predicted", 13.0, weight, middle, Colour::BLACK);
    canvas.text_upwards(
        (22.0, top + side / 2.0),
        "true",
        13.0,
        middle,
        Colour::BLACK,
    );

    let scale = Scale {
        map: Map::Magnitude,
        low: 0.0,
        high: 1.0,
    };
    for (row, name) in names.iter().enumerate() {
        let y = top + cell * row as f64;
        canvas.text(
            (left - 8.0, y + cell / 2.0 + 4.0),
            name,
            12.0,
            weight,
            end,
            Colour::GREY,
        );
        let x = left + cell * (row as f64 + 0.5);
        if upwards {
            canvas.text_upwards((x + 4.0, top - 6.0), name, 12.0, start, Colour::GREY);
        } else {
            canvas.text((x, top - 8.0), name, 12.0, weight, middle, Colour::GREY);
        }
        let of_row: u64 = counts.row(row).sum();
        for (column, &count) in counts.row(row).iter().enumerate() {
            let x = left + cell * column as f64;
            let share = count as f32 / of_row.max(1) as f32;
            let colour = scale.colour(share);
            canvas.rect(x + 0.5, y + 0.5, cell - 1.0, cell - 1.0, colour);
            let place = (x + cell / 2.0, y + cell / 2.0 + 4.0);
            let count = number(count as f64, 0);
            canvas.text(place, &count, 12.0, weight, middle, colour.ink_on());
        }
    }
    scale_bar(&mut canvas, left + side + 24.0, top, side.min(220.0), scale);
    Ok(canvas.finish(&format!("Confusion matrix: {title}")))
}

/// The colours of shares, with their numbers.
fn scale_bar(canvas: &mut Canvas, x: f64, y: f64, height: f64, scale: Scale) {
    const STEPS: u32 = 44;
    let step = height / f64::from(STEPS);
    for i in 0..STEPS {
        let share = (f64::from(STEPS - i) - 0.5) / f64::from(STEPS);
        let colour = scale.colour(share as f32);
        canvas.rect(x, y + step * f64::from(i), 12.0, step + 0.3, colour);
    }
    for (share, label) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
        let place = (x + 18.0, y + height * (1.0 - share) + 4.0);
        canvas.text(
            place,
            label,
            11.0,
            Weight::Regular,
            Anchor::Start,
            Colour::GREY,
        );
    }
    let place = (x, y - 10.0);
    canvas.text(
        place,
        "share of row",
        11.0,
        Weight::Regular,
        Anchor::Start,
        Colour::GREY,
    );
}

fn widest<'a>(texts: impl IntoIterator<Item = &'a str>) -> f64 {
    let widths = texts
        .into_iter()
        .map(|text| width_of(text, 12.0, Weight::Regular));
    widths.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texts;
    use ndarray::array;

    #[test]
    fn each_count_is_in_its_cell_in_the_colour_of_its_share() {
        let counts = array![[90, 10], [0, 1234]];
        let names = ["cat", "dog & co"].map(String::from);
        let picture = confusion(counts.view(), &names).expect("a square table");
        let texts = texts(&picture);
        for text in [
            "1,324 of 1,334 right (99.25 %)",
            "cat",
            "dog &amp; co",
            "90",
            "10",
            "0",
            "1,234",
            "predicted",
            "true",
        ] {
            assert!(texts.iter().any(|it| it == text), "{text} in {texts:?}");
        }
        let colour = |share| format!("fill=\"{}\"/>", Map::Magnitude.at(share));
        for share in [0.9, 0.1, 0.0, 1.0] {
            assert!(picture.svg().contains(&colour(share)), "{share}");
        }
        // The paper, four cells and the bar's steps.
        assert_eq!(picture.svg().matches("<rect").count(), 1 + 4 + 44);
    }

    #[test]
    fn a_class_without_images_is_drawn_too() {
        let counts = array![[0, 0], [3, 4]];
        let names = ["a", "b"].map(String::from);
        let picture = confusion(counts.view(), &names).expect("a square table");
        assert!(!picture.svg().contains("NaN"));
    }

    #[test]
    fn a_table_that_is_not_square_is_refused() {
        let counts = array![[1, 2, 3], [4, 5, 6]];
        let names = ["a", "b"].map(String::from);
        let error = confusion(counts.view(), &names).expect_err("it is not square");
        assert_eq!(
            error.to_string(),
            "a table of 2 by 3 counts and 2 names of classes"
        );
    }
}
