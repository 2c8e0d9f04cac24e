//! Pictures as tests look at them.

use super::Picture;
use image::{ImageFormat, RgbImage};

/// The pixels of the picture's PNG.
pub(super) fn decoded(picture: &Picture) -> RgbImage {
    let png = picture.png().expect("the picture can be rasterised");
    let image = image::load_from_memory_with_format(&png, ImageFormat::Png);
    image.expect("the PNG can be read").into_rgb8()
}

/// The texts of the picture, in the order in which they were drawn.
pub(super) fn texts(picture: &Picture) -> Vec<String> {
    let texts = picture.svg().split("<text ").skip(1);
    texts
        .filter_map(|text| text.split_once('>')?.1.split_once("</text>"))
        .map(|(text, _)| text.to_owned())
        .collect()
}
