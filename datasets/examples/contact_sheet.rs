//! Writes a picture of generated digits, ten rows of one class each: `contact_sheet sheet.png [seed]`.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use datasets::digits::{DigitsConfig, SIZE, generate};

const COLUMNS: usize = 24;
const CELL: usize = SIZE + 2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("say where to write the picture")?;
    let seed = arguments.next().map_or(Ok(0), |it| it.parse())?;

    let train = 40 * COLUMNS;
    let config = DigitsConfig {
        seed,
        train,
        ..DigitsConfig::default()
    };
    let digits = generate(&config).train;
    let (width, height) = (COLUMNS * CELL, digits.classes * CELL);
    let mut sheet = vec![64; width * height];
    let mut used = vec![0; digits.classes];
    for (image, &label) in digits.images.outer_iter().zip(&digits.labels) {
        let row = usize::from(label);
        let column = used[row];
        used[row] += 1;
        if column < COLUMNS {
            for ((y, x), &pixel) in image.indexed_iter() {
                sheet[(row * CELL + y + 1) * width + column * CELL + x + 1] = pixel;
            }
        }
    }

    let file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(file, width.try_into()?, height.try_into()?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header()?.write_image_data(&sheet)?;
    Ok(())
}
