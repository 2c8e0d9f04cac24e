//! From SVG to PNG.

use super::canvas::FONTS;
use anyhow::{Context, Result};
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
    pixels.encode_png().context("the picture cannot be encoded")
}
