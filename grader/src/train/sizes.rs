//! The sizes and choices that make a Vision Transformer, as requests, answers and checkpoints hold them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::Tensors;

/// The configuration of a Vision Transformer, with the names that the exercise gives its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VitSizes {
    /// Side of the square images, in pixels.
    pub image: i64,
    /// Side of the square patches.
    pub patch: i64,
    /// Channels.
    pub channels: i64,
    /// Classes.
    pub classes: i64,
    /// Embedding dimension.
    pub dim: i64,
    /// Blocks.
    pub depth: i64,
    /// Heads.
    pub heads: i64,
    /// Hidden columns of the MLPs, in `dim`.
    pub mlp_ratio: i64,
    /// The share of numbers that training sets to 0.
    pub dropout: f64,
    /// `learned` or `sinusoidal`.
    pub positions: String,
    /// `cls` or `mean`.
    pub pool: String,
}

impl VitSizes {
    /// Those of a well-known notebook that writes a Vision Transformer for MNIST from scratch: so small that its
    /// accuracy is low, but trained within minutes in any language.
    pub fn notebook() -> Self {
        Self {
            image: 28,
            patch: 4,
            channels: 1,
            classes: 10,
            dim: 8,
            depth: 2,
            heads: 2,
            mlp_ratio: 4,
            dropout: 0.0,
            positions: "sinusoidal".to_owned(),
            pool: "cls".to_owned(),
        }
    }

    /// Those that `VitConfig::mnist` is to have.
    pub fn mnist() -> Self {
        Self {
            patch: 7,
            dim: 64,
            depth: 6,
            heads: 4,
            positions: "learned".to_owned(),
            ..Self::notebook()
        }
    }

    /// Those that the operation `config` gave.
    ///
    /// # Errors
    /// Saying what the answer lacks.
    pub fn of_answer(tensors: &Tensors) -> Result<Self, String> {
        let numbers = |name: &str, count: usize| -> Result<Vec<f64>, String> {
            let numbers = tensors.get(name).map(wire::RawTensor::to_f64);
            numbers
                .filter(|numbers| numbers.len() == count)
                .ok_or_else(|| format!("it has no {count} numbers {name}"))
        };
        let (sizes, choices) = (numbers("sizes", 8)?, numbers("choices", 2)?);
        let size = |i: usize| sizes[i] as i64;
        let choice = |i: usize, words: [&str; 2]| words[usize::from(choices[i] == 1.0)].to_owned();
        Ok(Self {
            image: size(0),
            patch: size(1),
            channels: size(2),
            classes: size(3),
            dim: size(4),
            depth: size(5),
            heads: size(6),
            mlp_ratio: size(7),
            dropout: numbers("dropout", 1)?[0],
            positions: choice(0, ["learned", "sinusoidal"]),
            pool: choice(1, ["cls", "mean"]),
        })
    }

    /// The arguments of requests, and the metadata of checkpoints.
    pub fn arguments(&self) -> BTreeMap<String, String> {
        let arguments = [
            ("image", self.image.to_string()),
            ("patch", self.patch.to_string()),
            ("channels", self.channels.to_string()),
            ("classes", self.classes.to_string()),
            ("dim", self.dim.to_string()),
            ("depth", self.depth.to_string()),
            ("heads", self.heads.to_string()),
            ("mlp_ratio", self.mlp_ratio.to_string()),
            ("dropout", self.dropout.to_string()),
            ("positions", self.positions.clone()),
            ("pool", self.pool.clone()),
        ];
        let arguments = arguments.into_iter();
        arguments
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The first size that does not suit images of this side and this many classes, if there is one.
    pub fn fault(&self, image: usize, classes: usize) -> Option<String> {
        let Self {
            patch,
            dim,
            depth,
            heads,
            ..
        } = *self;
        let is = |size: i64, wanted: usize| usize::try_from(size) == Ok(wanted);
        if !is(self.image, image) || self.channels != 1 || !is(self.classes, classes) {
            Some(format!(
                "the model takes images of {} px with {} channels and knows {} classes; the data has {image} px, 1 channel and {classes} classes",
                self.image, self.channels, self.classes
            ))
        } else if patch < 1 || self.image % patch != 0 {
            Some(format!(
                "patches of {patch} px do not divide images of {image} px: --patch-size may be a divisor of {image}"
            ))
        } else if dim < 1 || heads < 1 || dim % heads != 0 {
            Some(format!("{heads} heads do not divide a dimension of {dim}"))
        } else if depth < 0 {
            Some(format!("there is no model of {depth} blocks"))
        } else if !(0.0..1.0).contains(&self.dropout) {
            Some(format!(
                "a dropout of {} is not from 0 to below 1",
                self.dropout
            ))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr0, arr1};

    #[test]
    fn an_answer_is_read_field_by_field() {
        let sizes = arr1(&[28_i64, 7, 1, 10, 64, 6, 4, 3]);
        let answer = |choices: [i64; 2]| {
            Tensors::from([
                ("sizes".to_owned(), (&sizes).into()),
                ("dropout".to_owned(), (&arr0(0.25)).into()),
                ("choices".to_owned(), (&arr1(&choices)).into()),
            ])
        };
        let read = VitSizes::of_answer(&answer([0, 1])).expect("a whole answer");
        let expected = VitSizes {
            image: 28,
            patch: 7,
            channels: 1,
            classes: 10,
            dim: 64,
            depth: 6,
            heads: 4,
            mlp_ratio: 3,
            dropout: 0.25,
            positions: "learned".to_owned(),
            pool: "mean".to_owned(),
        };
        assert_eq!(read, expected);
        let mut part = answer([0, 0]);
        part.remove("dropout");
        assert!(VitSizes::of_answer(&part).is_err());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let fault = |change: fn(&mut VitSizes)| {
            let mut sizes = VitSizes::notebook();
            change(&mut sizes);
            sizes.fault(28, 10).unwrap_or_default()
        };
        assert_eq!(fault(|_| ()), "");
        assert!(fault(|sizes| sizes.image = 224).contains("224 px"));
        assert!(fault(|sizes| sizes.classes = 1000).contains("1000 classes"));
        assert!(fault(|sizes| sizes.patch = 5).contains("patches of 5 px"));
        assert!(fault(|sizes| sizes.heads = 3).contains("3 heads"));
        assert!(fault(|sizes| sizes.dropout = 1.0).contains("dropout of 1"));
    }
}
