//! Pictures: drawn once, as SVG, and rasterised from that to PNG, with a font of their own.
//!
//! [`Canvas`] knows rectangles, lines, texts and pixels; [`sheet`](sheet()) sets out labelled panels, [`curves`] and
//! [`scatter`] draw charts, [`confusion`] draws counts. Colours are those that colour-blind people can tell apart.

mod canvas;
mod chart;
mod colour;
mod confusion;
mod pixels;
mod raster;
mod sheet;
mod ticks;

pub use canvas::{Anchor, Canvas, Weight, width_of};
pub use chart::{Curve, Dots, curves, scatter};
pub use colour::{Colour, LINES, Map};
pub use confusion::confusion;
pub use pixels::{Pixels, Scale};
pub use sheet::{Panel, Row, Sheet, sheet};
pub use ticks::number;

use anyhow::Result;

/// A finished picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    svg: String,
}

impl Picture {
    /// The picture as SVG.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The picture as PNG, with two pixels for each unit of the SVG.
    ///
    /// # Errors
    /// Returns an error if it is too large to be rasterised.
    pub fn png(&self) -> Result<Vec<u8>> {
        raster::png(&self.svg)
    }
}

#[cfg(test)]
mod testing;
