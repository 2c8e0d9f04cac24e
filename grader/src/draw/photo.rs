//! The image for pictures of a model: a generated digit, or the user's own.

use anyhow::{Context, Result, bail};
use datasets::digits::{DigitsConfig, generate};
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageError, ImageReader, Limits};
use ndarray::Array3;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

/// The image that is looked at.
#[derive(Clone, Debug)]
pub enum Photo {
    /// A generated digit.
    Digit,
    /// Somebody's own.
    Own(Box<DynamicImage>),
}

/// The limits on a file with an image: bytes of the file, pixels per side, bytes once it is unpacked.
const FILE: u64 = 64 << 20;
const SIDE: u32 = 16_384;
const UNPACKED: u64 = 512 << 20;

impl Photo {
    /// Reads a PNG or JPEG file of any size within reason.
    ///
    /// # Errors
    /// Returns an error if the file is not an image of those formats, or is too large.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let about = fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?;
        if !about.is_file() {
            bail!("{shown} is not a file");
        }
        if about.len() > FILE {
            bail!("{shown} takes {} bytes, of at most {FILE}", about.len());
        }
        let file = File::open(path).with_context(|| format!("{shown} cannot be read"))?;
        let mut reader = ImageReader::new(BufReader::new(file))
            .with_guessed_format()
            .with_context(|| format!("{shown} cannot be read"))?;
        if reader.format().is_none() {
            bail!("{shown} is not an image: it must be PNG or JPEG");
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(SIDE);
        limits.max_image_height = Some(SIDE);
        limits.max_alloc = Some(UNPACKED);
        reader.limits(limits);
        let image = reader.decode().map_err(|error| match error {
            ImageError::Limits(_) => anyhow::anyhow!(
                "{shown} is too large: an image may have {SIDE} pixels a side and take {} MiB",
                UNPACKED >> 20
            ),
            ImageError::Unsupported(_) => {
                anyhow::anyhow!("{shown} is an image of another kind: it must be PNG or JPEG")
            }
            error => anyhow::Error::new(error).context(format!("{shown} is a damaged image")),
        })?;
        Ok(Self::Own(Box::new(image)))
    }

    /// The image as `[C, side, side]`, from 0 to 1: its middle, resized. It is grey unless `channels` is 3.
    pub fn at(&self, side: usize, channels: usize) -> Array3<f32> {
        let digit;
        let image = match self {
            Photo::Own(image) => image,
            Photo::Digit => {
                digit = a_digit();
                &digit
            }
        };
        let size = side as u32;
        let is_there = (image.width(), image.height()) == (size, size);
        let resized;
        let image = if is_there {
            image
        } else {
            resized = image.resize_to_fill(size, size, FilterType::Triangle);
            &resized
        };
        if channels == 3 {
            let pixels = image.to_rgb8();
            return Array3::from_shape_fn((3, side, side), |(channel, row, column)| {
                f32::from(pixels.get_pixel(column as u32, row as u32).0[channel]) / 255.0
            });
        }
        let pixels = image.to_luma8();
        Array3::from_shape_fn((channels, side, side), |(_, row, column)| {
            f32::from(pixels.get_pixel(column as u32, row as u32).0[0]) / 255.0
        })
    }

    /// The name of the image in titles.
    pub fn name(&self) -> &'static str {
        match self {
            Photo::Digit => "a generated digit",
            Photo::Own(_) => "the image",
        }
    }
}

/// One digit of the generated ones that shows well what patches are.
fn a_digit() -> DynamicImage {
    const CHOSEN: usize = 5;
    let digits = generate(&DigitsConfig {
        seed: 0,
        train: 0,
        validation: 0,
        test: CHOSEN + 1,
    });
    let (_, height, width) = digits.test.images.dim();
    let image = GrayImage::from_fn(width as u32, height as u32, |x, y| {
        image::Luma([digits.test.images[(CHOSEN, y as usize, x as usize)]])
    });
    DynamicImage::ImageLuma8(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgb, RgbImage};

    fn said(content: &[u8]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("photo");
        fs::write(&path, content).expect("a file");
        let error = Photo::open(&path).expect_err("it is no image");
        format!("{error:#}").replace(&format!("{}/", folder.path().display()), "")
    }

    fn png(image: &RgbImage) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(vec![]);
        image.write_to(&mut bytes, ImageFormat::Png).expect("a PNG");
        bytes.into_inner()
    }

    #[test]
    fn the_digit_is_as_it_was_generated() {
        let digit = Photo::Digit.at(28, 1);
        assert_eq!(digit.dim(), (1, 28, 28));
        let ink = digit.sum();
        assert!((30.0..300.0).contains(&ink), "{ink}");
        let colours = Photo::Digit.at(56, 3);
        assert_eq!(colours.dim(), (3, 56, 56));
        // Resized to twice the side, it has four times the ink, but for rounding and edges.
        assert!((colours.sum() / 3.0 / ink - 4.0).abs() < 0.2);
    }

    #[test]
    fn an_own_image_is_cut_to_its_middle() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("photo.of.any.name");
        let wide = RgbImage::from_fn(30, 10, |x, _| {
            if (10..20).contains(&x) {
                Rgb([255, 0, 0])
            } else {
                Rgb([0, 0, 255])
            }
        });
        fs::write(&path, png(&wide)).expect("a file");
        let photo = Photo::open(&path).expect("a PNG").at(10, 3);
        assert!(
            photo
                .index_axis(ndarray::Axis(0), 0)
                .iter()
                .all(|&red| red == 1.0)
        );
        assert!(
            photo
                .index_axis(ndarray::Axis(0), 2)
                .iter()
                .all(|&blue| blue == 0.0)
        );
    }

    #[test]
    fn a_photograph_is_read_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("photo.jpg");
        let grey = RgbImage::from_pixel(16, 16, Rgb([128; 3]));
        grey.save_with_format(&path, ImageFormat::Jpeg)
            .expect("a JPEG");
        let photo = Photo::open(&path).expect("a JPEG").at(8, 1);
        // JPEG keeps colours to about a level.
        assert!(
            photo
                .iter()
                .all(|pixel| (pixel - 128.0 / 255.0).abs() < 0.01)
        );
    }

    #[test]
    fn what_is_no_image_is_said() {
        assert_eq!(
            said(b"a letter"),
            "photo is not an image: it must be PNG or JPEG"
        );
        assert_eq!(
            said(b"GIF89a\x01\x00\x01\x00"),
            "photo is an image of another kind: it must be PNG or JPEG"
        );
        let whole = png(&RgbImage::new(40, 40));
        assert!(said(&whole[..whole.len() / 2]).starts_with("photo is a damaged image: "));
        let missing = Photo::open(Path::new("missing.png")).expect_err("there is none");
        assert_eq!(missing.to_string(), "missing.png cannot be read");
        let folder = tempfile::tempdir().expect("a folder");
        let error = Photo::open(folder.path()).expect_err("a folder");
        assert!(error.to_string().ends_with("is not a file"));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        // 20,000 pixels a side in some hundred kilobytes: only its header is looked at.
        let mut bomb = png(&RgbImage::new(1, 1));
        bomb[16..20].copy_from_slice(&20_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&20_000_u32.to_be_bytes());
        let checksum = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
        let said = said(&bomb);
        assert!(said.starts_with("photo is too large"), "{said}");
    }

    /// The checksum of a PNG's parts.
    fn crc(bytes: &[u8]) -> u32 {
        let mut sum = flate2::Crc::new();
        sum.update(bytes);
        sum.sum()
    }
}
