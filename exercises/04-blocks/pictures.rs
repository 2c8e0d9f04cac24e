//! 04 blocks: how values spread from block to block and what the norm makes of that, and the MLP's activation.

use crate::draw::{Drawings, Material, Missing, Question, numbers, weights};
use pictures::{Curve, Picture, curves};
use anyhow::Result;
use ndarray::{Array1, Array3, Ix3};
use wire::{RawTensor, Tensors};

/// A stack of blocks.
const DEPTH: usize = 24;
const TOKENS: usize = 17;
const DIM: usize = 32;
const HEADS: usize = 4;
const RATIO: usize = 4;

pub(in crate::draw) fn draw(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<()> {
    let spread = spread(material, drawn);
    drawn.take("spread", spread)?;
    let activation = activation(material);
    drawn.take("activation", activation)
}

/// The standard deviation of all values after each block, before and after a norm.
fn spread(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<Picture, Missing> {
    let sizes = |question: Question<'static>| {
        question
            .argument("dim", DIM)
            .argument("heads", HEADS)
            .argument("mlp_ratio", RATIO)
    };
    let like = sizes(Question::new("block.new")).ask(material)?.tensors;
    let drawn_numbers = numbers("tokens", TOKENS * DIM);
    // Uniform numbers from −1 to 1 have the variance 1/3.
    let mut x = Array3::from_shape_fn((1, TOKENS, DIM), |(_, token, column)| {
        drawn_numbers[token * DIM + column] * 3_f32.sqrt()
    });
    let mut after_block = vec![(0.0, deviation(&x))];
    let mut after_norm = vec![];
    let mut norm_fails = None;
    for layer in 0..=DEPTH {
        if layer > 0 {
            let given = sizes(Question::new("block"))
                .tensor("x", &x)
                .with(
                    &weights(&like, &format!("{layer}."), 1.0),
                    &Default::default(),
                )
                .ask(material)?;
            x = given.array("y", Ix3(1, TOKENS, DIM))?;
            after_block.push((layer as f64, deviation(&x)));
        }
        if norm_fails.is_none() {
            match norm(material, &x) {
                Ok(y) => after_norm.push((layer as f64, deviation(&y))),
                Err(missing) => norm_fails = Some(missing),
            }
        }
    }
    let mut all = vec![Curve {
        label: "after the block",
        points: &after_block,
    }];
    match norm_fails {
        Some(missing) => drawn.take("spread", Err(missing))?,
        None => all.push(Curve {
            label: "after your layer_norm of that",
            points: &after_norm,
        }),
    }
    let title = format!("Spread of values through {DEPTH} blocks");
    curves(&title, "block", "standard deviation", &all).map_err(Missing::Undrawable)
}

fn norm(material: &mut Material<'_>, x: &Array3<f32>) -> Result<Array3<f32>, Missing> {
    let given = Question::new("layer_norm")
        .argument("eps", 1e-6)
        .tensor("x", x)
        .tensor("gamma", &Array1::<f32>::ones(DIM))
        .tensor("beta", &Array1::<f32>::zeros(DIM))
        .ask(material)?;
    given.array("y", Ix3(1, TOKENS, DIM))
}

fn deviation(x: &Array3<f32>) -> f64 {
    f64::from(x.std(0.0))
}

/// The MLP of one dimension whose weights are all 1 is its activation.
fn activation(material: &mut Material<'_>) -> Result<Picture, Missing> {
    const POINTS: usize = 161;
    let inputs = Array1::linspace(-4.0_f32, 4.0, POINTS);
    let like = Question::new("mlp.new")
        .argument("dim", 1)
        .argument("hidden", 1)
        .ask(material)?;
    let ones = like.tensors.into_iter().map(|(name, tensor)| {
        let value = if name.ends_with("bias") { 0.0_f32 } else { 1.0 };
        let filled = ndarray::Array::from_elem(tensor.shape(), value);
        (name, RawTensor::from(&filled))
    });
    let ones: Tensors = ones.collect();
    let x = Array3::from_shape_fn((1, POINTS, 1), |(_, point, _)| inputs[point]);
    let given = Question::new("mlp")
        .argument("dim", 1)
        .argument("hidden", 1)
        .tensor("x", &x)
        .with(&ones, &Default::default())
        .ask(material)?;
    let y = given.array("y", Ix3(1, POINTS, 1))?;
    let points = |of: &dyn Fn(usize) -> f32| -> Vec<(f64, f64)> {
        (0..POINTS)
            .map(|point| (f64::from(inputs[point]), f64::from(of(point))))
            .collect()
    };
    let yours = points(&|point| y[(0, point, 0)]);
    let relu = points(&|point| inputs[point].max(0.0));
    let all = [
        Curve {
            label: "your Mlp, its weights 1",
            points: &yours,
        },
        Curve {
            label: "ReLU",
            points: &relu,
        },
    ];
    curves("The activation of the MLP", "x", "y", &all).map_err(Missing::Undrawable)
}

#[cfg(test)]
mod tests {
    use crate::draw::testing::{fault, material, picture};
    use super::*;
    use ndarray::Array;
    use wire::{Answer, Request};

    /// Blocks that double what they get, an MLP without an activation, and no norm.
    fn answer(request: &Request) -> Answer {
        let one = |name: &str, tensor: RawTensor| Ok(Tensors::from([(name.to_owned(), tensor)]));
        let x = || -> Array3<f32> { request.tensors["x"].to_array().expect("three axes") };
        match request.operation.as_str() {
            "block.new" | "mlp.new" => one("fc1.weight", (&Array::<f32, _>::zeros((1, 1))).into()),
            "block" => one("y", (&(x() * 2.0)).into()),
            "mlp" => one("y", (&x()).into()),
            _ => Err(fault("later")),
        }
    }

    #[test]
    fn what_is_not_finite_is_not_drawn() {
        let mut material = material(|request| match request.operation.as_str() {
            "mlp" => {
                let points = request.tensors["x"].shape()[1];
                let y = Array3::from_elem((1, points, 1), f32::NAN);
                Ok(Tensors::from([("y".to_owned(), (&y).into())]))
            }
            "block" => answer(&request).map(|mut given| {
                let infinite = Array3::from_elem((1, TOKENS, DIM), f32::INFINITY);
                given.insert("y".to_owned(), (&infinite).into());
                given
            }),
            _ => answer(&request),
        });
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(drawn.missing, ["layer_norm: panicked: later"]);
        // The first block's input is finite, and so is ReLU of it.
        assert_eq!(
            picture(&drawn, "spread").svg().matches("<circle").count(),
            1
        );
        assert_eq!(
            picture(&drawn, "activation")
                .svg()
                .matches("<polyline")
                .count(),
            3
        );
    }

    #[test]
    fn blocks_are_drawn_without_the_norm() {
        let mut material = material(|request| answer(&request));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert_eq!(drawn.missing, ["layer_norm: panicked: later"]);
        let spread = picture(&drawn, "spread").svg();
        assert!(spread.contains(">after the block</text>"));
        assert!(!spread.contains("layer_norm"));
        // The curve and its key.
        assert_eq!(spread.matches("<polyline").count(), 2);
        assert_eq!(
            picture(&drawn, "activation")
                .svg()
                .matches("<polyline")
                .count(),
            4
        );
    }
}
