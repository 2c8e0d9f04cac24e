//! Blocks of pixels: images, and matrices as heat maps.

use super::{Colour, Map};
use anyhow::{Context, Result};
use image::{ImageFormat, RgbImage};
use ndarray::{ArrayView2, ArrayView3};
use std::io::Cursor;

/// A block of pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels(RgbImage);

/// A colour map, with the numbers that get its first and last colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The colours.
    pub map: Map,
    /// The number with the first colour.
    pub low: f32,
    /// The number with the last.
    pub high: f32,
}

impl Scale {
    /// From 0 to the largest number.
    pub fn magnitude(values: impl IntoIterator<Item = f32>) -> Self {
        let high = largest(values);
        Self {
            map: Map::Magnitude,
            low: 0.0,
            high,
        }
    }

    /// As far below 0 as above it.
    pub fn signed(values: impl IntoIterator<Item = f32>) -> Self {
        let most = largest(values.into_iter().map(f32::abs));
        Self {
            map: Map::Signed,
            low: -most,
            high: most,
        }
    }

    /// The colour of a number.
    pub fn colour(self, value: f32) -> Colour {
        self.map.at((value - self.low) / (self.high - self.low))
    }
}

/// The largest number, or 1 where all are 0 or none is finite.
fn largest(values: impl IntoIterator<Item = f32>) -> f32 {
    let most = values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold(0.0, f32::max);
    if most > 0.0 { most } else { 1.0 }
}

impl Pixels {
    /// One colour.
    pub fn filled(width: usize, height: usize, colour: Colour) -> Self {
        Self::from_fn(width, height, |_, _| colour)
    }

    /// A pixel for each row and column.
    pub fn from_fn(width: usize, height: usize, colour: impl Fn(usize, usize) -> Colour) -> Self {
        let image = RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let Colour(red, green, blue) = colour(y as usize, x as usize);
            image::Rgb([red, green, blue])
        });
        Self(image)
    }

    /// A matrix, a pixel for each element.
    pub fn heat(matrix: ArrayView2<'_, f32>, scale: Scale) -> Self {
        let (height, width) = matrix.dim();
        Self::from_fn(width, height, |row, column| {
            scale.colour(matrix[(row, column)])
        })
    }

    /// An image `[C, H, W]` of one or three channels, 0 for black and 1 for white; of other numbers of channels, their
    /// mean.
    pub fn image(image: ArrayView3<'_, f32>) -> Self {
        let (channels, height, width) = image.dim();
        let level = |value: f32| Map::Grey.at(value);
        Self::from_fn(width, height, |row, column| {
            let value = |channel| level(image[(channel, row, column)]).0;
            if channels == 3 {
                return Colour(value(0), value(1), value(2));
            }
            let sum: f32 = (0..channels)
                .map(|channel| image[(channel, row, column)])
                .sum();
            level(sum / channels.max(1) as f32)
        })
    }

    /// These pixels with others over them, of which each covers as many as fit: `share` 0 shows none of them, 1 only
    /// them.
    pub fn under(&self, over: &Pixels, share: f32) -> Self {
        let (width, height) = (self.width(), self.height());
        Self::from_fn(width, height, |row, column| {
            let (y, x) = (
                row * over.height() / height.max(1),
                column * over.width() / width.max(1),
            );
            self.at(row, column).under(over.at(y, x), share)
        })
    }

    /// The part that begins at a row and column.
    pub fn part(&self, row: usize, column: usize, height: usize, width: usize) -> Self {
        Self::from_fn(width, height, |y, x| self.at(row + y, column + x))
    }

    fn at(&self, row: usize, column: usize) -> Colour {
        let pixel = self.0.get_pixel_checked(column as u32, row as u32);
        pixel.map_or(Colour::WHITE, |&image::Rgb([red, green, blue])| {
            Colour(red, green, blue)
        })
    }

    /// The number of pixels in a row.
    pub fn width(&self) -> usize {
        self.0.width() as usize
    }

    /// The number of rows.
    pub fn height(&self) -> usize {
        self.0.height() as usize
    }

    /// As PNG.
    pub(super) fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Cursor::new(vec![]);
        self.0
            .write_to(&mut bytes, ImageFormat::Png)
            .context("pixels cannot be encoded")?;
        Ok(bytes.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, array};

    #[test]
    fn a_matrix_keeps_its_rows_and_columns() {
        let matrix = array![[0.0, 0.5, 1.0], [1.0, 0.0, 0.0]];
        let scale = Scale {
            map: Map::Grey,
            low: 0.0,
            high: 1.0,
        };
        let pixels = Pixels::heat(matrix.view(), scale);
        assert_eq!((pixels.width(), pixels.height()), (3, 2));
        assert_eq!(pixels.at(0, 2), Colour::WHITE);
        assert_eq!(pixels.at(0, 1), Colour(128, 128, 128));
        assert_eq!(pixels.at(1, 2), Colour(0, 0, 0));
    }

    #[test]
    fn channels_are_colours() {
        let image = Array3::from_shape_fn((3, 1, 2), |(channel, _, column)| {
            f32::from(u8::from(channel == 0 && column == 1))
        });
        let pixels = Pixels::image(image.view());
        assert_eq!(pixels.at(0, 0), Colour(0, 0, 0));
        assert_eq!(pixels.at(0, 1), Colour(255, 0, 0));
    }

    #[test]
    fn a_coarse_block_covers_what_lies_under_it() {
        let image = Pixels::filled(4, 4, Colour(0, 0, 0));
        let over = Pixels::from_fn(2, 2, |row, column| {
            if row == 0 && column == 1 {
                Colour::WHITE
            } else {
                Colour(0, 0, 0)
            }
        });
        let both = image.under(&over, 1.0);
        assert_eq!(both.at(1, 2), Colour::WHITE);
        assert_eq!(both.at(1, 1), Colour(0, 0, 0));
        assert_eq!(both.at(2, 2), Colour(0, 0, 0));
        assert_eq!(image.under(&over, 0.5).at(0, 3), Colour(128, 128, 128));
    }

    #[test]
    fn scales_reach_as_far_as_the_numbers() {
        let signed = Scale::signed([0.5, -2.0, f32::NAN, f32::INFINITY]);
        assert_eq!((signed.low, signed.high), (-2.0, 2.0));
        let magnitude = Scale::magnitude([0.25, 0.5]);
        assert_eq!((magnitude.low, magnitude.high), (0.0, 0.5));
        assert_eq!(Scale::magnitude([0.0]).high, 1.0);
    }
}
