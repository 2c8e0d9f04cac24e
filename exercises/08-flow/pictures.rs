//! 08 flow: the class token's flow beside raw attention, rollout and the first layer's column sums; and the handout's network.

use crate::draw::model::patches;
use crate::draw::{Drawings, Material, Missing, Question};
use anyhow::Result;
use ndarray::{Array2, Array3, ArrayView1, Axis, Ix0, Ix1, Ix2, arr2};
use pictures::{
    Anchor, Canvas, Colour, LINES, Panel, Picture, Pixels, Row, Scale, Sheet, Weight, sheet,
};

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
    drawn.take("flow", maps)?;
    let network = network(material);
    drawn.take("network", network)?;
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

/// Patches per side, layers and heads where no model says: few enough for one maximum flow to each patch.
const GRID: usize = 7;
const LAYERS: usize = 3;
const HEADS: usize = 4;

/// Attention that nobody learnt: each head likes what is near and what is alike, and the class token looks at what is
/// bright, in the last layer alone.
fn stand_in(image: &Array3<f32>) -> Vec<Array3<f32>> {
    let side = image.dim().1 / GRID;
    let light = patches(image, side).mean_axis(Axis(1)).unwrap_or_default();
    let tokens = GRID * GRID + 1;
    let place = |patch: usize| ((patch / GRID) as f32, (patch % GRID) as f32);
    let logits = |layer: usize| {
        Array3::from_shape_fn((HEADS, tokens, tokens), |(head, to, from)| {
            let reach = 0.5 + (layer * (head + 1)) as f32 / 2.0;
            let bright = if layer + 1 == LAYERS { 6.0 } else { 0.0 };
            match (to.checked_sub(1), from.checked_sub(1)) {
                (None, Some(from)) => bright * light[from],
                (Some(to), Some(from)) => {
                    let ((y, x), (v, u)) = (place(to), place(from));
                    let apart = (y - v).hypot(x - u) / reach;
                    -apart - 4.0 * (light[to] - light[from]).abs()
                }
                (_, None) => 0.0,
            }
        })
    };
    (0..LAYERS)
        .map(|layer| {
            let weights = logits(layer).mapv(f32::exp);
            let sums = weights.sum_axis(Axis(2)).insert_axis(Axis(2));
            weights / sums
        })
        .collect()
}

/// Half of the mean over heads, and half of each token itself: rows sum to 1.
fn with_residual(layer: &Array3<f32>) -> Array2<f32> {
    let (heads, tokens, _) = layer.dim();
    (layer.sum_axis(Axis(0)) / heads.max(1) as f32 + Array2::<f32>::eye(tokens)) / 2.0
}

fn maps(material: &mut Material<'_>, scene: &Scene) -> Result<Picture, Missing> {
    let layers = scene.layers.iter().map(with_residual);
    let rollout = layers.clone().reduce(|below, layer| layer.dot(&below));
    let (Some(first), Some(last), Some(rollout)) =
        (layers.clone().next(), scene.layers.last(), rollout)
    else {
        return Err(Missing::Error(anyhow::anyhow!(
            "a model without blocks attends to nothing"
        )));
    };
    let mut question = Question::new("flow_from")
        .argument("fusion", "mean")
        .argument("token", 0);
    for (number, layer) in scene.layers.iter().enumerate() {
        question = question.tensor(&format!("layer.{number}"), layer);
    }
    let flow = question.ask(material)?.array("flow", Ix1(first.nrows()))?;
    let raw = last
        .index_axis(Axis(1), 0)
        .mean_axis(Axis(0))
        .unwrap_or_default();
    let sums = first.sum_axis(Axis(0)).mapv(|sum| sum.min(1.0));
    let saturated = flow
        .iter()
        .zip(&sums)
        .filter(|(flow, most)| (*flow - *most).abs() < 1e-5)
        .count();
    let image = Pixels::image(scene.image.view());
    let map = |caption: &str, values: ArrayView1<'_, f32>| {
        let pixels = as_map(values, scene);
        Panel::new(
            caption,
            Pixels::heat(pixels.view(), Scale::magnitude(pixels.iter().copied())),
        )
    };
    let panels = vec![
        Panel::new(material.photo.name(), image),
        map("the last layer", raw.view()),
        map("rollout", rollout.row(0)),
        map("flow", flow.view()),
        map("column sums of A₁, at most 1", sums.view()),
    ];
    Ok(sheet(&Sheet {
        title: "What can flow to the class token".to_owned(),
        note: format!(
            "{}. {saturated} of {} flows are as large as the column sums allow. Each map goes from 0, dark, to its largest value, bright.",
            scene.note,
            flow.len()
        ),
        rows: vec![Row {
            label: "the class token".to_owned(),
            height: 190.0,
            panels,
        }],
        scale: None,
    })?)
}

/// The patches among a token's values, as a map.
fn as_map(values: ArrayView1<'_, f32>, scene: &Scene) -> Array2<f32> {
    let Scene { grid, prefix, .. } = *scene;
    Array2::from_shape_fn((grid, grid), |(row, column)| {
        values
            .get(prefix + row * grid + column)
            .copied()
            .unwrap_or(f32::NAN)
    })
}

/// The capacities of the handout's example, in eighths, from the image up.
fn example() -> [Array2<f32>; 3] {
    [
        arr2(&[[4.0, 3.0, 1.0], [0.0, 4.0, 4.0], [3.0, 1.0, 4.0]]),
        arr2(&[[4.0, 3.0, 1.0], [4.0, 4.0, 0.0], [3.0, 1.0, 4.0]]),
        arr2(&[[4.0, 4.0, 0.0], [0.0, 5.0, 3.0], [4.0, 0.0, 4.0]]),
    ]
}

const TOKENS: usize = 3;
/// The ends of the handout's flow: token 0 after three layers, and token 2 of the image.
const SOURCE: usize = 9;
const SINK: usize = 2;

/// The network of the handout's example, what flows through it, and the cut.
fn network(material: &mut Material<'_>) -> Result<Picture, Missing> {
    let maps = example().map(|map| map / 8.0);
    let nodes = (maps.len() + 1) * TOKENS;
    let mut question = Question::new("attention_network");
    for (number, map) in maps.iter().enumerate() {
        question = question.tensor(&format!("layer.{number}"), map);
    }
    let capacities = question
        .ask(material)?
        .array("capacities", Ix2(nodes, nodes))?;
    let given = Question::new("maximum_flow")
        .argument("source", SOURCE)
        .argument("sink", SINK)
        .tensor("capacities", &capacities)
        .ask(material)?;
    let value = given.array("value", Ix0())?.into_scalar();
    let flow = given.array("flow", Ix2(nodes, nodes))?;
    let is_near = given.array("cut", Ix1(nodes))?.mapv(|truth| truth != 0.0);

    let (width, height) = (560.0, 470.0);
    let place = |node: usize| {
        let (level, token) = (node / TOKENS, node % TOKENS);
        (
            150.0 + 150.0 * token as f64,
            height - 70.0 - 105.0 * level as f64,
        )
    };
    let mut canvas = Canvas::new(width, height);
    canvas.text(
        (20.0, 28.0),
        &format!("{value} flows from token 0 to token 2"),
        16.0,
        Weight::Bold,
        Anchor::Start,
        Colour::BLACK,
    );
    let says = "Grey: capacities. Blue: what flows. Dashed: full pipes of the cut, which leave the orange nodes.";
    canvas.text(
        (20.0, 48.0),
        says,
        11.0,
        Weight::Regular,
        Anchor::Start,
        Colour::GREY,
    );
    let wide = |capacity: f32| 18.0 * f64::from(capacity);
    let pipes = || {
        capacities
            .indexed_iter()
            .filter(|(_, capacity)| **capacity > 0.0)
    };
    for ((u, v), &capacity) in pipes() {
        canvas.line(place(u), place(v), Colour::LIGHT, wide(capacity));
    }
    for (pipe, _) in pipes() {
        let sent = flow[pipe];
        if sent > 0.0 {
            canvas.line(place(pipe.0), place(pipe.1), LINES[5], wide(sent));
        }
    }
    for ((u, v), _) in pipes().filter(|((u, v), _)| is_near[*u] && !is_near[*v]) {
        canvas.path(&[place(u), place(v)], Colour::ACCENT, 2.0, true);
    }
    for node in 0..nodes {
        let (x, y) = place(node);
        canvas.dot(
            (x, y),
            12.0,
            if is_near[node] {
                Colour::ACCENT
            } else {
                Colour::GREY
            },
        );
        let name = (node % TOKENS).to_string();
        canvas.text(
            (x, y + 4.0),
            &name,
            11.0,
            Weight::Bold,
            Anchor::Middle,
            Colour::WHITE,
        );
    }
    for level in 0..=maps.len() {
        let (_, y) = place(level * TOKENS);
        let label = match level {
            0 => "the image".to_owned(),
            1 => "after 1 layer".to_owned(),
            more => format!("after {more} layers"),
        };
        canvas.text(
            (20.0, y + 4.0),
            &label,
            12.0,
            Weight::Regular,
            Anchor::Start,
            Colour::GREY,
        );
    }
    Ok(canvas.finish("The network of the example: what flows through each pipe, and the cut"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;
    use crate::draw::testing::{fault, material, picture};
    use wire::{Answer, RawTensor, Request, Tensors};

    fn answer(request: &Request) -> Answer {
        let give = |given: Vec<(&str, RawTensor)>| {
            let given = given
                .into_iter()
                .map(|(name, tensor)| (name.to_owned(), tensor));
            Ok(Tensors::from_iter(given))
        };
        match request.operation.as_str() {
            "flow_from" => {
                assert_eq!(request.tensors.len(), LAYERS);
                give(vec![(
                    "flow",
                    (&Array1::<f32>::ones(GRID * GRID + 1)).into(),
                )])
            }
            "attention_network" => {
                let mut capacities = Array2::<f32>::zeros((12, 12));
                capacities[[9, 6]] = 0.5;
                capacities[[6, 3]] = 0.25;
                give(vec![("capacities", (&capacities).into())])
            }
            "maximum_flow" => {
                let mut flow = Array2::<f32>::zeros((12, 12));
                flow[[9, 6]] = 0.25;
                let near = Array1::from_shape_fn(12, |node| u8::from(node == 6 || node == 9));
                give(vec![
                    ("value", (&ndarray::arr0(0.25_f32)).into()),
                    ("flow", (&flow).into()),
                    ("cut", (&near).into()),
                ])
            }
            _ => Err(fault("unknown")),
        }
    }

    #[test]
    fn maps_and_the_network_are_drawn() {
        let mut material = material(|request| answer(&request));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert!(drawn.missing.is_empty(), "{:?}", drawn.missing);
        assert_eq!(picture(&drawn, "flow").svg().matches("<image").count(), 5);
        let network = picture(&drawn, "network").svg();
        assert_eq!(network.matches("<circle").count(), 12);
        // Two pipes, what flows through one of them, and the other across the cut.
        assert_eq!(network.matches("<line").count(), 3);
        assert_eq!(network.matches("<polyline").count(), 1);
    }

    #[test]
    fn the_network_is_drawn_without_the_flows() {
        let mut material = material(|request| match request.operation.as_str() {
            "flow_from" => Err(fault("later")),
            _ => answer(&request),
        });
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(drawn.missing, ["flow_from: panicked: later"]);
        assert_eq!(drawn.pictures.len(), 1);
    }

    #[test]
    fn the_stand_in_gives_to_all_what_they_have() {
        let layers = stand_in(&crate::draw::Photo::Digit.at(56, 1));
        assert_eq!(layers.len(), LAYERS);
        for layer in &layers {
            for sum in layer.sum_axis(Axis(2)).iter() {
                // 50 numbers in f32.
                assert!((sum - 1.0).abs() < 1e-4, "{sum}");
            }
        }
    }
}
