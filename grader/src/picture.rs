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

use crate::machine::files::write_whole;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

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

    /// Writes `NAME.png` and `NAME.svg` into the folder, which is created if it is missing. Returns their paths.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<[PathBuf; 2]> {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        let write = |extension: &str, bytes: &[u8]| {
            let path = folder.join(format!("{name}.{extension}"));
            write_whole(&path, bytes)?;
            anyhow::Ok(path)
        };
        Ok([
            write("png", &self.png()?)?,
            write("svg", self.svg.as_bytes())?,
        ])
    }
}

#[cfg(test)]
mod testing;
