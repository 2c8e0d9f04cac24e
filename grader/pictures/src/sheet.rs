//! Labelled panels in rows: images, heat maps, maps over images.

use super::ticks::number;
use super::{Anchor, Canvas, Colour, Picture, Pixels, Scale, Weight, width_of};
use anyhow::Result;

/// A picture of panels.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The title.
    pub title: String,
    /// A remark below the title.
    pub note: String,
    /// Its panels.
    pub rows: Vec<Row>,
    /// The colour scale of the heat maps, and the quantity that it shows.
    pub scale: Option<(Scale, String)>,
}

/// A row of panels of the same height.
#[derive(Clone, Debug)]
pub struct Row {
    /// The label to the left of the row.
    pub label: String,
    /// The height of its panels.
    pub height: f64,
    /// The panels.
    pub panels: Vec<Panel>,
}

/// A block of pixels and what is drawn over it.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The caption above the panel.
    pub caption: String,
    /// The pixels, of which each is a square.
    pub pixels: Pixels,
    /// The rows and columns into which lines divide it.
    pub grid: Option<(usize, usize)>,
    /// The marked cell, in a grid of `rows` by `columns`: its row and column, then `rows` and `columns`.
    pub mark: Option<[usize; 4]>,
    /// Whether nothing is drawn, and only its room is left.
    pub is_blank: bool,
}

impl Panel {
    /// Pixels with a caption.
    pub fn new(caption: impl Into<String>, pixels: Pixels) -> Self {
        Self {
            caption: caption.into(),
            pixels,
            grid: None,
            mark: None,
            is_blank: false,
        }
    }

    /// The room of a panel that is as large as this one, left blank.
    #[must_use]
    pub fn blank(self) -> Self {
        Self {
            is_blank: true,
            ..self
        }
    }

    /// With lines that divide it.
    #[must_use]
    pub fn with_grid(self, rows: usize, columns: usize) -> Self {
        Self {
            grid: Some((rows, columns)),
            ..self
        }
    }

    /// With a marked cell of `rows` by `columns`.
    #[must_use]
    pub fn with_mark(self, (row, column): (usize, usize), (rows, columns): (usize, usize)) -> Self {
        Self {
            mark: Some([row, column, rows, columns]),
            ..self
        }
    }

    /// Its width, at that height.
    fn width(&self, height: f64) -> f64 {
        let (across, down) = (self.pixels.width(), self.pixels.height());
        height * across as f64 / down.max(1) as f64
    }

    /// The room it takes: it must not be narrower than its caption.
    fn room(&self, height: f64) -> f64 {
        self.width(height)
            .max(width_of(&self.caption, CAPTION, Weight::Regular))
    }
}

const MARGIN: f64 = 20.0;
const GAP: f64 = 14.0;
const CAPTION: f64 = 12.0;
const BAR: f64 = 12.0;

/// Sets out the panels.
///
/// # Errors
/// Returns an error if pixels cannot be encoded.
pub fn sheet(sheet: &Sheet) -> Result<Picture> {
    let labels = sheet
        .rows
        .iter()
        .map(|row| width_of(&row.label, 13.0, Weight::Regular));
    let widest_label = labels.fold(0.0, f64::max);
    let left = MARGIN + widest_label + if widest_label > 0.0 { GAP } else { 0.0 };
    let widths = sheet.rows.iter().map(|row| {
        let rooms = row.panels.iter().map(|panel| panel.room(row.height) + GAP);
        rooms.sum::<f64>() - GAP
    });
    let panels = widths.fold(0.0, f64::max);
    let bar = sheet
        .scale
        .as_ref()
        .map_or(0.0, |scale| GAP + 8.0 + bar_width(scale));
    let notes = wrapped(&sheet.note, (left + panels + bar - MARGIN).max(480.0));
    let texts = notes
        .iter()
        .map(|line| width_of(line, 13.0, Weight::Regular))
        .fold(width_of(&sheet.title, 17.0, Weight::Bold), f64::max);
    let width = (left + panels + bar).max(MARGIN + texts) + MARGIN;
    let top = 46.0 + 18.0 * notes.len() as f64;
    let heights = sheet
        .rows
        .iter()
        .map(|row| caption_height(row) + row.height + GAP);
    let height = top + heights.sum::<f64>() - GAP + MARGIN;

    let mut canvas = Canvas::new(width, height.max(top + MARGIN));
    let start = Anchor::Start;
    canvas.text(
        (MARGIN, 30.0),
        &sheet.title,
        17.0,
        Weight::Bold,
        start,
        Colour::BLACK,
    );
    for (i, line) in notes.iter().enumerate() {
        let place = (MARGIN, 50.0 + 18.0 * i as f64);
        canvas.text(place, line, 13.0, Weight::Regular, start, Colour::GREY);
    }
    let mut y = top;
    for row in &sheet.rows {
        y += caption_height(row);
        let place = (MARGIN, y + row.height / 2.0 + 4.0);
        canvas.text(
            place,
            &row.label,
            13.0,
            Weight::Regular,
            start,
            Colour::BLACK,
        );
        let mut x = left;
        for panel in &row.panels {
            draw(&mut canvas, panel, x, y, row.height)?;
            x += panel.room(row.height) + GAP;
        }
        y += row.height + GAP;
    }
    if let Some(scale) = &sheet.scale {
        let first = sheet.rows.first().map_or(0.0, caption_height);
        let length = (height - MARGIN - top - first).min(200.0);
        colour_bar(
            &mut canvas,
            (left + panels + GAP + 8.0, top + first),
            length,
            scale,
        );
    }
    Ok(canvas.finish(&format!("{}. {}", sheet.title, sheet.note)))
}

fn caption_height(row: &Row) -> f64 {
    let has_captions = row
        .panels
        .iter()
        .any(|panel| !panel.caption.is_empty() && !panel.is_blank);
    if has_captions { CAPTION + 8.0 } else { 0.0 }
}

fn draw(canvas: &mut Canvas, panel: &Panel, x: f64, y: f64, height: f64) -> Result<()> {
    if panel.is_blank {
        return Ok(());
    }
    let width = panel.width(height);
    let (weight, start) = (Weight::Regular, Anchor::Start);
    if !panel.caption.is_empty() {
        canvas.text(
            (x, y - 6.0),
            &panel.caption,
            CAPTION,
            weight,
            start,
            Colour::GREY,
        );
    }
    canvas.pixels(x, y, width, height, &panel.pixels)?;
    if let Some((rows, columns)) = panel.grid {
        for row in 0..=rows {
            let y = y + height * row as f64 / rows as f64;
            canvas.line((x, y), (x + width, y), Colour::ACCENT, 1.2);
        }
        for column in 0..=columns {
            let x = x + width * column as f64 / columns as f64;
            canvas.line((x, y), (x, y + height), Colour::ACCENT, 1.2);
        }
    } else {
        canvas.frame(x, y, width, height, Colour::GREY, 0.6);
    }
    if let Some([row, column, rows, columns]) = panel.mark {
        let (cell_width, cell_height) = (width / columns as f64, height / rows as f64);
        let (x, y) = (x + cell_width * column as f64, y + cell_height * row as f64);
        canvas.frame(x, y, cell_width, cell_height, Colour::WHITE, 3.5);
        canvas.frame(x, y, cell_width, cell_height, Colour::ACCENT, 2.0);
    }
    Ok(())
}

/// The numbers beside a bar, from the top.
fn ends(scale: Scale) -> [String; 3] {
    let Scale { low, high, .. } = scale;
    let decimals = (2.0 - f64::from(high - low).log10().floor()).clamp(0.0, 6.0) as usize;
    [high, (low + high) / 2.0, low].map(|value| number(f64::from(value), decimals))
}

fn bar_width((scale, quantity): &(Scale, String)) -> f64 {
    let numbers = ends(*scale).map(|text| BAR + 6.0 + width_of(&text, 11.0, Weight::Regular));
    let quantity = BAR + 8.0 + 11.0 + if quantity.is_empty() { 0.0 } else { 8.0 };
    numbers.into_iter().fold(0.0, f64::max) + quantity
}

/// The colours and their numbers, and along them what they are numbers of.
fn colour_bar(canvas: &mut Canvas, (x, y): (f64, f64), height: f64, scale: &(Scale, String)) {
    const STEPS: u32 = 64;
    let (scale, quantity) = scale;
    let step = height / f64::from(STEPS);
    for i in 0..STEPS {
        let share = (f64::from(STEPS - i) - 0.5) / f64::from(STEPS);
        let colour = scale.map.at(share as f32);
        canvas.rect(x, y + step * f64::from(i), BAR, step + 0.3, colour);
    }
    let mut widest = 0.0;
    for (text, share) in ends(*scale).into_iter().zip([0.0, 0.5, 1.0]) {
        let place = (x + BAR + 6.0, y + height * share + 4.0);
        canvas.text(
            place,
            &text,
            11.0,
            Weight::Regular,
            Anchor::Start,
            Colour::GREY,
        );
        widest = width_of(&text, 11.0, Weight::Regular).max(widest);
    }
    let place = (x + BAR + 6.0 + widest + 16.0, y + height / 2.0);
    canvas.text_upwards(place, quantity, 11.0, Anchor::Middle, Colour::GREY);
}

/// A text in lines that are no wider.
fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width_of(&format!("{line} {word}"), 13.0, Weight::Regular) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Map;
    use crate::testing::{decoded, texts};

    fn panel(caption: &str, colour: Colour) -> Panel {
        Panel::new(caption, Pixels::filled(4, 4, colour))
    }

    fn two_rows() -> Sheet {
        let row = |label: &str, panels| Row {
            label: label.to_owned(),
            height: 60.0,
            panels,
        };
        Sheet {
            title: "Heads".to_owned(),
            note: "what each looks at".to_owned(),
            rows: vec![
                row(
                    "layer 0",
                    vec![
                        panel("head 0", Colour(255, 0, 0)),
                        panel("head 1", Colour(0, 255, 0)),
                    ],
                ),
                row("layer 1", vec![panel("head 0", Colour(0, 0, 255))]),
            ],
            scale: None,
        }
    }

    #[test]
    fn every_panel_is_drawn_with_its_words() {
        let picture = sheet(&two_rows()).expect("panels");
        let expected = [
            "Heads",
            "what each looks at",
            "layer 0",
            "head 0",
            "head 1",
            "layer 1",
            "head 0",
        ];
        assert_eq!(texts(&picture), expected);
        let pixels = decoded(&picture);
        for colour in [[255, 0, 0], [0, 255, 0], [0, 0, 255]] {
            let inked = pixels.pixels().filter(|pixel| pixel.0 == colour).count();
            // 60 units square at two pixels a unit, but for its frame.
            assert!(
                (115 * 115..=120 * 120).contains(&inked),
                "{inked} of {colour:?}"
            );
        }
    }

    #[test]
    fn panels_lie_one_beside_the_other() {
        let pixels = decoded(&sheet(&two_rows()).expect("panels"));
        let places = |colour: [u8; 3]| {
            let inked = pixels
                .enumerate_pixels()
                .filter(move |(_, _, pixel)| pixel.0 == colour);
            let mut place = inked.map(|(x, y, _)| (x, y));
            place.next().expect("it is drawn")
        };
        let (red, green, blue) = (
            places([255, 0, 0]),
            places([0, 255, 0]),
            places([0, 0, 255]),
        );
        assert_eq!(red.1, green.1);
        assert_eq!(green.0 - red.0, 2 * (60 + 14));
        assert_eq!(red.0, blue.0);
        assert!(blue.1 > red.1 + 120);
    }

    #[test]
    fn a_grid_has_a_line_more_than_cells_and_a_mark_is_a_frame() {
        let mut sheet_of_one = two_rows();
        sheet_of_one.rows.truncate(1);
        let marked = panel("image", Colour(9, 9, 9))
            .with_grid(4, 3)
            .with_mark((1, 2), (4, 3));
        sheet_of_one.rows[0].panels = vec![marked];
        let picture = sheet(&sheet_of_one).expect("a panel");
        assert_eq!(picture.svg().matches("<line").count(), 5 + 4);
        assert_eq!(picture.svg().matches("fill=\"none\"").count(), 2);
    }

    #[test]
    fn the_bar_says_what_colours_mean() {
        let mut with_bar = two_rows();
        let scale = Scale {
            map: Map::Signed,
            low: -0.5,
            high: 0.5,
        };
        with_bar.scale = Some((scale, "weight".to_owned()));
        let texts = texts(&sheet(&with_bar).expect("panels"));
        for text in ["0.50", "0.00", "−0.50", "weight"] {
            assert!(texts.iter().any(|it| it == text), "{text} in {texts:?}");
        }
    }

    #[test]
    fn long_notes_are_broken_between_words() {
        let lines = wrapped(
            "one two three",
            width_of("one two", 13.0, Weight::Regular) + 1.0,
        );
        assert_eq!(lines, ["one two", "three"]);
        assert!(wrapped("", 10.0).is_empty());
    }
}
