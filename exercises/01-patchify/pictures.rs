//! 01 patchify: the image and its grid, its patches in one row, and what patches of several sizes cost.

use crate::draw::{Drawings, Material, Missing, Photo, Question, capital};
use pictures::{
    Anchor, Canvas, Colour, LINES, Panel, Picture, Pixels, Row, Sheet, Weight, number, sheet,
};
use anyhow::Result;
use ndarray::{Array2, Array3, Array4, Axis, Ix3, Ix4};

/// Side of the image, patches along it, and channels.
const SIDE: usize = 28;
const GRID: usize = 4;

pub(in crate::draw) fn draw(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<()> {
    let channels = match material.photo {
        Photo::Digit => 1,
        Photo::Own(_) => 3,
    };
    // A digit has only so many pixels; more are to be seen of somebody's own image.
    let side = if channels == 1 { SIDE } else { 8 * SIDE };
    let image = material.photo.at(side, channels);
    match patches(material, &image) {
        Err(missing) => drawn.take("patches", Err(missing))?,
        Ok(patches) => {
            let (whole, missing) = match again(material, &patches, channels, side) {
                Ok(whole) => (Some(whole), None),
                Err(missing) => (None, Some(missing)),
            };
            let picture = picture(material.photo.name(), &image, &patches, whole.as_ref());
            drawn.take("patches", picture)?;
            if let Some(missing) = missing {
                drawn.take("patches", Err(missing))?;
            }
        }
    }
    let table = costs(material);
    drawn.take("cost", table)
}

/// The image in patches: [G², C·P·P].
fn patches(material: &mut Material<'_>, image: &Array3<f32>) -> Result<Array2<f32>, Missing> {
    let (channels, side, _) = image.dim();
    let images: Array4<f32> = image.clone().insert_axis(Axis(0));
    let given = Question::new("patchify")
        .argument("grid", GRID)
        .tensor("images", &images)
        .ask(material)?;
    let size = channels * (side / GRID).pow(2);
    let patches = given.array("patches", Ix3(1, GRID * GRID, size))?;
    Ok(patches.remove_axis(Axis(0)))
}

/// The image that is made of the patches again.
fn again(
    material: &mut Material<'_>,
    patches: &Array2<f32>,
    channels: usize,
    side: usize,
) -> Result<Array3<f32>, Missing> {
    let given = Question::new("unpatchify")
        .argument("channels", channels)
        .argument("grid", GRID)
        .tensor("patches", &patches.clone().insert_axis(Axis(0)))
        .ask(material)?;
    let images = given.array("images", Ix4(1, channels, side, side))?;
    Ok(images.remove_axis(Axis(0)))
}

fn picture(
    name: &str,
    image: &Array3<f32>,
    patches: &Array2<f32>,
    again: Option<&Array3<f32>>,
) -> Result<Picture, Missing> {
    let (channels, side, _) = image.dim();
    let patch = side / GRID;
    let whole = Pixels::image(image.view());
    let mut images = vec![
        Panel::new("the image", whole.clone()),
        Panel::new(format!("its grid of {GRID} × {GRID}"), whole).with_grid(GRID, GRID),
    ];
    if let Some(again) = again {
        images.push(Panel::new(
            "put together again",
            Pixels::image(again.view()),
        ));
    }
    let mut in_a_row = vec![];
    for (number, values) in patches.outer_iter().enumerate() {
        let values = values.to_shape((channels, patch, patch));
        let values = values.map_err(|error| Missing::Error(error.into()))?;
        in_a_row.push(Panel::new(number.to_string(), Pixels::image(values.view())));
    }
    let rows = vec![
        Row {
            label: String::new(),
            height: 252.0,
            panels: images,
        },
        Row {
            label: String::new(),
            height: 36.0,
            panels: in_a_row,
        },
    ];
    let title = format!(
        "{name}, in {} patches of {patch} × {patch} pixels",
        GRID * GRID
    );
    Ok(sheet(&Sheet {
        title: capital(&title),
        note: "patchify gives the patches as they stand below, row by row".to_owned(),
        rows,
        scale: None,
    })?)
}

/// Sides of images in pixels and embedding dimensions, and sides of patches: the tables of the handout.
const SIZES: [(usize, usize, [usize; 4]); 2] =
    [(32, 192, [2, 4, 8, 16]), (224, 768, [8, 14, 16, 32])];
const CHANNELS: usize = 3;

/// A table of what patches cost.
fn costs(material: &mut Material<'_>) -> Result<Picture, Missing> {
    let mut lines = vec![];
    for (image, dim, sizes) in SIZES {
        for patch in sizes {
            let given = Question::new("cost")
                .argument("image", image)
                .argument("patch", patch)
                .argument("channels", CHANNELS)
                .argument("dim", dim)
                .ask(material)?;
            let cost = given.counts::<4>("cost")?;
            lines.push((image, patch, cost));
        }
    }
    Ok(table(&lines))
}

/// Right ends of the columns.
const COLUMNS: [(&str, f64); 6] = [
    ("image", 80.0),
    ("patch", 150.0),
    ("patches", 240.0),
    ("tokens", 330.0),
    ("parameters", 440.0),
    ("FLOPs of attention", 590.0),
];
/// The longest bar, and how high a line is.
const LONGEST: f64 = 150.0;
const LINE: f64 = 26.0;

fn table(lines: &[(usize, usize, [f64; 4])]) -> Picture {
    let flops = |cost: &[f64; 4]| cost[3].max(1.0).log10();
    let most = lines
        .iter()
        .map(|(_, _, cost)| flops(cost))
        .fold(1.0, f64::max);
    let mut canvas = Canvas::new(790.0, 110.0 + LINE * lines.len() as f64 + 12.0);
    let (regular, end) = (Weight::Regular, Anchor::End);
    let title = "What a patch size costs";
    canvas.text(
        (20.0, 30.0),
        title,
        17.0,
        Weight::Bold,
        Anchor::Start,
        Colour::BLACK,
    );
    let note = format!(
        "{CHANNELS} channels; {} dimensions at {} px, {} at {} px; FLOPs of one layer, the bars logarithmic",
        SIZES[0].1, SIZES[0].0, SIZES[1].1, SIZES[1].0
    );
    canvas.text(
        (20.0, 52.0),
        &note,
        13.0,
        regular,
        Anchor::Start,
        Colour::GREY,
    );
    for (name, x) in COLUMNS {
        canvas.text((x, 84.0), name, 13.0, Weight::Bold, end, Colour::BLACK);
    }
    let mut y = 94.0;
    let mut last = None;
    for (image, patch, cost) in lines {
        let is_new = last.replace(image) != Some(image);
        let thick = if is_new { 1.2 } else { 0.5 };
        canvas.line(
            (20.0, y),
            (770.0, y),
            if is_new { Colour::GREY } else { Colour::LIGHT },
            thick,
        );
        let middle = y + LINE / 2.0 + 4.5;
        let texts = [
            format!("{image} px"),
            format!("{patch} px"),
            number(cost[0], 0),
            number(cost[1], 0),
            number(cost[2], 0),
            number(cost[3], 0),
        ];
        for ((_, x), text) in COLUMNS.into_iter().zip(texts) {
            canvas.text((x, middle), &text, 13.0, regular, end, Colour::BLACK);
        }
        let length = LONGEST * flops(cost) / most;
        canvas.rect(610.0, y + 6.0, length, LINE - 12.0, LINES[0]);
        y += LINE;
    }
    canvas.finish(title)
}

#[cfg(test)]
mod tests {
    use crate::draw::testing::{fault, material, picture};
    use super::*;
    use ndarray::Array1;
    use wire::{Answer, Request, Tensors};

    fn one(name: &str, tensor: impl Into<wire::RawTensor>) -> Answer {
        Ok(Tensors::from([(name.to_owned(), tensor.into())]))
    }

    /// Patches of which the i-th has the brightness i / 16.
    fn answer(request: &Request) -> Answer {
        match request.operation.as_str() {
            "patchify" => {
                let patches = Array2::from_shape_fn((16, 49), |(patch, _)| patch as f32 / 16.0);
                one("patches", &patches.insert_axis(Axis(0)))
            }
            "cost" => one(
                "cost",
                &Array1::from_vec(vec![49_i64, 50, 1_234_567, 1_893_043_201]),
            ),
            _ => Err(fault("later")),
        }
    }

    #[test]
    fn each_patch_is_a_panel_and_what_fails_is_left_out() {
        let mut material = material(|request| answer(&request));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(drawn.missing, ["unpatchify: panicked: later"]);
        let patches = picture(&drawn, "patches").svg();
        // The image, the grid over it, 16 patches.
        assert_eq!(patches.matches("<image").count(), 2 + 16);
        assert!(patches.contains(">A generated digit, in 16 patches of 7 × 7 pixels</text>"));
        assert!(patches.contains(">15</text>"));
        let table = picture(&drawn, "cost").svg();
        assert_eq!(table.matches(">1,234,567</text>").count(), 8);
        assert_eq!(table.matches(">1,893,043,201</text>").count(), 8);
        assert_eq!(table.matches(">224 px</text>").count(), 4);
    }

    #[test]
    fn patches_of_another_size_are_a_fault() {
        let mut material = material(|request| match request.operation.as_str() {
            "patchify" => one(
                "patches",
                &Array2::<f32>::zeros((49, 16)).insert_axis(Axis(0)),
            ),
            _ => Err(fault("later")),
        });
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        let expected =
            "patchify: wrong shape: patches is [1, 49, 16], where [1, 16, 49] was expected";
        assert_eq!(drawn.missing, [expected, "cost: panicked: later"]);
        assert!(drawn.pictures.is_empty());
    }
}
