//! 02 positions: the table as a heat map, and what resembles a position.

use crate::draw::models::as_grid;
use crate::draw::{Drawings, Material, Missing, Question};
use pictures::{Map, Panel, Picture, Pixels, Row, Scale, Sheet, sheet};
use anyhow::Result;
use ndarray::{Array2, Ix2};

/// The table that is shown, its positions and dimensions.
const TABLE: (usize, usize) = (64, 128);
/// Patches per side, half as many before they are resized, and dimensions.
const GRID: usize = 14;
const COARSE: usize = 7;
const DIM: usize = 192;

pub(in crate::draw) fn draw(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<()> {
    let table = sinusoidal(material, TABLE.0, TABLE.1).and_then(|table| heat(&table));
    drawn.take("table", table)?;
    let fine = sinusoidal(material, GRID * GRID, DIM);
    let row = fine.and_then(|table| compare(material, &table, "sinusoidal"));
    match row {
        Err(missing) => drawn.take("similarity", Err(missing))?,
        Ok(row) => {
            let (resized, missing) = match resized(material) {
                Ok(resized) => (Some(resized), None),
                Err(missing) => (None, Some(missing)),
            };
            let rows = [Some(row), resized].into_iter().flatten().collect();
            drawn.take("similarity", similarity(rows))?;
            if let Some(missing) = missing {
                drawn.take("similarity", Err(missing))?;
            }
        }
    }
    Ok(())
}

fn sinusoidal(material: &mut Material<'_>, len: usize, dim: usize) -> Result<Array2<f32>, Missing> {
    let given = Question::new("sinusoidal")
        .argument("len", len)
        .argument("dim", dim)
        .ask(material)?;
    given.array("positions", Ix2(len, dim))
}

fn heat(table: &Array2<f32>) -> Result<Picture, Missing> {
    let (len, dim) = table.dim();
    let scale = Scale {
        map: Map::Signed,
        low: -1.0,
        high: 1.0,
    };
    Ok(sheet(&Sheet {
        title: format!("{len} sinusoidal positions of {dim} dimensions"),
        note: "a row is a position, from 0 at the top; a column is a dimension, from 0 at the left"
            .to_owned(),
        rows: vec![Row {
            label: "position".to_owned(),
            height: 320.0,
            panels: vec![Panel::new("dimension", Pixels::heat(table.view(), scale))],
        }],
        scale: Some((scale, String::new())),
    })?)
}

/// The table of a coarse grid, resized to the fine one, and what it resembles.
fn resized(material: &mut Material<'_>) -> Result<Row, Missing> {
    let coarse = sinusoidal(material, COARSE * COARSE, DIM)?;
    let given = Question::new("interpolate")
        .argument("grid", GRID)
        .tensor("positions", &coarse)
        .ask(material)?;
    let fine = given.array("positions", Ix2(GRID * GRID, DIM))?;
    compare(
        material,
        &fine,
        &format!("resized from {COARSE} × {COARSE}"),
    )
}

/// The scale of similarities.
const SIMILARITY: Scale = Scale {
    map: Map::Magnitude,
    low: -1.0,
    high: 1.0,
};

/// The similarity of all positions to one in the middle and to one in a corner.
fn compare(material: &mut Material<'_>, table: &Array2<f32>, label: &str) -> Result<Row, Missing> {
    let given = Question::new("cosine_similarity")
        .tensor("positions", table)
        .ask(material)?;
    let similarity = given.array("similarity", Ix2(GRID * GRID, GRID * GRID))?;
    let panel = |caption: &str, (row, column): (usize, usize)| {
        let values = similarity.row(row * GRID + column);
        let map = as_grid(values, GRID)?;
        let pixels = Pixels::heat(map.view(), SIMILARITY);
        let panel = Panel::new(caption, pixels).with_mark((row, column), (GRID, GRID));
        Ok::<_, Missing>(panel)
    };
    Ok(Row {
        label: label.to_owned(),
        height: 220.0,
        panels: vec![
            panel("to the centre", (GRID / 2, GRID / 2))?,
            panel("to a corner", (0, 0))?,
        ],
    })
}

fn similarity(rows: Vec<Row>) -> Result<Picture, Missing> {
    Ok(sheet(&Sheet {
        title: format!("Which positions of {GRID} × {GRID} are alike"),
        note: "the cosine of each position with the marked one, where it lies on the image"
            .to_owned(),
        rows,
        scale: Some((SIMILARITY, "cosine similarity".to_owned())),
    })?)
}

#[cfg(test)]
mod tests {
    use crate::draw::testing::{fault, material, picture};
    use super::*;
    use wire::{Answer, RawTensor, Request, Tensors};

    fn answer(request: &Request, resizes: bool) -> Answer {
        let number = |name: &str| request.arguments[name].parse::<usize>().expect("a number");
        let one = |name: &str, tensor: RawTensor| Ok(Tensors::from([(name.to_owned(), tensor)]));
        match request.operation.as_str() {
            "sinusoidal" => {
                let table = Array2::<f32>::ones((number("len"), number("dim")));
                one("positions", (&table).into())
            }
            "cosine_similarity" => one("similarity", (&Array2::<f32>::eye(196)).into()),
            "interpolate" if resizes => one("positions", (&Array2::<f32>::ones((196, 192))).into()),
            _ => Err(fault("later")),
        }
    }

    #[test]
    fn the_table_and_similarities_are_drawn() {
        let mut material = material(|request| answer(&request, true));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert!(drawn.missing.is_empty(), "{:?}", drawn.missing);
        assert_eq!(picture(&drawn, "table").svg().matches("<image").count(), 1);
        let similarity = picture(&drawn, "similarity").svg();
        assert_eq!(similarity.matches("<image").count(), 4);
        assert!(similarity.contains(">resized from 7 × 7</text>"));
    }

    #[test]
    fn without_interpolate_there_is_still_the_rest() {
        let mut material = material(|request| answer(&request, false));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(drawn.missing, ["interpolate: panicked: later"]);
        assert_eq!(
            picture(&drawn, "similarity")
                .svg()
                .matches("<image")
                .count(),
            2
        );
    }
}
