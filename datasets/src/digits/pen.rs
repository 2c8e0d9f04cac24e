//! Draws strokes as a pen of a given thickness would, with soft edges.
//!
//! Only sums, products, quotients and square roots are used, which IEEE 754 rounds alike on every
//! machine.

use ndarray::Array2;

use super::glyphs::Stroke;

/// A point in pixels, x to the right and y downwards.
pub(super) type Point = (f32, f32);

/// The corners of a chain of straight pieces that follows the stroke.
pub(super) fn flatten(points: &[Point], stroke: Stroke) -> Vec<Point> {
    const PIECES: u8 = 6; // between two points, which are at most a third of the image apart
    match stroke {
        Stroke::Straight(_) => points.to_vec(),
        Stroke::Curved(_) => {
            let last = points.len() - 1;
            let mut chain = vec![points[0]];
            for i in 0..last {
                let before = points[i.saturating_sub(1)];
                let after = points[(i + 2).min(last)];
                for piece in 1..=PIECES {
                    let t = f32::from(piece) / f32::from(PIECES);
                    chain.push(between(before, points[i], points[i + 1], after, t));
                }
            }
            chain
        }
    }
}

/// A point of the Catmull-Rom curve from `b` to `c`, at `t` from 0 to 1.
fn between(a: Point, b: Point, c: Point, d: Point, t: f32) -> Point {
    let one = |a: f32, b: f32, c: f32, d: f32| {
        let quadratic = 2.0 * a - 5.0 * b + 4.0 * c - d;
        let cubic = 3.0 * (b - c) + d - a;
        b + 0.5 * t * (c - a + t * (quadratic + t * cubic))
    };
    (one(a.0, b.0, c.0, d.0), one(a.1, b.1, c.1, d.1))
}

/// Inks the pixels near a chain of straight pieces: fully nearer than the pen's radius, and less and
/// less over `softness` pixels around it. Ink never takes ink away.
pub(super) fn ink(image: &mut Array2<f32>, chain: &[Point], radius: f32, softness: f32) {
    let (height, width) = image.dim();
    let reach = radius + softness / 2.0;
    for piece in chain.windows(2) {
        let (from, to) = (piece[0], piece[1]);
        let rows = span(from.1.min(to.1) - reach, from.1.max(to.1) + reach, height);
        for row in rows {
            let columns = span(from.0.min(to.0) - reach, from.0.max(to.0) + reach, width);
            for column in columns {
                let away = distance((column as f32, row as f32), from, to);
                let darkness = ((reach - away) / softness).clamp(0.0, 1.0);
                let pixel = &mut image[[row, column]];
                *pixel = pixel.max(darkness);
            }
        }
    }
}

/// The pixels of a row or column whose centres lie between two places.
fn span(from: f32, to: f32, size: usize) -> std::ops::Range<usize> {
    let start = from.max(0.0) as usize; // which saturates
    let end = (to + 1.0).max(0.0) as usize;
    start..end.min(size)
}

/// From a point to the nearest point of a straight piece.
fn distance(point: Point, from: Point, to: Point) -> f32 {
    let (along_x, along_y) = (to.0 - from.0, to.1 - from.1);
    let (x, y) = (point.0 - from.0, point.1 - from.1);
    let length = along_x * along_x + along_y * along_y;
    let part = if length > 0.0 {
        ((x * along_x + y * along_y) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (off_x, off_y) = (x - part * along_x, y - part * along_y);
    (off_x * off_x + off_y * off_y).sqrt()
}
