//! Weights against the model that is to take them: a Vision Transformer with another token, or for images of another size,
//! is told in a sentence before anything is built.

use std::collections::BTreeMap;
use wire::{RawTensor, Tensors};

/// The name of the class token.
const CLS_TOKEN: &str = "cls_token";
/// The name of the token that a DeiT has besides the class token.
pub const DIST_TOKEN: &str = "dist_token";
/// The name of the positions.
pub const POS_EMBED: &str = "pos_embed";

/// A difference between weights and the model that is to take them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The weights have a token that the model has not, or lack one.
    #[error("these are the weights of {}, where those of {} are expected", model_of(*.found), model_of(*.wanted))]
    Front {
        /// The tokens in front of those of the patches that the weights have.
        found: usize,
        /// Those that the model has.
        wanted: usize,
    },
    /// The positions are of images of another size.
    #[error(
        "the weights' pos_embed holds {found} tokens{}, where image={image} and patch={patch} make {wanted}",
        .other.map(|side| format!(", as for images of {side} px")).unwrap_or_default()
    )]
    Positions {
        /// The tokens that the weights have positions for.
        found: usize,
        /// Those of the model.
        wanted: usize,
        /// Side of the model's images, in pixels.
        image: usize,
        /// Side of its patches.
        patch: usize,
        /// Side of the images that the weights are for, where they are square.
        other: Option<usize>,
    },
}

fn model_of(front: usize) -> &'static str {
    match front {
        1 => "a ViT (no dist_token)",
        _ => "a DeiT (with a dist_token)",
    }
}

/// The tokens in front of those of the patches that weights have.
pub fn tokens_in_front(weights: &Tensors) -> usize {
    1 + usize::from(weights.contains_key(DIST_TOKEN))
}

/// The number of tokens that weights hold positions for, where they do.
pub fn positions(weights: &Tensors) -> Option<usize> {
    match weights.get(POS_EMBED).map(RawTensor::shape) {
        Some(&[1, tokens, _]) => Some(tokens),
        _ => None,
    }
}

/// Patches per side of a square image with so many tokens.
pub fn grid(tokens: usize, front: usize) -> Option<usize> {
    let patches = tokens.checked_sub(front)?;
    let side = patches.isqrt();
    (side > 0 && side * side == patches).then_some(side)
}

/// The first difference between weights and a model with `front` tokens in front of those of the patches, of the sizes that
/// its arguments say.
///
/// # Errors
/// Returns the difference, if there is one.
pub fn check(
    weights: &Tensors,
    arguments: &BTreeMap<String, String>,
    front: usize,
) -> Result<(), Misfit> {
    let found = tokens_in_front(weights);
    // Without any of its tokens, these are not a whole model's weights: what lacks is told otherwise.
    if found != front && weights.contains_key(CLS_TOKEN) {
        return Err(Misfit::Front {
            found,
            wanted: front,
        });
    }
    let size = |name: &str| {
        let size = arguments.get(name)?.parse::<usize>().ok();
        size.filter(|size| *size > 0)
    };
    let (Some(found), Some(image), Some(patch)) =
        (positions(weights), size("image"), size("patch"))
    else {
        return Ok(());
    };
    let patches = (image / patch).checked_pow(2);
    match patches.and_then(|patches| patches.checked_add(front)) {
        Some(wanted) if wanted != found => Err(Misfit::Positions {
            found,
            wanted,
            image,
            patch,
            other: grid(found, front).and_then(|side| side.checked_mul(patch)),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    fn weights(names: &[&str], tokens: usize) -> Tensors {
        let tensor = |len: usize| RawTensor::from(&Array3::<f32>::zeros((1, len, 2)));
        let names = names.iter().map(|name| (name.to_string(), tensor(1)));
        names
            .chain([(POS_EMBED.to_owned(), tensor(tokens))])
            .collect()
    }

    fn said(weights: &Tensors, image: &str, front: usize) -> String {
        let arguments = [("image", image), ("patch", "16")];
        let arguments = arguments.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let checked = check(weights, &arguments.into(), front);
        checked
            .err()
            .map(|misfit| misfit.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn a_deit_is_told_from_a_vit() {
        let (vit, deit) = (
            weights(&["cls_token"], 197),
            weights(&["cls_token", DIST_TOKEN], 198),
        );
        assert_eq!(said(&vit, "224", 1), "");
        assert_eq!(said(&deit, "224", 2), "");
        assert_eq!(
            said(&deit, "224", 1),
            "these are the weights of a DeiT (with a dist_token), where those of a ViT (no dist_token) are expected"
        );
        assert!(said(&vit, "224", 2).starts_with("these are the weights of a ViT"));
        assert_eq!(said(&Tensors::new(), "224", 2), "");
    }

    #[test]
    fn images_of_another_size_are_told_by_the_positions() {
        let large = weights(&["cls_token"], 577);
        assert_eq!(said(&large, "384", 1), "");
        assert_eq!(
            said(&large, "224", 1),
            "the weights' pos_embed holds 577 tokens, as for images of 384 px, where image=224 and patch=16 make 197"
        );
        let oblong = weights(&["cls_token"], 1 + 12 * 14);
        assert!(
            said(&oblong, "224", 1).starts_with("the weights' pos_embed holds 169 tokens, where")
        );
        assert_eq!(said(&oblong, "no number", 1), "");
        assert_eq!(said(&oblong, "18446744073709551615", 1), "");
    }
}
