//! 03 msa: the attention of each head, as matrices and from one patch over the image.

use crate::draw::model::patches;
use crate::draw::models::as_grid;
use crate::draw::{Drawings, Material, Missing, Question, weights};
use pictures::{Map, Panel, Picture, Pixels, Row, Scale, Sheet, sheet};
use anyhow::Result;
use ndarray::{Array2, Array3, ArrayView3, Axis, Ix4};
use wire::Tensors;

/// The image, its patches and heads where no model says.
const IMAGE: usize = 28;
const PATCH: usize = 4;
const HEADS: usize = 4;

/// The image, tokens and weights whose attention is drawn.
struct Scene {
    image: Array3<f32>,
    /// [N, D]
    tokens: Array2<f32>,
    weights: Tensors,
    heads: usize,
    grid: usize,
    note: String,
}

pub(in crate::draw) fn draw(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<()> {
    match attention(material) {
        Err(missing) => drawn.take("heads", Err(missing)),
        Ok((scene, attention)) => {
            drawn.take("heads", over_the_image(&scene, attention.view()))?;
            drawn.take("weights", matrices(&scene, attention.view()))
        }
    }
}

fn attention(material: &mut Material<'_>) -> Result<(Scene, Array3<f32>), Missing> {
    let scene = match &material.model {
        None => untrained(material)?,
        Some(model) => {
            let image = material.photo.at(model.image, model.channels);
            Scene {
                tokens: model.first_tokens(&image).map_err(Missing::Undrawable)?,
                weights: model.first_attention().map_err(Missing::Undrawable)?,
                heads: model.heads,
                grid: model.grid(),
                image,
                note: "the first block of the trained model".to_owned(),
            }
        }
    };
    let (count, dim) = scene.tokens.dim();
    let given = Question::new("msa")
        .argument("dim", dim)
        .argument("heads", scene.heads)
        .tensor("x", &scene.tokens.clone().insert_axis(Axis(0)))
        .with(&scene.weights, &Default::default())
        .ask(material)?;
    let attention = given.array("weights", Ix4(1, scene.heads, count, count))?;
    Ok((scene, attention.remove_axis(Axis(0))))
}

/// Patches of the image, as they are, and weights of the module's own shapes that nobody learnt.
fn untrained(material: &mut Material<'_>) -> Result<Scene, Missing> {
    let image = material.photo.at(IMAGE, 1);
    let tokens = patches(&image.mapv(|pixel| 2.0 * pixel - 1.0), PATCH);
    let dim = tokens.ncols();
    let given = Question::new("msa.new")
        .argument("dim", dim)
        .argument("heads", HEADS)
        .ask(material)?;
    Ok(Scene {
        weights: weights(&given.tensors, "", 2.0),
        heads: HEADS,
        grid: IMAGE / PATCH,
        image,
        tokens,
        note: "weights drawn at random: nothing is learnt yet".to_owned(),
    })
}

/// The attention of the brightest patch, and of one in the corner, to each patch.
fn over_the_image(scene: &Scene, attention: ArrayView3<'_, f32>) -> Result<Picture, Missing> {
    let Scene { image, grid, .. } = scene;
    let whole = Pixels::image(image.view());
    let mut rows = vec![];
    for (label, query) in [("a patch of ink", brightest(image, *grid)), ("a corner", 0)] {
        let place = (query / grid, query % grid);
        let mut panels =
            vec![Panel::new("looks from here", whole.clone()).with_mark(place, (*grid, *grid))];
        for (number, head) in attention.outer_iter().enumerate() {
            let map = as_grid(head.row(query), *grid)?;
            let heat = Pixels::heat(map.view(), Scale::magnitude(map.iter().copied()));
            let panel = Panel::new(format!("head {number}"), whole.under(&heat, 0.75));
            panels.push(panel.with_mark(place, (*grid, *grid)));
        }
        rows.push(Row {
            label: label.to_owned(),
            height: 130.0,
            panels,
        });
    }
    Ok(sheet(&Sheet {
        title: "Where each head looks".to_owned(),
        note: format!(
            "{}. Each map goes from 0, dark, to its largest weight, bright.",
            scene.note
        ),
        rows,
        scale: None,
    })?)
}

/// The patch that is brightest.
fn brightest(image: &Array3<f32>, grid: usize) -> usize {
    let patch = image.dim().1 / grid;
    let light = patches(image, patch).sum_axis(Axis(1));
    let brighter = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
    light
        .iter()
        .enumerate()
        .max_by(brighter)
        .map_or(0, |(token, _)| token)
}

fn matrices(scene: &Scene, attention: ArrayView3<'_, f32>) -> Result<Picture, Missing> {
    let scale = Scale {
        map: Map::Magnitude,
        ..Scale::magnitude(attention.iter().copied())
    };
    let panels = attention.outer_iter().enumerate();
    let panels = panels
        .map(|(number, head)| Panel::new(format!("head {number}"), Pixels::heat(head, scale)));
    let tokens = scene.tokens.nrows();
    Ok(sheet(&Sheet {
        title: format!("Attention of {tokens} tokens to {tokens} tokens"),
        note: format!(
            "{}. A row is a query, a column a key; each row sums to 1.",
            scene.note
        ),
        rows: vec![Row {
            label: String::new(),
            height: 190.0,
            panels: panels.collect(),
        }],
        scale: Some((scale, "weight".to_owned())),
    })?)
}

#[cfg(test)]
mod tests {
    use crate::draw::Model;
    use crate::draw::model::tests::small;
    use crate::draw::testing::{fault, material, picture};
    use super::*;
    use ndarray::Array4;
    use wire::{Answer, RawTensor, Request};

    /// Heads that look at all tokens alike.
    fn answer(request: &Request) -> Answer {
        let zeros = |shape: &[usize]| RawTensor::from(&ndarray::Array::<f32, _>::zeros(shape));
        match request.operation.as_str() {
            "msa.new" => Ok(Tensors::from([("qkv.weight".to_owned(), zeros(&[48, 16]))])),
            "msa" => {
                let tokens = request.tensors["x"].shape()[1];
                let heads = request.arguments["heads"].parse().expect("a number");
                let alike = Array4::from_elem((1, heads, tokens, tokens), 1.0 / tokens as f32);
                Ok(Tensors::from([("weights".to_owned(), (&alike).into())]))
            }
            _ => Err(fault("unknown")),
        }
    }

    #[test]
    fn every_head_is_drawn() {
        let mut material = material(|request| answer(&request));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert!(drawn.missing.is_empty(), "{:?}", drawn.missing);
        assert_eq!(
            picture(&drawn, "weights").svg().matches("<image").count(),
            4
        );
        let heads = picture(&drawn, "heads").svg();
        assert_eq!(heads.matches("<image").count(), 2 * 5);
        assert_eq!(heads.matches(">head 3</text>").count(), 2);
    }

    #[test]
    fn a_model_says_how_many_heads_there_are() {
        let mut material = material(|request| answer(&request));
        material.model = Some(Model::of(small()).expect("a model"));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(
            picture(&drawn, "weights").svg().matches("<image").count(),
            2
        );
    }

    #[test]
    fn nothing_is_drawn_of_a_stub() {
        let mut material = material(|_| Err(fault("todo")));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(drawn.missing, ["msa.new: panicked: todo"]);
        assert!(drawn.pictures.is_empty());
    }
}
