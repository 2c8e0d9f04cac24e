//! The image for pictures of a model: a generated digit, or the user's own.

use super::formats::{Format, other_kind};
use anyhow::{Context, Result, anyhow, bail};
use datasets::digits::{DigitsConfig, generate};
use hints::{WithHint, hinted};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader,
    Limits, Rgb, RgbImage,
};
use ndarray::Array3;
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;

/// The image that is looked at.
#[derive(Clone, Debug)]
pub enum Photo {
    /// A generated digit.
    Digit,
    /// Somebody's own.
    Own(Own),
}

/// The middle of somebody's image, upright.
#[derive(Clone, Debug)]
pub struct Own {
    /// A square of at most [`KEPT`] pixels a side.
    pixels: DynamicImage,
    remarks: Vec<&'static str>,
}

/// The limits on a file with an image: bytes of the file, pixels per side, bytes once it is unpacked.
const FILE: u64 = 64 << 20;
const SIDE: u32 = 16_384;
const UNPACKED: u64 = 512 << 20;

/// Pixels per side that are kept of an image, more than any picture shows.
const KEPT: u32 = 512;

impl Photo {
    /// Reads a PNG or JPEG file of any size within reason.
    ///
    /// # Errors
    /// Returns an error if the file is not an image of those formats, is cut off or damaged, or is too large.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let about = fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?;
        if !about.is_file() {
            bail!("{shown} is not a file");
        }
        if about.len() > FILE {
            bail!("{shown} takes {} bytes, of at most {FILE}", about.len());
        }
        let mut bytes = vec![];
        File::open(path)
            .and_then(|file| file.take(FILE).read_to_end(&mut bytes))
            .with_context(|| format!("{shown} cannot be read"))?;
        let Some(format) = Format::of(&bytes) else {
            return Err(match other_kind(&bytes) {
                _ if bytes.is_empty() => anyhow!("{shown} is empty: it must be PNG or JPEG"),
                Some(kind) => hinted(
                    anyhow!("{shown} is {kind}: it must be PNG or JPEG"),
                    "save it as PNG or JPEG with any program that shows it",
                ),
                None => anyhow!("{shown} is not an image: it must be PNG or JPEG"),
            });
        };
        if !format.is_whole(&bytes) {
            let error = anyhow!("{shown} is cut off: the end of the image is missing");
            return Err(hinted(error, "copy or download it again"));
        }
        let mut remarks = vec![];
        if format.is_animated(&bytes) {
            remarks.push("is animated: only its first image is drawn");
        }
        let (image, orientation) = decoded(format, bytes).or_else(|error| match error {
            ImageError::Limits(_) => Err(anyhow!(
                "{shown} is too large: an image may have {SIDE} pixels a side and take {} MiB once it is unpacked",
                UNPACKED >> 20
            ))
            .hint("scale it down, or cut out its middle: no picture shows more than 512 pixels a side"),
            ImageError::Unsupported(_) => Err(anyhow::Error::new(error))
                .context(format!("{shown} uses a variant of its format that is not supported"))
                .hint("save it as PNG with any program that shows it"),
            error => Err(anyhow::Error::new(error))
                .context(format!("{shown} is a damaged image"))
                .hint("copy or download it again"),
        })?;
        let (mut pixels, is_transparent) = middle(&image, orientation);
        drop(image);
        pixels.apply_orientation(orientation);
        if is_transparent {
            remarks.push("is transparent in part: what lies behind it is drawn in white");
        }
        Ok(Self::Own(Own { pixels, remarks }))
    }

    /// The image as `[C, side, side]`, from 0 to 1: its middle, resized. It is grey unless `channels` is 3.
    pub fn at(&self, side: usize, channels: usize) -> Array3<f32> {
        let digit;
        let image = match self {
            Photo::Own(own) => &own.pixels,
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
            resized = image.resize_exact(size, size, FilterType::Triangle);
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

    /// Remarks for the user on the way that the image is drawn, each a sentence without its subject, the file.
    pub fn remarks(&self) -> &[&'static str] {
        match self {
            Photo::Digit => &[],
            Photo::Own(own) => &own.remarks,
        }
    }

    /// The name of the image in titles.
    pub fn name(&self) -> &'static str {
        match self {
            Photo::Digit => "a generated digit",
            Photo::Own(_) => "the image",
        }
    }
}

/// The image in a file, as it lies there, and how it is to be turned.
fn decoded(format: Format, bytes: Vec<u8>) -> Result<(DynamicImage, Orientation), ImageError> {
    let format = match format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(UNPACKED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    if decoder.total_bytes() > UNPACKED {
        let kind = image::error::LimitErrorKind::InsufficientMemory;
        return Err(ImageError::Limits(image::error::LimitError::from_kind(
            kind,
        )));
    }
    // Whatever else is said about the image, it can be drawn.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

/// The middle square of an image on white, and whether any of it is transparent. Where it has more than [`KEPT`] pixels a
/// side, each pixel is the mean of some of those that it stands for: the effort is bounded by the square.
fn middle(image: &DynamicImage, orientation: Orientation) -> (DynamicImage, bool) {
    const SAMPLES: u32 = 4; // a side
    use Orientation::{
        FlipHorizontal, FlipVertical, Rotate90, Rotate180, Rotate270, Rotate270FlipH,
    };
    let (width, height) = image.dimensions();
    let side = width.min(height);
    let kept = side.min(KEPT);
    // Without an exact middle, the one before it in the picture.
    let x_turns = matches!(
        orientation,
        Rotate180 | FlipHorizontal | Rotate270 | Rotate270FlipH
    );
    let y_turns = matches!(
        orientation,
        Rotate180 | FlipVertical | Rotate90 | Rotate270FlipH
    );
    let start = |length: u32, turns: bool| (length - side + u32::from(turns)) / 2;
    let (left, top) = (start(width, x_turns), start(height, y_turns));

    let mut is_transparent = false;
    let pixels = RgbImage::from_fn(kept, kept, |column, row| {
        let places = |at: u32| {
            let (from, to) = (at * side / kept, (at + 1) * side / kept);
            let count = SAMPLES.min(to - from);
            (0..count).map(move |n| from + n * (to - from) / count)
        };
        let (mut sums, mut count) = ([0_u32; 3], 0);
        for y in places(row) {
            for x in places(column) {
                let [colours @ .., alpha] = image.get_pixel(left + x, top + y).0;
                let alpha = u32::from(alpha);
                is_transparent |= alpha < 255;
                for (sum, colour) in sums.iter_mut().zip(colours) {
                    *sum += (u32::from(colour) * alpha + 255 * (255 - alpha) + 127) / 255;
                }
                count += 1;
            }
        }
        Rgb(sums.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)))
    });
    (DynamicImage::ImageRgb8(pixels), is_transparent)
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
    use image::ImageEncoder;
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;
    use std::io::Write;

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
        assert_eq!(said(b""), "photo is empty: it must be PNG or JPEG");
        assert_eq!(
            said(b"GIF89a\x01\x00\x01\x00"),
            "photo is a GIF image: it must be PNG or JPEG"
        );
        let mut damaged = png(&RgbImage::new(40, 40));
        damaged[41] ^= 0x55;
        let why = said(&damaged);
        assert!(why.starts_with("photo is a damaged image: "), "{why}");
        let missing = Photo::open(Path::new("missing.png")).expect_err("there is none");
        assert_eq!(missing.to_string(), "missing.png cannot be read");
        let folder = tempfile::tempdir().expect("a folder");
        let error = Photo::open(folder.path()).expect_err("a folder");
        assert!(error.to_string().ends_with("is not a file"));
    }

    #[test]
    fn an_image_that_is_cut_off_is_named_wherever_it_is_cut() {
        let image = RgbImage::from_fn(64, 64, |x, y| {
            Rgb([x as u8 * 3, y as u8 * 4, (x * y % 256) as u8])
        });
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let whole = encoded(&image.clone().into(), format, None);
            opened(&whole).expect("a whole image");
            for part in [4, whole.len() / 4, whole.len() / 2, whole.len() - 1] {
                let why = said(&whole[..part.max(9)]);
                assert_eq!(why, "photo is cut off: the end of the image is missing");
            }
        }
    }

    /// The file of an image, with an orientation as EXIF has it.
    fn encoded(image: &DynamicImage, format: ImageFormat, orientation: Option<u8>) -> Vec<u8> {
        // One entry: the tag of the orientation, a short number.
        let exif = |value| {
            [
                b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0",
                &[value, 0, 0, 0, 0, 0, 0][..],
            ]
            .concat()
        };
        let mut bytes = vec![];
        if format == ImageFormat::Png {
            let mut encoder = PngEncoder::new(&mut bytes);
            if let Some(value) = orientation {
                encoder.set_exif_metadata(exif(value)).expect("EXIF in PNG");
            }
            image.write_with_encoder(encoder).expect("a PNG");
        } else {
            let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
            if let Some(value) = orientation {
                encoder
                    .set_exif_metadata(exif(value))
                    .expect("EXIF in JPEG");
            }
            image.write_with_encoder(encoder).expect("a JPEG");
        }
        bytes
    }

    fn opened(bytes: &[u8]) -> Result<Photo> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("photo");
        fs::write(&path, bytes).expect("a file");
        Photo::open(&path)
    }

    #[test]
    fn a_photograph_is_drawn_upright() {
        // No two corners are alike, and the middle of an odd length is cut.
        let seen = RgbImage::from_fn(13, 8, |x, y| Rgb([x as u8 * 16, y as u8 * 30, 128]));
        let seen = DynamicImage::from(seen);
        let upright = opened(&encoded(&seen, ImageFormat::Png, None)).expect("a PNG");
        for value in 1..=8 {
            let orientation = Orientation::from_exif(value).expect("one of eight");
            // Two quarter turns undo each other; all else undoes itself.
            let mut lies = seen.clone();
            lies.apply_orientation(match orientation {
                Orientation::Rotate90 => Orientation::Rotate270,
                Orientation::Rotate270 => Orientation::Rotate90,
                other => other,
            });
            for (format, error) in [(ImageFormat::Png, 0.0), (ImageFormat::Jpeg, 0.1)] {
                let photo = opened(&encoded(&lies, format, Some(value))).expect("a photograph");
                let difference = photo.at(8, 3) - upright.at(8, 3);
                let largest = difference
                    .iter()
                    .fold(0.0, |most: f32, it| most.max(it.abs()));
                assert!(largest <= error, "{format:?}, {value}: {largest}");
            }
        }
    }

    #[test]
    fn what_is_transparent_is_drawn_on_white_and_said() {
        let clear = image::RgbaImage::from_fn(4, 4, |x, _| match x {
            0 => image::Rgba([200, 0, 0, 0]),
            1 => image::Rgba([0, 0, 0, 51]),
            _ => image::Rgba([200, 0, 0, 255]),
        });
        let photo = opened(&encoded(&clear.into(), ImageFormat::Png, None)).expect("a PNG");
        let red = |column| photo.at(4, 3)[(0, 0, column)] * 255.0;
        let green = |column| photo.at(4, 3)[(1, 0, column)] * 255.0;
        assert_eq!([red(0), red(1), red(2)], [255.0, 204.0, 200.0]);
        assert_eq!([green(0), green(1), green(2)], [255.0, 204.0, 0.0]);
        assert_eq!(photo.remarks().len(), 1);
        assert!(photo.remarks()[0].contains("white"));

        let opaque = image::RgbaImage::from_pixel(4, 4, image::Rgba([0, 0, 0, 255]));
        let photo = opened(&encoded(&opaque.into(), ImageFormat::Png, None)).expect("a PNG");
        assert_eq!(photo.remarks(), [""; 0]);
    }

    #[test]
    fn a_palette_may_be_transparent_and_an_image_animated() {
        // Two pixels: the first colour of the palette, opaque, and the second, transparent.
        let with = |extra: &[&[u8]]| {
            let header = chunk(b"IHDR", b"\0\0\0\x02\0\0\0\x02\x08\x03\0\0\0");
            let palette = chunk(b"PLTE", &[10, 20, 30, 40, 50, 60]);
            let mut data = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::fast());
            data.write_all(&[0, 0, 1, 0, 0, 1]).expect("a Vec takes it");
            let data = chunk(b"IDAT", &data.finish().expect("a Vec takes it"));
            let end = chunk(b"IEND", b"");
            [
                &b"\x89PNG\r\n\x1a\n"[..],
                &header,
                &extra.concat(),
                &palette,
                &chunk(b"tRNS", &[255, 0]),
                &data,
                &end,
            ]
            .concat()
        };
        let photo = opened(&with(&[])).expect("a PNG");
        let drawn = photo.at(2, 3).mapv(|part| part * 255.0);
        assert_eq!((drawn[(0, 0, 0)], drawn[(2, 1, 0)]), (10.0, 30.0));
        assert_eq!((drawn[(0, 0, 1)], drawn[(2, 1, 1)]), (255.0, 255.0));
        let frames = chunk(b"acTL", b"\0\0\0\x02\0\0\0\0");
        let photo = opened(&with(&[&frames])).expect("a PNG");
        assert!(photo.remarks()[0].starts_with("is animated"));
    }

    /// A chunk of a PNG file.
    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).expect("little data");
        let body = [&kind[..], data].concat();
        [&length.to_be_bytes()[..], &body, &crc(&body).to_be_bytes()].concat()
    }

    #[test]
    fn a_single_row_or_column_is_drawn_in_the_usual_time() {
        for (width, height) in [(1, 16_384), (16_384, 1), (1, 1)] {
            let image = RgbImage::from_pixel(width, height, Rgb([51, 102, 153]));
            let photo = opened(&png(&image)).expect("a PNG");
            let start = std::time::Instant::now();
            let drawn = photo.at(224, 3);
            let seconds = start.elapsed().as_secs_f64();
            assert!(seconds < 5.0, "{width} x {height}: {seconds} s");
            for (plane, colour) in drawn.outer_iter().zip([0.2, 0.4, 0.6]) {
                assert!(plane.iter().all(|pixel| (pixel - colour).abs() < 0.01));
            }
        }
    }

    #[test]
    fn of_a_large_image_only_what_is_drawn_is_kept() {
        let halves = GrayImage::from_fn(5000, 3000, |x, _| {
            image::Luma([if x < 2500 { 0 } else { 255 }])
        });
        let photo = opened(&encoded(&halves.into(), ImageFormat::Png, None)).expect("a PNG");
        let Photo::Own(own) = &photo else {
            panic!("it is no digit");
        };
        assert_eq!(own.pixels.dimensions(), (KEPT, KEPT));
        let drawn = photo.at(10, 1);
        assert!((drawn.mean().expect("pixels") - 0.5).abs() < 0.01);
        assert_eq!((drawn[(0, 0, 0)], drawn[(0, 9, 9)]), (0.0, 1.0));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        // Only its header is looked at.
        for (width, height) in [
            (20_000_u32, 20_000_u32),
            (30_000, 30_000),
            (20_000, 1),
            (16_384, 16_384),
        ] {
            let mut bomb = png(&RgbImage::new(1, 1));
            bomb[16..20].copy_from_slice(&width.to_be_bytes());
            bomb[20..24].copy_from_slice(&height.to_be_bytes());
            let checksum = crc(&bomb[12..29]);
            bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
            let said = said(&bomb);
            assert!(said.starts_with("photo is too large"), "{said}");
        }
    }

    /// The checksum of a PNG's parts.
    fn crc(bytes: &[u8]) -> u32 {
        let mut sum = flate2::Crc::new();
        sum.update(bytes);
        sum.sum()
    }
}
