//! 06 deit: what the class token and the distillation token attend to.

use crate::draw::models::{attention, first_weights, over, state};
use crate::draw::{Drawings, Material, Missing, Model};
use pictures::{Panel, Picture, Pixels, Row, Sheet, sheet};
use anyhow::{Result, anyhow};
use ndarray::{Array3, Axis};

pub(in crate::draw) fn draw(material: &mut Material<'_>, drawn: &mut Drawings) -> Result<()> {
    let model = match material.model.clone() {
        Some(model) if model.prefix != 2 => Err(Missing::Undrawable(anyhow!(
            "the model has no dist_token: it is a ViT, which `draw vit` draws"
        ))),
        Some(model) => Ok(model),
        None => untrained(material),
    };
    let picture = model.and_then(|model| {
        let (image, layers) = attention(material, &model, "deit")?;
        of_tokens(material, &model, &image, &layers)
    });
    drawn.take("tokens", picture)?;
    if material.model.is_none() {
        drawn
            .notes
            .push("nothing is learnt yet: give a trained DeiT with --checkpoint".to_owned());
    }
    Ok(())
}

/// A small model for images of digits, with its first weights.
fn untrained(material: &mut Material<'_>) -> Result<Model, Missing> {
    let arguments = [
        ("image", "28"),
        ("patch", "4"),
        ("channels", "1"),
        ("classes", "10"),
        ("dim", "64"),
        ("depth", "6"),
        ("heads", "4"),
        ("mlp_ratio", "2"),
        ("dropout", "0"),
    ];
    let arguments = arguments.map(|(name, value)| (name.to_owned(), value.to_owned()));
    first_weights(material, "deit.new", arguments.into())
}

/// The tokens before those of the patches, in their order.
const TOKENS: [&str; 2] = ["class token", "distillation token"];

fn of_tokens(
    material: &Material<'_>,
    model: &Model,
    image: &Array3<f32>,
    layers: &[Array3<f32>],
) -> Result<Picture, Missing> {
    let height = (900.0 / (model.depth + 1) as f64).clamp(56.0, 120.0);
    let mut rows = vec![];
    for (number, token) in TOKENS.into_iter().enumerate() {
        let mut panels = vec![Panel::new(
            material.photo.name(),
            Pixels::image(image.view()),
        )];
        for (layer, weights) in layers.iter().enumerate() {
            // Over all heads.
            let mean = weights.mean_axis(Axis(0)).unwrap_or_default();
            let pixels = over(image, model, mean.row(number))?;
            panels.push(Panel::new(format!("block {layer}"), pixels));
        }
        rows.push(Row {
            label: token.to_owned(),
            height,
            panels,
        });
    }
    Ok(sheet(&Sheet {
        title: format!("What the two tokens attend to{}", state(model)),
        note: "the mean of all heads; each map goes from 0, dark, to its largest weight, bright"
            .to_owned(),
        rows,
        scale: None,
    })?)
}

#[cfg(test)]
mod tests {
    use crate::draw::model::tests::small;
    use crate::draw::testing::{material, picture};
    use super::*;
    use ndarray::{Array, Array4};
    use wire::{RawTensor, Tensors};

    #[test]
    fn both_tokens_have_a_row_of_all_blocks() {
        let mut frame = small();
        let zeros = |shape: &[usize]| RawTensor::from(&Array::<f32, _>::zeros(shape));
        frame
            .tensors
            .insert("dist_token".to_owned(), zeros(&[1, 1, 6]));
        frame
            .tensors
            .insert("pos_embed".to_owned(), zeros(&[1, 6, 6]));
        let mut material = material(|request| {
            assert!(!request.arguments.contains_key("pool"));
            let weights = RawTensor::from(&Array4::from_elem((1, 2, 6, 6), 0.2_f32));
            let named = (0..2).map(|layer| (format!("attention.{layer}"), weights.clone()));
            Ok(named.collect::<Tensors>())
        });
        material.model = Some(Model::of(frame).expect("a model"));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("a worker that answers");
        assert!(drawn.missing.is_empty(), "{:?}", drawn.missing);
        let tokens = picture(&drawn, "tokens").svg();
        assert_eq!(tokens.matches("<image").count(), 2 * 3);
        assert!(tokens.contains(">distillation token</text>"));
    }

    #[test]
    fn a_vit_is_no_deit() {
        let mut material = material(|_| Ok(Tensors::new()));
        material.model = Some(Model::of(small()).expect("a model"));
        let mut drawn = Drawings::default();
        draw(&mut material, &mut drawn).expect("nothing is asked");
        let expected = "the model has no dist_token: it is a ViT, which `draw vit` draws";
        assert_eq!(drawn.missing, [expected]);
    }
}
