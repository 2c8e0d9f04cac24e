//! The parts that pictures of models share.

use super::{Material, Missing, Model, OperationAnswer, Question};
use anyhow::Result;
use ndarray::{Array2, Array3, ArrayView1, Axis, Ix4};
use pictures::{Pixels, Scale};
use std::collections::BTreeMap;
use wire::Frame;

/// A model with its first weights.
pub(in crate::draw) fn first_weights(
    material: &mut Material<'_>,
    operation: &str,
    arguments: BTreeMap<String, String>,
) -> Result<Model, Missing> {
    let OperationAnswer { operation, tensors } = Question::new(operation)
        .with(&Default::default(), &arguments)
        .ask(material)?;
    let metadata = arguments.clone();
    let model = Model::of(Frame { metadata, tensors });
    // Its variables are the submission's: what is wrong with them is a fault.
    let model = model.map_err(|error| Missing::Answer {
        operation,
        fault: wire::Fault::wrong_shape(format!("{error:#}")),
    })?;
    Ok(Model {
        arguments,
        is_trained: false,
        ..model
    })
}

/// The image, and a model's attention to it, layer by layer: [h, N, N].
///
/// # Errors
/// Returns [`Missing::Fault`] if the operation does not take the model, [`Missing::Answer`] if it returns no attention of
/// that shape, and [`Missing::Error`] if the worker cannot be asked.
pub fn attention(
    material: &mut Material<'_>,
    model: &Model,
    operation: &str,
) -> Result<(Array3<f32>, Vec<Array3<f32>>), Missing> {
    let image = material.photo.at(model.image, model.channels);
    let given = Question::new(operation)
        .tensor("images", &model.standardised(&image).insert_axis(Axis(0)))
        .with(&model.weights, &model.arguments)
        .ask(material)?;
    let tokens = model.tokens();
    let layers = (0..model.depth).map(|layer| {
        let weights = given.array(
            &format!("attention.{layer}"),
            Ix4(1, model.heads, tokens, tokens),
        )?;
        Ok(weights.remove_axis(Axis(0)))
    });
    let layers: Result<_, Missing> = layers.collect();
    Ok((image, layers?))
}

/// The attention of a token to each patch, drawn over the image.
pub(in crate::draw) fn over(
    image: &Array3<f32>,
    model: &Model,
    from: ArrayView1<'_, f32>,
) -> Result<Pixels, Missing> {
    let of_patches = from.slice_axis(Axis(0), (model.prefix..).into()).to_owned();
    let map = as_grid(of_patches.view(), model.grid())?;
    let heat = Pixels::heat(map.view(), Scale::magnitude(map.iter().copied()));
    Ok(Pixels::image(image.view()).under(&heat, 0.7))
}

/// The remark in titles on a model that is not trained yet.
pub(in crate::draw) fn state(model: &Model) -> &'static str {
    if model.is_trained {
        ""
    } else {
        ", before any training"
    }
}

/// Values of all patches, as they lie on the image.
pub(in crate::draw) fn as_grid(
    values: ArrayView1<'_, f32>,
    grid: usize,
) -> Result<Array2<f32>, Missing> {
    let grid = values.to_shape((grid, grid));
    Ok(grid
        .map_err(|error| Missing::Error(error.into()))?
        .to_owned())
}
