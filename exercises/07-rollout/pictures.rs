//! 07 rollout: the last layer's attention beside the rollout of all, and the attention distance of heads.

use crate::draw::model::patches;
use crate::draw::{Drawings, Material, Missing, Question};
use pictures::{Dots, Panel, Picture, Pixels, Row, Scale, Sheet, scatter, sheet};
use anyhow::Result;
use ndarray::{Array2, Array3, Axis, Ix1, Ix2};

/// The image, and the attention to it.
struct Scene {
    image: Array3<f32>,
    /// Layer by layer [h, N, N].
    layers: Vec<Array3<f32>>,
    prefix: usize,
    grid: usize,
    note: &'static str,
}

pub(in crate::draw) fn draw(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<()> {
    let scene = scene(material);
    let maps = maps(material, &scene);
    drawn.take("rollout", maps)?;
    let distances = distances(material, &scene);
    drawn.take("distance", distances)?;
    if material.model.is_none() {
        drawn.notes.push(
            "the attention is a stand-in: give a trained model with --checkpoint, as `cargo grader train` writes it".to_owned(),
        );
    }
    Ok(())
}

fn scene(material: &mut Material<'_>) -> Scene {
    if let (Some(model), Some(layers)) = (&material.model, material.attention.take()) {
        return Scene {
            image: material.photo.at(model.image, model.channels),
            layers,
            prefix: model.prefix,
            grid: model.grid(),
            note: "attention of the trained model",
        };
    }
    let image = material.photo.at(56, 1);
    Scene {
        layers: stand_in(&image),
        image,
        prefix: 1,
        grid: GRID,
        note: "attention of no model: near patches and patches of like brightness attend to each other",
    }
}

/// Patches per side, layers and heads where no model says.
const GRID: usize = 14;
const LAYERS: usize = 6;
const HEADS: usize = 4;

/// Attention that nobody learnt: each head likes what is near and what is alike, later layers look further, and the
/// class token looks at what is bright, in the last layers alone.
fn stand_in(image: &Array3<f32>) -> Vec<Array3<f32>> {
    let side = image.dim().1 / GRID;
    let light = patches(image, side).mean_axis(Axis(1)).unwrap_or_default();
    let tokens = GRID * GRID + 1;
    let place = |patch: usize| ((patch / GRID) as f32, (patch % GRID) as f32);
    let layers = 0..LAYERS;
    layers
        .map(|layer| {
            Array3::from_shape_fn((HEADS, tokens, tokens), |(head, to, from)| {
                let reach = 1.0 + (layer * (head + 1)) as f32;
                let bright = if layer + 2 >= LAYERS { 3.0 } else { 0.0 };
                let logit = match (to.checked_sub(1), from.checked_sub(1)) {
                    (None, Some(from)) => bright * light[from],
                    (Some(to), Some(from)) => {
                        let ((y, x), (v, u)) = (place(to), place(from));
                        let apart = (y - v).hypot(x - u) / reach;
                        -apart - 4.0 * (light[to] - light[from]).abs()
                    }
                    (_, None) => 0.0,
                };
                logit.exp()
            })
        })
        .map(|mut layer: Array3<f32>| {
            for mut head in layer.outer_iter_mut() {
                for mut row in head.outer_iter_mut() {
                    let sum = row.sum();
                    row.mapv_inplace(|weight| weight / sum);
                }
            }
            layer
        })
        .collect()
}

fn maps(material: &mut Material<'_>, scene: &Scene) -> Result<Picture, Missing> {
    let Some(last) = scene.layers.last() else {
        return Err(Missing::Error(anyhow::anyhow!(
            "a model without blocks attends to nothing"
        )));
    };
    let tokens = last.dim().1;
    let fused = Question::new("fuse_heads")
        .argument("fusion", "mean")
        .tensor("attention", last)
        .ask(material)?
        .array("attention", Ix2(tokens, tokens))?;
    let raw = over_the_image(material, scene, &fused)?;
    let mut question = Question::new("rollout")
        .argument("fusion", "mean")
        .argument("discard", 0);
    for (number, layer) in scene.layers.iter().enumerate() {
        question = question.tensor(&format!("layer.{number}"), layer);
    }
    let rolled = question
        .ask(material)?
        .array("rollout", Ix2(tokens, tokens))?;
    let rolled = over_the_image(material, scene, &rolled)?;
    let image = Pixels::image(scene.image.view());
    let heat = |map: &Array2<f32>| Pixels::heat(map.view(), Scale::magnitude(map.iter().copied()));
    let laid_over = |map: &Array2<f32>| image.under(&heat(map), 0.6);
    let row = |label: &str, first: Panel, [raw, rolled]: [Pixels; 2]| Row {
        label: label.to_owned(),
        height: 190.0,
        panels: vec![
            first,
            Panel::new("the last layer", raw),
            Panel::new("rollout", rolled),
        ],
    };
    let first = Panel::new(material.photo.name(), image.clone());
    let rows = vec![
        row("as a map", first.clone(), [heat(&raw), heat(&rolled)]),
        row(
            "over the image",
            first.blank(),
            [laid_over(&raw), laid_over(&rolled)],
        ),
    ];
    Ok(sheet(&Sheet {
        title: "What the class token looked at".to_owned(),
        note: format!(
            "{}. Each map goes from 0, dark, to its largest value, bright.",
            scene.note
        ),
        rows,
        scale: None,
    })?)
}

/// The class token's row, as large as the image.
fn over_the_image(
    material: &mut Material<'_>,
    scene: &Scene,
    attention: &Array2<f32>,
) -> Result<Array2<f32>, Missing> {
    let Scene { grid, prefix, .. } = *scene;
    let map = Question::new("class_map")
        .argument("prefix", prefix)
        .argument("grid", format!("{grid}x{grid}"))
        .tensor("rollout", attention)
        .ask(material)?
        .array("map", Ix2(grid, grid))?;
    let (_, height, width) = scene.image.dim();
    Question::new("upsample")
        .argument("size", format!("{height}x{width}"))
        .tensor("map", &map)
        .ask(material)?
        .array("map", Ix2(height, width))
}

/// The attention distance of each head, layer by layer (figure 7, right, of the ViT paper).
fn distances(material: &mut Material<'_>, scene: &Scene) -> Result<Picture, Missing> {
    let Scene { grid, prefix, .. } = *scene;
    let patch = scene.image.dim().1 / grid;
    let heads = scene.layers.first().map_or(0, |layer| layer.dim().0);
    let mut points = vec![vec![]; heads];
    for (number, layer) in scene.layers.iter().enumerate() {
        let given = Question::new("attention_distance")
            .argument("prefix", prefix)
            .argument("grid", format!("{grid}x{grid}"))
            .argument("patch", patch)
            .tensor("attention", layer)
            .ask(material)?;
        let distance = given.array("distance", Ix1(heads))?;
        for (points, &distance) in points.iter_mut().zip(&distance) {
            points.push((number as f64, f64::from(distance)));
        }
    }
    let labels: Vec<_> = (0..heads).map(|head| format!("head {head}")).collect();
    let dots = labels
        .iter()
        .zip(&points)
        .map(|(label, points)| Dots { label, points });
    let dots: Vec<_> = dots.collect();
    scatter(
        "How far each head looks",
        "layer",
        "mean distance in pixels",
        &dots,
    )
    .map_err(Missing::Undrawable)
}

#[cfg(test)]
mod tests {
    use crate::draw::testing::{fault, material, picture};
    use super::*;
    use ndarray::Array1;
    use wire::{Answer, RawTensor, Request, Tensors};

    fn answer(request: &Request) -> Answer {
        let one = |name: &str, tensor: RawTensor| Ok(Tensors::from([(name.to_owned(), tensor)]));
        let square = |side: usize| RawTensor::from(&Array2::<f32>::eye(side));
        match request.operation.as_str() {
            "fuse_heads" => one("attention", square(197)),
            "rollout" => {
                assert_eq!(request.tensors.len(), LAYERS);
                one("rollout", square(197))
            }
            "class_map" => one("map", square(14)),
            "upsample" => one("map", square(56)),
            "attention_distance" => one("distance", (&Array1::<f32>::ones(HEADS)).into()),
            _ => Err(fault("unknown")),
        }
    }

    #[test]
    fn maps_and_distances_are_drawn() {
        let mut material = material(|request| answer(&request));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert!(drawn.missing.is_empty(), "{:?}", drawn.missing);
        assert_eq!(
            picture(&drawn, "rollout").svg().matches("<image").count(),
            5
        );
        let dots = picture(&drawn, "distance").svg().matches("<circle").count();
        // And the keys.
        assert_eq!(dots, LAYERS * HEADS + HEADS);
    }

    #[test]
    fn distances_are_drawn_without_the_rollout() {
        let mut material = material(|request| match request.operation.as_str() {
            "rollout" => Err(fault("later")),
            _ => answer(&request),
        });
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(drawn.missing, ["rollout: panicked: later"]);
        assert_eq!(drawn.pictures.len(), 1);
    }

    #[test]
    fn the_stand_in_gives_to_all_what_they_have() {
        let layers = stand_in(&crate::draw::Photo::Digit.at(56, 1));
        assert_eq!(layers.len(), LAYERS);
        for layer in &layers {
            for sum in layer.sum_axis(Axis(2)).iter() {
                // 197 numbers in f32.
                assert!((sum - 1.0).abs() < 1e-4, "{sum}");
            }
        }
    }
}
