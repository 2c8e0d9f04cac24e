//! 05 vit: what a model has learnt: filters, positions, attention; how it was trained; and the learning rate.

use crate::draw::components::components;
use crate::draw::models::{attention, first_weights, over, state};
use crate::draw::{Drawings, Material, Missing, Model, Question, capital};
use pictures::{
    Colour, Curve, Map, Panel, Picture, Pixels, Row, Scale, Sheet, curves, sheet,
};
use crate::train::sizes::VitSizes;
use anyhow::{Context, Result, anyhow};
use ndarray::{Array2, Array3, Axis, Ix0};

pub(in crate::draw) fn draw(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<()> {
    let rate = learning_rate(material);
    drawn.take("rate", rate)?;
    let model = match material.model.clone() {
        Some(model) => Ok(model),
        None => untrained(material),
    };
    match model {
        Err(missing) => drawn.take("attention", Err(missing))?,
        Ok(model) => {
            let attention = attention(material, &model, "vit");
            let attention =
                attention.and_then(|(image, layers)| of_heads(material, &model, &image, &layers));
            drawn.take("attention", attention)?;
            drawn.take("filters", filters(&model))?;
            match positions(&model) {
                Some(positions) => drawn.take("positions", positions)?,
                None => drawn.notes.push(
                    "the model's positions are not learnt: `draw positions` shows them".to_owned(),
                ),
            }
            match model.history.as_deref().map(training) {
                None => {}
                Some(Ok(curves)) => drawn.pictures.extend(curves),
                Some(Err(error)) => drawn
                    .notes
                    .push(format!("no curves of the training: {error:#}")),
            }
        }
    }
    if material.model.is_none() {
        drawn.notes.push(
            "nothing is learnt yet: give a trained model with --checkpoint, as `cargo grader train` writes it".to_owned(),
        );
    }
    Ok(())
}

/// The student's own model for MNIST, with its first weights.
fn untrained(material: &mut Material<'_>) -> Result<Model, Missing> {
    let given = Question::new("config")
        .argument("name", "mnist")
        .ask(material)?;
    let sizes = VitSizes::of_answer(&given.tensors).map_err(|lack| given.wrong(lack))?;
    let mut arguments = sizes.arguments();
    arguments.insert("dropout".to_owned(), "0".to_owned());
    first_weights(material, "vit.new", arguments)
}

fn of_heads(
    material: &Material<'_>,
    model: &Model,
    image: &Array3<f32>,
    layers: &[Array3<f32>],
) -> Result<Picture, Missing> {
    let height = (640.0 / model.depth as f64).clamp(60.0, 120.0);
    let mut rows = vec![];
    for (number, layer) in layers.iter().enumerate() {
        let panels = layer.outer_iter().enumerate().map(|(head, weights)| {
            let caption = if number == 0 {
                format!("head {head}")
            } else {
                String::new()
            };
            Ok(Panel::new(caption, over(image, model, weights.row(0))?))
        });
        let panels: Result<Vec<_>, Missing> = panels.collect();
        let mut panels = panels?;
        // The image stands before the first row alone.
        let image = Panel::new(material.photo.name(), Pixels::image(image.view()));
        panels.insert(0, if number == 0 { image } else { image.blank() });
        rows.push(Row {
            label: format!("block {number}"),
            height,
            panels,
        });
    }
    Ok(sheet(&Sheet {
        title: format!("What the class token attends to{}", state(model)),
        note: "each map goes from 0, dark, to its largest weight, bright".to_owned(),
        rows,
        scale: None,
    })?)
}

/// The most components that are shown, as in figure 7 of the ViT paper.
const COMPONENTS: usize = 28;

fn filters(model: &Model) -> Result<Picture, Missing> {
    let filters = model.filters().map_err(Missing::Undrawable)?;
    let (filters, shares) = components(&filters, COMPONENTS);
    let shape = (model.channels, model.patch, model.patch);
    let panels = filters.outer_iter().zip(&shares).map(|(filter, share)| {
        let filter = filter.to_shape(shape).context("a filter of another size")?;
        let most = filter
            .iter()
            .fold(f32::MIN_POSITIVE, |most, value| value.abs().max(most));
        let pixels = if model.channels == 1 {
            Pixels::heat(
                filter.index_axis(Axis(0), 0),
                Scale::signed(filter.iter().copied()),
            )
        } else {
            Pixels::image(filter.mapv(|value| 0.5 + 0.5 * value / most).view())
        };
        Ok(Panel::new(format!("{:.1} %", 100.0 * share), pixels))
    });
    let panels: Result<Vec<_>> = panels.collect();
    let rows = panels?
        .chunks(7)
        .map(|panels| Row {
            label: String::new(),
            height: 72.0,
            panels: panels.to_vec(),
        })
        .collect();
    let colours = if model.channels == 1 {
        ", blue below 0 and red above"
    } else {
        ""
    };
    Ok(sheet(&Sheet {
        title: format!(
            "Filters of the patch embedding: principal components{}",
            state(model)
        ),
        note: format!("each with its share of all that the filters see{colours}"),
        rows,
        scale: None,
    })?)
}

/// The similarity of each position with all others, one small map for each; `None` where positions are not learnt.
fn positions(model: &Model) -> Option<Result<Picture, Missing>> {
    let positions = match model.positions() {
        Ok(positions) => positions?,
        Err(error) => return Some(Err(Missing::Undrawable(error))),
    };
    let similarity = cosines(&positions);
    let grid = model.grid();
    let scale = Scale {
        map: Map::Magnitude,
        low: -1.0,
        high: 1.0,
    };
    // Each map is about as large on every grid, with some white between it and the next.
    const MAP: usize = 56;
    const GAP: usize = 6;
    let cell = (MAP / grid).max(3);
    let map = cell * grid + GAP;
    let side = map * grid - GAP;
    let pixels = Pixels::from_fn(side, side, |y, x| {
        let (inner_y, inner_x) = (y % map / cell, x % map / cell);
        if inner_y >= grid || inner_x >= grid {
            return Colour::WHITE;
        }
        let (of, with) = (y / map * grid + x / map, inner_y * grid + inner_x);
        scale.colour(similarity[(of, with)])
    });
    let picture = sheet(&Sheet {
        title: format!("Which positions are alike{}", state(model)),
        note: format!(
            "each of the {grid} × {grid} maps: the cosine of one position with all, where it lies"
        ),
        rows: vec![Row {
            label: String::new(),
            height: 480.0,
            panels: vec![Panel::new("", pixels)],
        }],
        scale: Some((scale, "cosine similarity".to_owned())),
    });
    Some(picture.map_err(Missing::from))
}

fn cosines(rows: &Array2<f32>) -> Array2<f32> {
    let mut directions = rows.clone();
    for mut row in directions.outer_iter_mut() {
        let length = row.dot(&row).sqrt().max(f32::MIN_POSITIVE);
        row.mapv_inplace(|value| value / length);
    }
    directions.dot(&directions.t())
}

/// The student's learning rates, step by step.
fn learning_rate(material: &mut Material<'_>) -> Result<Picture, Missing> {
    const STEPS: usize = 100;
    const WARMUP: usize = 10;
    let mut points = vec![];
    for step in 0..STEPS {
        let given = Question::new("warmup_cosine")
            .argument("step", step)
            .argument("warmup", WARMUP)
            .argument("total", STEPS)
            .argument("base", 1e-3)
            .argument("min", 1e-5)
            .ask(material)?;
        let rate = given.array("rate", Ix0())?;
        points.push((step as f64, f64::from(rate.into_scalar())));
    }
    let curve = Curve {
        label: "warmup_cosine, from 1e-3 to 1e-5",
        points: &points,
    };
    let title = format!("Learning rate: {WARMUP} steps of warm-up, {STEPS} in all");
    curves(&title, "step", "learning rate", &[curve]).map_err(Missing::Undrawable)
}

/// Curves of training, from the table of epochs that `train` writes.
fn training(history: &str) -> Result<Vec<(&'static str, Picture)>> {
    let mut lines = history.lines();
    let header: Vec<_> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| header.iter().position(|known| *known == name);
    let rows = lines.map(|line| -> Vec<f64> {
        line.split(',')
            .map(|cell| cell.trim().parse().unwrap_or(f64::NAN))
            .collect()
    });
    let rows: Vec<_> = rows.collect();
    let epoch = column("epoch")
        .ok_or_else(|| anyhow!("history.csv beside the model has no column epoch"))?;
    let points = |name: &str| -> Vec<(f64, f64)> {
        let Some(column) = column(name) else {
            return vec![];
        };
        let points = rows
            .iter()
            .filter_map(|row| Some((*row.get(epoch)?, *row.get(column)?)));
        points.collect()
    };
    let mut pictures = vec![];
    for (name, quantity) in [("loss", "loss"), ("accuracy", "share that is right")] {
        let (train, validation) = (
            points(&format!("train_{name}")),
            points(&format!("validation_{name}")),
        );
        if train.is_empty() && validation.is_empty() {
            continue;
        }
        let all = [
            Curve {
                label: "training",
                points: &train,
            },
            Curve {
                label: "validation",
                points: &validation,
            },
        ];
        let title = capital(&format!("{name}, epoch by epoch"));
        pictures.push((name, curves(&title, "epoch", quantity, &all)?));
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use crate::draw::model::tests::small;
    use crate::draw::testing::{fault, material, picture};
    use super::*;
    use std::collections::BTreeMap;
    use ndarray::{Array4, arr0, array};
    use wire::{Answer, RawTensor, Request, Tensors};

    fn answer(request: &Request) -> Answer {
        let one = |name: &str, tensor: RawTensor| (name.to_owned(), tensor);
        match request.operation.as_str() {
            "warmup_cosine" => Ok(Tensors::from([one("rate", (&arr0(0.5)).into())])),
            "vit" => {
                assert!(request.tensors.contains_key("head.weight"));
                assert_eq!(request.arguments["heads"], "2");
                let weights = Array4::from_elem((1, 2, 5, 5), 0.2_f32);
                Ok((0..2)
                    .map(|layer| one(&format!("attention.{layer}"), (&weights).into()))
                    .collect())
            }
            _ => Err(fault("later")),
        }
    }

    #[test]
    fn all_of_a_trained_model_is_drawn() {
        let mut material = material(|request| answer(&request));
        let mut model = Model::of(small()).expect("a model");
        model.history = Some(
            "epoch,step,train_loss,train_accuracy,validation_loss,validation_accuracy,seconds\n\
             1,10,2.0,0.3,1.9,0.4,1.5\n2,20,1.0,0.6,,0.7,1.5\n"
                .to_owned(),
        );
        material.model = Some(model);
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert!(drawn.missing.is_empty(), "{:?}", drawn.missing);
        let names: Vec<_> = drawn.pictures.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "rate",
                "attention",
                "filters",
                "positions",
                "loss",
                "accuracy"
            ]
        );
        // The image, and two heads of two blocks.
        assert_eq!(
            picture(&drawn, "attention").svg().matches("<image").count(),
            1 + 4
        );
        // Of 16 numbers in 6 filters, 16 components.
        assert_eq!(
            picture(&drawn, "filters").svg().matches("<image").count(),
            16
        );
        // An epoch without a loss leaves a lone point.
        assert_eq!(picture(&drawn, "loss").svg().matches("<circle").count(), 1);
        assert!(drawn.notes.is_empty(), "{:?}", drawn.notes);
    }

    #[test]
    fn without_a_model_its_own_first_weights_are_asked_for() {
        let mut material = material(|request| answer(&request));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(drawn.missing, ["config: panicked: later"]);
        assert!(drawn.notes[0].contains("--checkpoint"), "{:?}", drawn.notes);
        assert_eq!(drawn.pictures.len(), 1);
    }

    #[test]
    fn rates_that_are_no_numbers_are_not_drawn() {
        let mut material = material(|request| match request.operation.as_str() {
            "warmup_cosine" => Ok(Tensors::from([(
                "rate".to_owned(),
                (&arr0(f64::NAN)).into(),
            )])),
            _ => Err(fault("later")),
        });
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        let expected =
            "Learning rate: 10 steps of warm-up, 100 in all: there is no finite number to draw";
        assert_eq!(drawn.missing, [expected, "config: panicked: later"]);
    }

    #[test]
    fn a_module_with_odd_variables_is_a_fault() {
        let mut material = material(|_| Ok(Tensors::new()));
        let arguments = BTreeMap::from([("image".to_owned(), "28".to_owned())]);
        let missing = first_weights(&mut material, "vit.new", arguments).expect_err("it has none");
        let expected = "vit.new: wrong shape: it has no weight patch_embed.proj.weight of 4 axes";
        assert_eq!(missing.to_string(), expected);
    }

    #[test]
    fn cosines_are_of_directions() {
        let rows = array![[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, 0.0]];
        let expected = array![
            [1.0, 0.0, -1.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [-1.0, 0.0, 1.0, 0.0],
            [0.0; 4]
        ];
        assert_eq!(cosines(&rows), expected);
    }
}
