//! Charts: curves and dots between two axes.

use super::ticks::Axis;
use super::{Anchor, Canvas, Colour, LINES, Picture, Weight, width_of};
use anyhow::{Context, Result, bail};

/// A line of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// The label in the legend.
    pub label: &'a str,
    /// Its points, from left to right. One that is not finite leaves a gap.
    pub points: &'a [(f64, f64)],
}

/// Dots of one colour.
#[derive(Clone, Copy, Debug)]
pub struct Dots<'a> {
    /// The label in the legend.
    pub label: &'a str,
    /// The positions of the dots, each x and y.
    pub points: &'a [(f64, f64)],
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const RIGHT: f64 = 24.0;
const BOTTOM: f64 = 56.0;

/// Lines over a common axis: training curves, schedules. If every x is a whole number, so are the marks of the axis.
///
/// # Errors
/// Returns an error if there is nothing to draw.
pub fn curves(title: &str, x: &str, y: &str, curves: &[Curve<'_>]) -> Result<Picture> {
    let series: Vec<_> = curves
        .iter()
        .map(|curve| (curve.label, curve.points))
        .collect();
    let mut chart = Chart::new(title, x, y, &series, Key::Line)?;
    for (i, curve) in curves.iter().enumerate() {
        let (colour, dashed) = style(i);
        for run in curve.points.split(|point| !is_finite(point)) {
            let places: Vec<_> = run.iter().map(|&point| chart.place(point)).collect();
            match places.as_slice() {
                [] => {}
                [place] => chart.canvas.dot(*place, 3.5, colour),
                places => chart.canvas.path(places, colour, 2.0, dashed),
            }
        }
    }
    Ok(chart.canvas.finish(title))
}

/// Dots between two axes.
///
/// # Errors
/// Returns an error if there is nothing to draw.
pub fn scatter(title: &str, x: &str, y: &str, dots: &[Dots<'_>]) -> Result<Picture> {
    let series: Vec<_> = dots.iter().map(|dots| (dots.label, dots.points)).collect();
    let mut chart = Chart::new(title, x, y, &series, Key::Dot)?;
    for (i, dots) in dots.iter().enumerate() {
        for &point in dots.points.iter().filter(|point| is_finite(point)) {
            let place = chart.place(point);
            chart.canvas.dot(place, 4.5, style(i).0);
        }
    }
    Ok(chart.canvas.finish(title))
}

/// The colour of the i-th series, and whether its line is dashed, as it is when the colours come round again.
fn style(i: usize) -> (Colour, bool) {
    (LINES[i % LINES.len()], (i / LINES.len()) % 2 == 1)
}

fn is_finite(&(x, y): &(f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

/// The sign before a label in the legend.
#[derive(Clone, Copy)]
enum Key {
    Line,
    Dot,
}

/// A title, two axes with their marks, and a legend; what is between them is drawn later.
struct Chart {
    canvas: Canvas,
    x: Axis,
    y: Axis,
    left: f64,
    top: f64,
}

impl Chart {
    fn new(
        title: &str,
        x: &str,
        y: &str,
        series: &[(&str, &[(f64, f64)])],
        key: Key,
    ) -> Result<Self> {
        let points = || {
            let all = series.iter().flat_map(|(_, points)| points.iter());
            all.filter(|point| is_finite(point)).copied()
        };
        if points().next().is_none() {
            bail!("{title}: there is no finite number to draw");
        }
        let whole = points().all(|(x, _)| x.fract() == 0.0);
        let says = || format!("{title}: the range of the values is too large to draw");
        let x_axis = Axis::of(points().map(|(x, _)| x), 8, whole).with_context(says)?;
        let y_axis = Axis::of(points().map(|(_, y)| y), 6, false).with_context(says)?;

        let widest = y_axis
            .ticks
            .iter()
            .map(|(_, label)| width_of(label, 12.0, Weight::Regular))
            .fold(0.0, f64::max);
        let left = 44.0 + widest;
        let mut canvas = Canvas::new(WIDTH, HEIGHT);
        let start = Anchor::Start;
        canvas.text(
            (20.0, 30.0),
            title,
            17.0,
            Weight::Bold,
            start,
            Colour::BLACK,
        );
        let labels: Vec<_> = series.iter().map(|(label, _)| *label).collect();
        let top = legend(&mut canvas, &labels, left, key);
        let mut chart = Self {
            canvas,
            x: x_axis,
            y: y_axis,
            left,
            top,
        };
        chart.axes(x, y);
        Ok(chart)
    }

    fn axes(&mut self, x: &str, y: &str) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, label) in self.y.ticks.clone() {
            let (_, level) = self.place((self.x.low, value));
            self.canvas
                .line((self.left, level), (right, level), Colour::LIGHT, 1.0);
            let place = (self.left - 8.0, level + 4.0);
            let (weight, end) = (Weight::Regular, Anchor::End);
            self.canvas
                .text(place, &label, 12.0, weight, end, Colour::GREY);
        }
        for (value, label) in self.x.ticks.clone() {
            let (across, _) = self.place((value, self.y.low));
            self.canvas
                .line((across, bottom), (across, bottom + 5.0), Colour::GREY, 1.0);
            let place = (across, bottom + 19.0);
            let (weight, middle) = (Weight::Regular, Anchor::Middle);
            self.canvas
                .text(place, &label, 12.0, weight, middle, Colour::GREY);
        }
        self.canvas
            .line((self.left, bottom), (right, bottom), Colour::GREY, 1.0);
        let place = ((self.left + right) / 2.0, HEIGHT - 14.0);
        let (weight, middle) = (Weight::Regular, Anchor::Middle);
        self.canvas
            .text(place, x, 13.0, weight, middle, Colour::BLACK);
        let place = (22.0, (self.top + bottom) / 2.0);
        self.canvas
            .text_upwards(place, y, 13.0, middle, Colour::BLACK);
    }

    /// The position of a point on the canvas.
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        (
            self.left + self.x.place(x) * (right - self.left),
            bottom - self.y.place(y) * (bottom - self.top),
        )
    }
}

/// Says which colour is what, in as many lines as that takes. Gives where the chart may begin.
fn legend(canvas: &mut Canvas, labels: &[&str], left: f64, key: Key) -> f64 {
    let (mut across, mut down) = (left, 54.0);
    for (i, label) in labels.iter().enumerate() {
        let width = 28.0 + width_of(label, 12.0, Weight::Regular) + 20.0;
        if across > left && across + width > WIDTH - RIGHT {
            (across, down) = (left, down + 18.0);
        }
        let (colour, dashed) = style(i);
        let line = [(across, down - 4.0), (across + 20.0, down - 4.0)];
        match key {
            Key::Line => canvas.path(&line, colour, 3.0, dashed),
            Key::Dot => canvas.dot((across + 16.0, down - 4.0), 4.5, colour),
        }
        let (weight, start) = (Weight::Regular, Anchor::Start);
        canvas.text(
            (across + 28.0, down),
            label,
            12.0,
            weight,
            start,
            Colour::BLACK,
        );
        across += width;
    }
    down + 18.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{decoded, texts};

    const LOSS: [(f64, f64); 3] = [(1.0, 0.0), (2.0, 1.0), (3.0, 0.5)];

    #[test]
    fn a_chart_names_its_axes_and_curves() {
        let curve = |label| Curve {
            label,
            points: &LOSS,
        };
        let picture = curves(
            "Training",
            "epoch",
            "loss",
            &[curve("train"), curve("a < b")],
        );
        let picture = picture.expect("there are points");
        let texts = texts(&picture);
        for text in [
            "Training", "epoch", "loss", "train", "a &lt; b", "1", "2", "3", "0.0", "1.0",
        ] {
            assert!(texts.iter().any(|it| it == text), "{text} in {texts:?}");
        }
        assert!(!texts.iter().any(|it| it == "1.5"), "epochs are whole");
        // Two curves, and their two keys.
        assert_eq!(picture.svg().matches("<polyline").count(), 4);
    }

    #[test]
    fn a_curve_goes_through_its_points() {
        let curve = Curve {
            label: "train",
            points: &LOSS,
        };
        let chart =
            Chart::new("t", "x", "y", &[("train", &LOSS)], Key::Line).expect("there are points");
        let picture = decoded(&curves("t", "x", "y", &[curve]).expect("there are points"));
        let Colour(red, green, blue) = LINES[0];
        for point in LOSS {
            let (x, y) = chart.place(point);
            // A line of two units covers the four pixels about its middle.
            let (x, y) = ((2.0 * x).round() as u32, (2.0 * y).round() as u32);
            assert_eq!(picture.get_pixel(x - 1, y - 1).0, [red, green, blue]);
        }
        let (_, top) = chart.place((2.0, 1.0));
        assert!(top < chart.place((1.0, 0.0)).1, "more is higher");
    }

    #[test]
    fn a_gap_stays_a_gap_and_a_lone_point_is_a_dot() {
        let points = [(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0)];
        let curve = Curve {
            label: "loss",
            points: &points,
        };
        let picture = curves("t", "x", "y", &[curve]).expect("there are points");
        assert_eq!(picture.svg().matches("<polyline").count(), 2); // one is the key
        assert_eq!(picture.svg().matches("<circle").count(), 1);
    }

    #[test]
    fn nothing_to_draw_is_said() {
        let error = curves("Training", "epoch", "loss", &[]).expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "Training: there is no finite number to draw"
        );
        let points = [(1.0, f64::MAX), (2.0, -f64::MAX)];
        let curve = Curve {
            label: "loss",
            points: &points,
        };
        let error = curves("Training", "epoch", "loss", &[curve]).expect_err("too far");
        assert_eq!(
            error.to_string(),
            "Training: the range of the values is too large to draw"
        );
    }

    #[test]
    fn each_dot_is_drawn() {
        let dots = Dots {
            label: "head",
            points: &LOSS,
        };
        let picture = scatter("Distance", "layer", "pixels", &[dots]).expect("there are points");
        // And the key.
        assert_eq!(picture.svg().matches("<circle").count(), 3 + 1);
    }
}
