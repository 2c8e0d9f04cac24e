//! 09 windows: the regions of a shifted map, how far a token's news travel, and biases by relative position.

use crate::draw::{Drawings, Material, Missing, Question, numbers, weights};
use anyhow::Result;
use ndarray::{Array2, Array3, Array4, ArrayView2, Axis, Ix3, Ix4};
use pictures::{Colour, Map, Panel, Picture, Pixels, Row, Scale, Sheet, sheet};
use wire::Tensors;

/// A map of oblong windows, and its shift.
const SIZE: (usize, usize) = (12, 18);
const WINDOW: (usize, usize) = (4, 6);
const SHIFT: (usize, usize) = (2, 3);
/// The token whose news are followed, in a corner of a window.
const TOKEN: (usize, usize) = (4, 11);
const DIM: usize = 16;
const HEADS: usize = 2;
/// The colours that regions of a window have.
const REGIONS: [Colour; 4] = [
    Colour(0, 114, 178),
    Colour(230, 159, 0),
    Colour(0, 158, 115),
    Colour(204, 121, 167),
];

pub(in crate::draw) fn draw(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<()> {
    let regions = regions(material);
    drawn.take("regions", regions)?;
    let reach = reach(material);
    drawn.take("reach", reach)?;
    let bias = bias(material);
    drawn.take("bias", bias)
}

fn pair((rows, columns): (usize, usize)) -> String {
    format!("{rows}x{columns}")
}

/// Windows to a side.
const GRID: (usize, usize) = (SIZE.0 / WINDOW.0, SIZE.1 / WINDOW.1);

/// The tokens that may look at each other, as the mask says, on the rolled map and on the map as it is.
fn regions(material: &mut Material<'_>) -> Result<Picture, Missing> {
    let tokens = WINDOW.0 * WINDOW.1;
    let mask = Question::new("shift_mask")
        .argument("size", pair(SIZE))
        .argument("window", pair(WINDOW))
        .argument("shift", pair(SHIFT))
        .ask(material)?
        .array("mask", Ix3(GRID.0 * GRID.1, tokens, tokens))?;
    // A token's colour: which of its window's regions it is in, in the order in which they are met.
    let colour = |row: usize, column: usize| {
        let window = row / WINDOW.0 * GRID.1 + column / WINDOW.1;
        let token = row % WINDOW.0 * WINDOW.1 + column % WINDOW.1;
        let first = |token: usize| (0..tokens).find(|&other| mask[(window, token, other)] == 0.0);
        let mut met: Vec<_> = (0..=token).map(first).collect();
        let own = met.pop().flatten();
        met.sort_unstable();
        met.dedup();
        let number = met.iter().filter(|&&other| other < own).count();
        let colour = REGIONS[number % REGIONS.len()];
        // Neighbouring windows in two shades, so that they can be told apart.
        match (row / WINDOW.0 + column / WINDOW.1) % 2 {
            0 => colour,
            _ => colour.under(Colour::WHITE, 0.35),
        }
    };
    let rolled = Pixels::from_fn(SIZE.1, SIZE.0, colour);
    let as_it_is = Pixels::from_fn(SIZE.1, SIZE.0, |row, column| {
        let row = (row + SIZE.0 - SHIFT.0) % SIZE.0;
        colour(row, (column + SIZE.1 - SHIFT.1) % SIZE.1)
    });
    Ok(sheet(&Sheet {
        title: "Which tokens of a window may look at each other".to_owned(),
        note: format!(
            "{} × {} tokens in windows of {} × {}, shifted by {} and {}. Within a window, those of one colour.",
            SIZE.0, SIZE.1, WINDOW.0, WINDOW.1, SHIFT.0, SHIFT.1
        ),
        rows: vec![Row {
            label: String::new(),
            height: 190.0,
            panels: vec![
                Panel::new("after the roll, with the windows", rolled).with_grid(GRID.0, GRID.1),
                Panel::new("rolled back", as_it_is),
            ],
        }],
        scale: None,
    })?)
}

/// A map's tokens that the output of one depends on: after a plain block, after a shifted one, and after both.
fn reach(material: &mut Material<'_>) -> Result<Picture, Missing> {
    let shape = (1, SIZE.0, SIZE.1, DIM);
    let drawn = numbers("tokens", SIZE.0 * SIZE.1 * DIM);
    let x = Array4::from_shape_fn(shape, |(_, row, column, i)| {
        drawn[(row * SIZE.1 + column) * DIM + i]
    });
    let block = |shift: (usize, usize)| {
        Question::new("swin_block")
            .argument("dim", DIM)
            .argument("heads", HEADS)
            .argument("window", pair(WINDOW))
            .argument("shift", pair(shift))
            .argument("mlp_ratio", 2)
    };
    let like = Question {
        operation: "swin_block.new",
        ..block((0, 0))
    };
    let like = like.ask(material)?.tensors;
    let of = |layer: &str| weights(&like, layer, 1.0);
    let (plain, shifted) = (of("0."), of("1."));
    let looked_at = Array4::from_shape_fn(
        shape,
        |(_, row, column, _)| {
            if (row, column) == TOKEN { 1.0 } else { 0.0 }
        },
    );
    let mut back = |shift, weights: &Tensors, x: &Array4<f32>, cotangent: &Array4<f32>| {
        let question = block(shift).tensor("x", x).tensor("cotangent", cotangent);
        let given = question.with(weights, &Default::default()).ask(material)?;
        let shape = Ix4(1, SIZE.0, SIZE.1, DIM);
        Ok::<_, Missing>((given.array("y", shape)?, given.array("grad.x", shape)?))
    };
    let (between, one) = back((0, 0), &plain, &x, &looked_at)?;
    let (_, other) = back(SHIFT, &shifted, &x, &looked_at)?;
    let (_, both) = back(SHIFT, &shifted, &between, &looked_at)?;
    let (_, both) = back((0, 0), &plain, &x, &both)?;
    let panel = |caption: &str, gradient: &Array4<f32>| {
        let sizes = gradient
            .map(|it| it.abs())
            .sum_axis(Axis(3))
            .remove_axis(Axis(0));
        // The token itself, through the residual, outshines all others: a root brings them nearer.
        let sizes = sizes.mapv(|it| it.powf(0.25));
        let pixels = Pixels::heat(sizes.view(), Scale::magnitude(sizes.iter().copied()));
        Panel::new(caption, pixels)
            .with_grid(GRID.0, GRID.1)
            .with_mark(TOKEN, SIZE)
    };
    Ok(sheet(&Sheet {
        title: "What the output of one token depends on".to_owned(),
        note: "the size of the gradient with respect to each token; lines are the windows that are not shifted. Dark: no dependence."
            .to_owned(),
        rows: vec![Row {
            label: String::new(),
            height: 150.0,
            panels: vec![
                panel("a block that is not shifted", &one),
                panel("a shifted block", &other),
                panel("the one, then the other", &both),
            ],
        }],
        scale: None,
    })?)
}

/// The window of the biases that are drawn.
const SMALL: (usize, usize) = (5, 7);

/// A table of two heads: one likes what is near, the other what lies to the right; and the biases that come of it.
fn bias(material: &mut Material<'_>) -> Result<Picture, Missing> {
    let (rows, columns) = SMALL;
    let (high, wide) = (2 * rows - 1, 2 * columns - 1);
    let table = Array3::from_shape_fn((high, wide, 2), |(row, column, head)| {
        // Query − key.
        let (down, right) = (
            row as f32 - (rows as f32 - 1.0),
            column as f32 - (columns as f32 - 1.0),
        );
        match head {
            0 => -down.hypot(right) / 3.0,
            _ => -down.hypot(right + 2.0) / 3.0,
        }
    });
    let flat = table.to_shape((high * wide, 2));
    let flat = flat.map_err(|error| Missing::Error(error.into()))?;
    let tokens = rows * columns;
    let bias = Question::new("relative_bias")
        .argument("window", pair(SMALL))
        .argument("prefix", 0)
        .tensor("table", &flat)
        .ask(material)?
        .array("bias", Ix3(2, tokens, tokens))?;
    let low = table.iter().copied().fold(0.0, f32::min);
    let scale = Scale {
        map: Map::Magnitude,
        low,
        high: 0.0,
    };
    let heat = |values: ArrayView2<'_, f32>| Pixels::heat(values, scale);
    let row = |(head, label): (usize, &str)| {
        let table = table.index_axis(Axis(2), head);
        let centre = (rows - 1, columns - 1);
        let mut panels = vec![Panel::new("its table", heat(table)).with_mark(centre, (high, wide))];
        for (caption, query) in [
            ("for a corner", (0, 0)),
            ("for the middle", (rows / 2, columns / 2)),
            ("for the last token", (rows - 1, columns - 1)),
        ] {
            let query_token = query.0 * columns + query.1;
            let values = Array2::from_shape_fn(SMALL, |(row, column)| {
                bias[(head, query_token, row * columns + column)]
            });
            panels.push(Panel::new(caption, heat(values.view())).with_mark(query, SMALL));
        }
        Row {
            label: label.to_owned(),
            height: 130.0,
            panels,
        }
    };
    Ok(sheet(&Sheet {
        title: "One table, and the bias of each token".to_owned(),
        note: "The table has a number for each relative position, query − key, with (0, 0) in the middle: each bias is a part of it, turned round."
            .to_owned(),
        rows: [(0, "likes what is near"), (1, "likes what is right")]
            .map(row)
            .into(),
        scale: Some((scale, "bias".to_owned())),
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::testing::{fault, material, picture};
    use wire::{Answer, RawTensor, Request};

    /// Blocks that leave all as it is.
    fn answer(request: &Request) -> Answer {
        let zeros = |shape: &[usize]| RawTensor::from(&ndarray::Array::<f32, _>::zeros(shape));
        let one = |name: &str, tensor: RawTensor| Ok(Tensors::from([(name.to_owned(), tensor)]));
        match request.operation.as_str() {
            "shift_mask" => {
                assert_eq!(request.arguments["window"], "4x6");
                one("mask", zeros(&[9, 24, 24]))
            }
            "swin_block.new" => one("norm1.weight", zeros(&[DIM])),
            "swin_block" => Ok(Tensors::from([
                ("y".to_owned(), request.tensors["x"].clone()),
                ("grad.x".to_owned(), request.tensors["cotangent"].clone()),
            ])),
            "relative_bias" => one("bias", zeros(&[2, 35, 35])),
            _ => Err(fault("unknown")),
        }
    }

    #[test]
    fn regions_reach_and_biases_are_drawn() {
        let mut material = material(|request| answer(&request));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert!(drawn.missing.is_empty(), "{:?}", drawn.missing);
        let images = |name: &str| picture(&drawn, name).svg().matches("<image").count();
        assert_eq!((images("regions"), images("reach")), (2, 3));
        assert!(images("bias") >= 8);
    }

    #[test]
    fn regions_are_drawn_without_the_rest() {
        let mut material = material(|request| match request.operation.as_str() {
            "shift_mask" => answer(&request),
            _ => Err(fault("later")),
        });
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(
            drawn.missing,
            [
                "swin_block.new: panicked: later",
                "relative_bias: panicked: later"
            ]
        );
        assert_eq!(drawn.pictures.len(), 1);
    }
}
