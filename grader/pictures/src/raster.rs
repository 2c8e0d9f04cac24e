//! From SVG to PNG.

use super::canvas::FONTS;
use anyhow::{Context, Result};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use std::sync::Arc;

/// Pixels for a unit of the SVG: sharp on screens of today.
const DENSITY: f32 = 2.0;

/// The picture in pixels. Only the fonts within are used, so it is the same on every machine.
pub(super) fn png(svg: &str) -> Result<Vec<u8>> {
    let mut fonts = Database::new();
    for font in FONTS {
        fonts.load_font_data(font.to_vec());
    }
    let options = Options {
        fontdb: Arc::new(fonts),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).context("the picture is no SVG")?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(DENSITY)
        .context("the picture is too large")?;
    let mut pixels =
        Pixmap::new(size.width(), size.height()).context("the picture is too large")?;
    let transform = Transform::from_scale(DENSITY, DENSITY);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    encoded(&pixels).context("the picture cannot be encoded")
}

/// As PNG without transparency, of which a picture has none, and as small as it gets without losing anything.
fn encoded(pixels: &Pixmap) -> Result<Vec<u8>> {
    let opaque: Vec<u8> = pixels
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    let mut bytes = vec![];
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive)
        .write_image(
            &opaque,
            pixels.width(),
            pixels.height(),
            ExtendedColorType::Rgb8,
        )?;
    Ok(bytes)
}
