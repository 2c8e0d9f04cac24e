//! The canvas of a picture: rectangles, lines, texts and pixels, written down as SVG.

use super::{Colour, Picture, Pixels};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use std::fmt::Write;

/// The font's regular and semi-bold cuts. Its licence lies beside them.
pub(super) const FONTS: [&[u8]; 2] = [
    include_bytes!("../assets/font/Inter-Regular.otf"),
    include_bytes!("../assets/font/Inter-SemiBold.otf"),
];

/// The weight of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// For labels.
    Regular,
    /// For titles.
    Bold,
}

/// The point of a text that its position means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// The width of a text, in the units of its size.
pub fn width_of(text: &str, size: f64, weight: Weight) -> f64 {
    let font = FONTS[usize::from(weight == Weight::Bold)];
    let Ok(font) = FontRef::new(font) else {
        return 0.6 * size * text.chars().count() as f64;
    };
    let metrics = font.glyph_metrics(Size::new(size as f32), LocationRef::default());
    let letters = font.charmap();
    let widths = text.chars().map(|letter| {
        let glyph = letters.map(letter).unwrap_or_default();
        f64::from(metrics.advance_width(glyph).unwrap_or_default())
    });
    widths.sum()
}

/// A sheet of paper. Units are pixels of a screen; y grows downwards.
#[derive(Clone, Debug)]
pub struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    /// An empty sheet.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    /// The picture of all that was drawn, with what it shows in a few words for those who cannot see it.
    pub fn finish(self, about: &str) -> Picture {
        let Self {
            width,
            height,
            body,
        } = self;
        let about = escaped(about);
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             font-family=\"Inter, Helvetica, Arial, sans-serif\">\n\
             <title>{about}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n{body}</svg>\n",
            Colour::WHITE
        );
        Picture { svg }
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing into a text does not fail.
        let _ = writeln!(self.body, "{element}");
    }

    /// A filled rectangle.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: Colour) {
        self.add(format_args!(
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{fill}\"/>"
        ));
    }

    /// The edge of a rectangle.
    pub fn frame(&mut self, x: f64, y: f64, width: f64, height: f64, stroke: Colour, thick: f64) {
        self.add(format_args!(
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"none\" \
             stroke=\"{stroke}\" stroke-width=\"{thick}\"/>"
        ));
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Colour, thick: f64) {
        self.add(format_args!(
            "<line x1=\"{:.2}\" y1=\"{:.2}\" x2=\"{:.2}\" y2=\"{:.2}\" stroke=\"{stroke}\" stroke-width=\"{thick}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// A line through points.
    pub fn path(&mut self, points: &[(f64, f64)], stroke: Colour, thick: f64, dashed: bool) {
        let points: Vec<_> = points
            .iter()
            .map(|(x, y)| format!("{x:.2},{y:.2}"))
            .collect();
        let dashes = if dashed {
            " stroke-dasharray=\"6 4\""
        } else {
            ""
        };
        self.add(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{thick}\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"{dashes}/>",
            points.join(" ")
        ));
    }

    /// A filled circle.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: Colour) {
        self.add(format_args!(
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius}\" fill=\"{fill}\" fill-opacity=\"0.85\"/>"
        ));
    }

    /// A text whose baseline is at `y`. Characters that cannot be seen are shown as they are in Rust's texts.
    pub fn text(
        &mut self,
        (x, y): (f64, f64),
        text: &str,
        size: f64,
        weight: Weight,
        anchor: Anchor,
        fill: Colour,
    ) {
        self.letters(
            &format!("x=\"{x:.2}\" y=\"{y:.2}\""),
            text,
            size,
            weight,
            anchor,
            fill,
        );
    }

    /// A text that runs upwards, turned about its anchor.
    pub fn text_upwards(
        &mut self,
        (x, y): (f64, f64),
        text: &str,
        size: f64,
        anchor: Anchor,
        fill: Colour,
    ) {
        let place = format!("transform=\"translate({x:.2} {y:.2}) rotate(-90)\"");
        self.letters(&place, text, size, Weight::Regular, anchor, fill);
    }

    fn letters(
        &mut self,
        place: &str,
        text: &str,
        size: f64,
        weight: Weight,
        anchor: Anchor,
        fill: Colour,
    ) {
        let weight = match weight {
            Weight::Regular => "",
            Weight::Bold => " font-weight=\"600\"",
        };
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let text = escaped(text);
        self.add(format_args!(
            "<text {place} font-size=\"{size}\"{weight}{anchor} fill=\"{fill}\">{text}</text>"
        ));
    }

    /// Pixels, stretched over a rectangle, each with sharp edges.
    ///
    /// # Errors
    /// Returns an error if the pixels cannot be encoded.
    pub fn pixels(
        &mut self,
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        pixels: &Pixels,
    ) -> anyhow::Result<()> {
        let data = STANDARD.encode(pixels.png()?);
        self.add(format_args!(
            "<image x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" \
             preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{data}\"/>"
        ));
        Ok(())
    }
}

/// A text as XML has it.
fn escaped(text: &str) -> String {
    wire::printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::decoded;

    #[test]
    fn what_is_drawn_is_where_it_was_drawn() {
        let mut canvas = Canvas::new(20.0, 10.0);
        canvas.rect(5.0, 2.0, 4.0, 3.0, Colour(255, 0, 0));
        let picture = decoded(&canvas.finish("a red box"));
        assert_eq!((picture.width(), picture.height()), (40, 20));
        assert_eq!(picture.get_pixel(10, 4).0, [255, 0, 0]);
        assert_eq!(picture.get_pixel(17, 9).0, [255, 0, 0]);
        assert_eq!(picture.get_pixel(18, 9).0, [255, 255, 255]);
        assert_eq!(picture.get_pixel(17, 10).0, [255, 255, 255]);
    }

    #[test]
    fn texts_are_drawn_with_the_font_within_and_are_as_wide_as_is_said() {
        let text = "Attention × ½ πσ";
        let width = width_of(text, 20.0, Weight::Bold);
        let mut canvas = Canvas::new(300.0, 40.0);
        canvas.text(
            (10.0, 25.0),
            text,
            20.0,
            Weight::Bold,
            Anchor::Start,
            Colour(0, 0, 0),
        );
        let picture = decoded(&canvas.finish("a text"));
        let inked = |x: u32| (0..picture.height()).any(|y| picture.get_pixel(x, y).0[0] < 128);
        let last = (0..picture.width()).rev().find(|&x| inked(x));
        let last = f64::from(last.expect("letters are drawn")) / 2.0;
        // Kerning and the last letter's own margin make a small difference.
        assert!(
            (last - 10.0 - width).abs() < 4.0,
            "{width} said, {} drawn",
            last - 10.0
        );
    }

    #[test]
    fn pixels_have_sharp_edges() {
        let mut canvas = Canvas::new(40.0, 20.0);
        let pixels = Pixels::from_fn(2, 1, |_, column| {
            [Colour(0, 0, 0), Colour(255, 0, 0)][column]
        });
        let drawn = canvas.pixels(10.0, 5.0, 20.0, 10.0, &pixels);
        drawn.expect("pixels can be encoded");
        let picture = decoded(&canvas.finish("two pixels"));
        for (x, colour) in [(19, 255), (20, 0), (39, 0), (40, 255), (59, 255)] {
            assert_eq!(picture.get_pixel(x, 20).0[0], colour, "at {x}");
            assert_eq!(picture.get_pixel(x, 20).0[1] > 0, x == 19, "at {x}");
        }
    }

    #[test]
    fn a_text_is_no_markup() {
        let mut canvas = Canvas::new(10.0, 10.0);
        let text = "</text><script>\u{1b}&\"";
        canvas.text(
            (0.0, 5.0),
            text,
            5.0,
            Weight::Regular,
            Anchor::Middle,
            Colour::BLACK,
        );
        let picture = canvas.finish("<x>");
        assert!(
            picture
                .svg()
                .contains("&lt;/text&gt;&lt;script&gt;\\u{1b}&amp;&quot;</text>")
        );
        assert!(picture.svg().contains("<title>&lt;x&gt;</title>"));
    }
}
