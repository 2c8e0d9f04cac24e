//! A trained Vision Transformer from a file: weights by timm's names, and its sizes.

use crate::machine::files::read_tensors;
use anyhow::{Context, Result, anyhow, bail};
use ndarray::{Array, Array2, Array3, Axis, Dimension, Ix1, Ix2, Ix3, Ix4};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use wire::{Frame, FrameLimits, RawTensor, Tensors, WireError};

/// The largest side of an image, and the most blocks, that a file may name.
const LARGEST: usize = 1024;
const MOST: usize = 256;
/// Each place is compared with each other: 6,400 patches make 41 million numbers.
const MOST_A_SIDE: usize = 80;
const MOST_CHANNELS: usize = 16;

/// A trained model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its weights, by their names.
    pub weights: Tensors,
    /// Its configuration, as requests name it.
    pub arguments: BTreeMap<String, String>,
    /// Side of its images, in pixels.
    pub image: usize,
    /// Side of its patches.
    pub patch: usize,
    /// Channels of its images.
    pub channels: usize,
    /// Embedding dimension.
    pub dim: usize,
    /// Blocks.
    pub depth: usize,
    /// Heads.
    pub heads: usize,
    /// The mean that is subtracted from pixels from 0 to 1, and the standard deviation that they are then divided by.
    pub standard: (f32, f32),
    /// Tokens before those of the patches: 1, and with a distillation token 2.
    pub prefix: usize,
    /// Whether it was trained.
    pub is_trained: bool,
    /// The table of epochs that lies beside it, if there is one.
    pub history: Option<String>,
}

impl Model {
    /// Reads a safetensors file with timm's names. Options that its metadata lacks follow from the weights' shapes, as
    /// in timm: 64 dimensions a head, learnt positions, the class token read.
    ///
    /// # Errors
    /// Returns an error if the file is not a model of that form.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let limits = FrameLimits::default();
        let frame = read_tensors(path, &limits, "not a safetensors file of f32, f64 and i64");
        let frame = frame.map_err(|error| match error.downcast_ref() {
            Some(WireError::Limit { what: "bytes", .. }) => anyhow!(
                "{shown} is larger than the {} MiB that a worker takes: a ViT-Tiny fits, a ViT-Small in f32 does not",
                limits.frame >> 20
            ),
            _ => error,
        })?;
        let mut model =
            Self::of(frame).with_context(|| format!("{shown} is no Vision Transformer"))?;
        let history = path.with_file_name("history.csv");
        // It may be missing: then there are no curves.
        let is_small = fs::metadata(&history).is_ok_and(|about| about.len() < 16 << 20);
        model.history = is_small
            .then(|| fs::read_to_string(&history).ok())
            .flatten();
        Ok(model)
    }

    /// The model of weights and metadata.
    ///
    /// # Errors
    /// Returns an error if a weight is missing or sizes do not fit together.
    pub fn of(frame: Frame) -> Result<Self> {
        let Frame { metadata, tensors } = frame;
        // A checkpoint that training goes on from holds the optimiser's state as well.
        let weights: Tensors = tensors
            .into_iter()
            .filter(|(name, _)| !name.starts_with("adamw."))
            .collect();
        let shape = |name: &str, axes: usize| {
            let tensor = weights.get(name);
            let shape = tensor
                .map(RawTensor::shape)
                .filter(|shape| shape.len() == axes);
            shape.with_context(|| format!("it has no weight {name} of {axes} axes"))
        };
        let number = |name: &str| -> Result<Option<usize>> {
            let text = metadata.get(name);
            let number = text.map(|text| {
                text.parse()
                    .with_context(|| format!("its {name} is {text:?}"))
            });
            number.transpose()
        };
        let &[dim, channels, patch, across] = shape("patch_embed.proj.weight", 4)? else {
            bail!("its patches have no height and width");
        };
        if patch != across || patch == 0 || dim == 0 {
            bail!("its patches are {patch} by {across} of {dim} dimensions");
        }
        let numbered = weights
            .keys()
            .filter_map(|name| name.strip_prefix("blocks."));
        let numbers = numbered.filter_map(|name| name.split('.').next()?.parse::<usize>().ok());
        let depth = numbers.max().map_or(0, |last| last.saturating_add(1));
        let prefix = 1 + usize::from(weights.contains_key("dist_token"));
        let positions = shape("pos_embed", 3).map(|shape| shape[1]).ok();
        let grid = positions
            .and_then(|tokens| tokens.checked_sub(prefix))
            .map(usize::isqrt);
        let image = number("image")?
            .or_else(|| patch.checked_mul(grid?))
            .context(
                "nothing says how large its images are: neither its metadata nor a pos_embed",
            )?;
        let heads = number("heads")?.unwrap_or((dim / 64).max(1));
        let classes = shape("head.weight", 2)?[0];
        let hidden = shape("blocks.0.mlp.fc1.weight", 2)?[0];
        if image == 0 || image > LARGEST || image % patch != 0 {
            bail!("images of {image} px in patches of {patch} px");
        }
        if image / patch > MOST_A_SIDE || channels > MOST_CHANNELS {
            bail!(
                "{channels} channels in a grid of {0} by {0} patches: at most {MOST_CHANNELS} and {MOST_A_SIDE} by \
                 {MOST_A_SIDE} can be drawn",
                image / patch
            );
        }
        if depth > MOST || heads == 0 || dim % heads != 0 {
            bail!("{depth} blocks of {heads} heads in {dim} dimensions");
        }
        let word = |name: &str, usual: &str| {
            let word = metadata.get(name).cloned();
            word.unwrap_or_else(|| usual.to_owned())
        };
        let usual = if positions.is_some() {
            "learned"
        } else {
            "sinusoidal"
        };
        let arguments = [
            ("image", image.to_string()),
            ("patch", patch.to_string()),
            ("channels", channels.to_string()),
            ("classes", classes.to_string()),
            ("dim", dim.to_string()),
            ("depth", depth.to_string()),
            ("heads", heads.to_string()),
            ("mlp_ratio", (hidden / dim).to_string()),
            ("dropout", "0".to_owned()),
        ];
        // A model with a token of its own for distillation has no choice of these.
        let choices = [
            ("positions", word("positions", usual)),
            ("pool", word("pool", "cls")),
        ];
        let choices = choices.into_iter().filter(|_| prefix == 1);
        let standard = |name: &str| metadata.get(name).and_then(|text| text.parse::<f32>().ok());
        let (mean, std) = (
            standard("mean").unwrap_or(0.5),
            standard("std").unwrap_or(0.5),
        );
        if !mean.is_finite() || !std.is_finite() || std <= 0.0 {
            bail!("its pixels have a mean of {mean} and a standard deviation of {std}");
        }
        let arguments = arguments.into_iter().chain(choices);
        Ok(Self {
            weights,
            arguments: arguments
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            image,
            patch,
            channels,
            dim,
            depth,
            heads,
            standard: (mean, std),
            prefix,
            is_trained: true,
            history: None,
        })
    }

    /// Patches per side.
    pub fn grid(&self) -> usize {
        self.image / self.patch
    }

    /// All tokens.
    pub fn tokens(&self) -> usize {
        self.grid().pow(2) + self.prefix
    }

    /// The image as the model takes it.
    pub fn standardised(&self, image: &Array3<f32>) -> Array3<f32> {
        let (mean, std) = self.standard;
        image.mapv(|pixel| (pixel - mean) / std)
    }

    /// A weight of so many axes.
    fn weight<D: Dimension>(&self, name: &str) -> Result<Array<f32, D>> {
        let tensor = self
            .weights
            .get(name)
            .with_context(|| format!("the model has no {name}"))?;
        let values = tensor.to_f64().into_iter().map(|value| value as f32);
        let array = Array::from_shape_vec(tensor.shape(), values.collect())?;
        let shape = array.shape().to_vec();
        array
            .into_dimensionality()
            .with_context(|| format!("the model's {name} is {shape:?}"))
    }

    /// The filters of the patch embedding: [D, C·P·P].
    ///
    /// # Errors
    /// Returns an error if the model has none.
    pub fn filters(&self) -> Result<Array2<f32>> {
        let filters: Array<f32, Ix4> = self.weight("patch_embed.proj.weight")?;
        let size = self.channels * self.patch * self.patch;
        Ok(filters.to_shape((self.dim, size))?.to_owned())
    }

    /// The position embedding of the patches' tokens: [G², D]. `None` if it is not learnt.
    ///
    /// # Errors
    /// Returns an error if it has another size.
    pub fn positions(&self) -> Result<Option<Array2<f32>>> {
        if !self.weights.contains_key("pos_embed") {
            return Ok(None);
        }
        let positions: Array<f32, Ix3> = self.weight("pos_embed")?;
        if positions.dim() != (1, self.tokens(), self.dim) {
            bail!("the model's pos_embed is {:?}", positions.shape());
        }
        let positions = positions.index_axis_move(Axis(0), 0);
        Ok(Some(
            positions
                .slice_axis(Axis(0), (self.prefix..).into())
                .to_owned(),
        ))
    }

    /// The input of the first block's attention for an image's patches, without the class token: [G², D]. The patches
    /// are embedded, with positions, and normalised by the first norm.
    ///
    /// # Errors
    /// Returns an error if a weight is missing or has another size.
    pub fn first_tokens(&self, image: &Array3<f32>) -> Result<Array2<f32>> {
        let filters = self.filters()?;
        let bias: Array<f32, Ix1> = self.weight("patch_embed.proj.bias")?;
        let scale: Array<f32, Ix1> = self.weight("blocks.0.norm1.weight")?;
        let shift: Array<f32, Ix1> = self.weight("blocks.0.norm1.bias")?;
        if [bias.len(), scale.len(), shift.len()] != [self.dim; 3] {
            bail!(
                "the model's first norm or the bias of its patches is not of {} dimensions",
                self.dim
            );
        }
        let patches = patches(&self.standardised(image), self.patch);
        let mut tokens = patches.dot(&filters.t()) + &bias; // [G², D]
        match self.positions()? {
            Some(positions) => tokens += &positions,
            None => {
                // Learnt by nobody: the class token has position 0.
                tokens += &sinusoidal(self.grid().pow(2), self.dim, self.prefix);
            }
        }
        for mut token in tokens.outer_iter_mut() {
            let mean = token.mean().unwrap_or_default();
            let variance = token
                .mapv(|value| (value - mean).powi(2))
                .mean()
                .unwrap_or_default();
            token.mapv_inplace(|value| (value - mean) / (variance + 1e-6).sqrt());
        }
        Ok(tokens * &scale + &shift)
    }

    /// The weights of the first block's attention, by the names of exercise 03.
    ///
    /// # Errors
    /// Returns an error if the model has none.
    pub fn first_attention(&self) -> Result<Tensors> {
        let first = self.weights.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix("blocks.0.attn.")?;
            Some((name.to_owned(), tensor.clone()))
        });
        let first: Tensors = first.collect();
        if first.is_empty() {
            bail!("the model has no weights blocks.0.attn.…");
        }
        let _: Array<f32, Ix2> = self.weight("blocks.0.attn.qkv.weight")?;
        Ok(first)
    }
}

/// The patches of an image, row by row, each by channel, row and column: [G², C·P·P].
pub(in crate::draw) fn patches(image: &Array3<f32>, patch: usize) -> Array2<f32> {
    let (channels, height, width) = image.dim();
    let (down, across) = (height / patch, width / patch);
    Array2::from_shape_fn(
        (down * across, channels * patch * patch),
        |(token, value)| {
            let (channel, row, column) = (
                value / (patch * patch),
                value / patch % patch,
                value % patch,
            );
            image[(
                channel,
                token / across * patch + row,
                token % across * patch + column,
            )]
        },
    )
}

/// Sinusoidal positions from `first` on (Vaswani et al. 2017, section 3.5).
fn sinusoidal(len: usize, dim: usize, first: usize) -> Array2<f32> {
    Array2::from_shape_fn((len, dim), |(position, column)| {
        let rate = 10_000_f64.powf(-((column / 2 * 2) as f64) / dim as f64);
        let angle = (first + position) as f64 * rate;
        (if column % 2 == 0 {
            angle.sin()
        } else {
            angle.cos()
        }) as f32
    })
}

#[cfg(test)]
pub(in crate::draw) mod tests {
    use super::*;
    use ndarray::{Ix, arr1, array};

    fn zeros(shape: &[Ix]) -> RawTensor {
        (&Array::<f32, _>::zeros(shape)).into()
    }

    /// A model of two blocks for images of 8 × 8 pixels in patches of 4 × 4.
    pub(in crate::draw) fn small() -> Frame {
        let named = [
            ("patch_embed.proj.weight", zeros(&[6, 1, 4, 4])),
            ("patch_embed.proj.bias", zeros(&[6])),
            ("pos_embed", zeros(&[1, 5, 6])),
            ("blocks.0.norm1.weight", (&arr1(&[1.0_f32; 6])).into()),
            ("blocks.0.norm1.bias", zeros(&[6])),
            ("blocks.0.attn.qkv.weight", zeros(&[18, 6])),
            ("blocks.1.attn.qkv.weight", zeros(&[18, 6])),
            ("blocks.0.mlp.fc1.weight", zeros(&[12, 6])),
            ("head.weight", zeros(&[10, 6])),
        ];
        let metadata = [("heads", "2"), ("mean", "0.25"), ("std", "0.5")];
        Frame {
            metadata: metadata
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into(),
            tensors: named.map(|(name, tensor)| (name.to_owned(), tensor)).into(),
        }
    }

    #[test]
    fn sizes_follow_from_weights_and_metadata() {
        let model = Model::of(small()).expect("a model");
        assert_eq!(
            (model.image, model.patch, model.depth, model.heads),
            (8, 4, 2, 2)
        );
        assert_eq!((model.grid(), model.tokens(), model.prefix), (2, 5, 1));
        assert_eq!(model.arguments["mlp_ratio"], "2");
        assert_eq!(model.arguments["positions"], "learned");
        let image = Array3::from_elem((1, 8, 8), 0.75);
        assert!(model.standardised(&image).iter().all(|&pixel| pixel == 1.0));
        assert_eq!(model.first_attention().expect("its weights").len(), 1);
    }

    #[test]
    fn a_distillation_token_is_one_more_before_the_patches() {
        let mut frame = small();
        frame
            .tensors
            .insert("dist_token".to_owned(), zeros(&[1, 1, 6]));
        frame
            .tensors
            .insert("pos_embed".to_owned(), zeros(&[1, 6, 6]));
        let model = Model::of(frame).expect("a model");
        assert_eq!((model.prefix, model.grid(), model.tokens()), (2, 2, 6));
        assert!(!model.arguments.contains_key("pool"));
    }

    #[test]
    fn what_is_no_model_is_said() {
        let said = |change: fn(&mut Frame)| {
            let mut frame = small();
            change(&mut frame);
            Model::of(frame).expect_err("no model").to_string()
        };
        let of = said(|frame| drop(frame.tensors.remove("head.weight")));
        assert_eq!(of, "it has no weight head.weight of 2 axes");
        let of = said(|frame| drop(frame.metadata.insert("heads".into(), "4".into())));
        assert_eq!(of, "2 blocks of 4 heads in 6 dimensions");
        let of = said(|frame| drop(frame.metadata.insert("image".into(), "9".into())));
        assert_eq!(of, "images of 9 px in patches of 4 px");
        let of = said(|frame| drop(frame.metadata.insert("std".into(), "0".into())));
        assert_eq!(
            of,
            "its pixels have a mean of 0.25 and a standard deviation of 0"
        );
        let of = said(|frame| {
            drop(
                frame
                    .tensors
                    .insert("blocks.18446744073709551615.x".into(), zeros(&[1])),
            )
        });
        assert_eq!(of, "18446744073709551615 blocks of 2 heads in 6 dimensions");
        let error = Model::open(Path::new("missing.safetensors")).expect_err("there is none");
        assert_eq!(error.to_string(), "missing.safetensors cannot be read");
    }

    #[test]
    fn patches_are_cut_as_a_convolution_does() {
        let image = Array3::from_shape_fn((1, 4, 4), |(_, row, column)| (10 * row + column) as f32);
        let expected = array![
            [0.0, 1.0, 10.0, 11.0],
            [2.0, 3.0, 12.0, 13.0],
            [20.0, 21.0, 30.0, 31.0],
            [22.0, 23.0, 32.0, 33.0]
        ];
        assert_eq!(patches(&image, 2), expected);
    }

    #[test]
    fn first_tokens_are_normalised() {
        let mut frame = small();
        let filters = Array::from_shape_fn((6, 1, 4, 4), |(d, _, row, column)| {
            (d * row + column) as f32
        });
        frame
            .tensors
            .insert("patch_embed.proj.weight".to_owned(), (&filters).into());
        let model = Model::of(frame).expect("a model");
        let image =
            Array3::from_shape_fn((1, 8, 8), |(_, row, column)| (row * column) as f32 / 49.0);
        let tokens = model.first_tokens(&image).expect("its weights");
        for token in tokens.outer_iter() {
            assert!(token.sum().abs() < 1e-3, "{token}");
            let variance = token.mapv(|value| value * value).sum() / 6.0;
            assert!((variance - 1.0).abs() < 1e-3, "{token}");
        }
    }
}
