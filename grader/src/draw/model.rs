//! A trained Vision Transformer from a file: weights by timm's names, and its sizes.

use crate::train::checkpoint::ADAMW;
use crate::weights::fit::{self, DIST_TOKEN};
use crate::weights::{self, names::not_timms};
use anyhow::{Context, Result, anyhow, bail};
use hints::WithHint;
use ndarray::{Array, Array1, Array2, Array3, Axis, Dimension, Ix1, Ix2, Ix3, Ix4};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use wire::{Dtype, Frame, FrameLimits, RawTensor, Tensors, WireError, printable};

/// The largest side of an image, and the most blocks, that a file may name.
const LARGEST: usize = 1024;
const MOST: usize = 256;
/// Each place is compared with each other: 6,400 patches make 41 million numbers.
const MOST_A_SIDE: usize = 80;
const MOST_CHANNELS: usize = 16;

/// The names of a Vision Transformer's weights, outside of its blocks and within one.
const OUTSIDE: [&str; 11] = [
    "cls_token",
    "dist_token",
    "pos_embed",
    "patch_embed.proj.weight",
    "patch_embed.proj.bias",
    "norm.weight",
    "norm.bias",
    "head.weight",
    "head.bias",
    "head_dist.weight",
    "head_dist.bias",
];
const WITHIN: [&str; 12] = [
    "norm1.weight",
    "norm1.bias",
    "attn.qkv.weight",
    "attn.qkv.bias",
    "attn.proj.weight",
    "attn.proj.bias",
    "norm2.weight",
    "norm2.bias",
    "mlp.fc1.weight",
    "mlp.fc1.bias",
    "mlp.fc2.weight",
    "mlp.fc2.bias",
];

/// Leaves out weights between the last norm and the classifier that no picture shows; returns the first name, if there is
/// one, of a weight that changes what is drawn and that no model of the course has.
fn leave_out_the_unused(weights: &mut Tensors) -> Option<String> {
    weights.retain(|name, _| !name.starts_with("pre_logits."));
    // timm's name of the last norm where the mean is read.
    for part in ["weight", "bias"] {
        if let Some(norm) = weights.remove(&format!("fc_norm.{part}")) {
            weights.entry(format!("norm.{part}")).or_insert(norm);
        }
    }
    let is_known = |name: &str| {
        let of_block = name
            .strip_prefix("blocks.")
            .and_then(|rest| rest.split_once('.'));
        OUTSIDE.contains(&name) || of_block.is_some_and(|(_, part)| WITHIN.contains(&part))
    };
    weights.keys().find(|name| !is_known(name)).cloned()
}

/// Gives a model without classifiers, as timm has it with `num_classes=0`, some that say nothing: pictures show what comes
/// before them.
fn add_missing_heads(weights: &mut Tensors) {
    let heads = ["head", "head_dist"].into_iter();
    let heads = heads.filter(|head| *head == "head" || weights.contains_key(DIST_TOKEN));
    let lacking = |head: &&str| !weights.contains_key(&format!("{head}.weight"));
    let lacking: Vec<_> = heads.filter(lacking).collect();
    // Sizes that some numbers have: an axis of any size is said at no cost where another is empty.
    let shape = |name: &str| {
        let tensor = weights.get(name).filter(|it| !it.bytes().is_empty());
        tensor.map(|it| it.shape().to_vec())
    };
    let Some(&[dim, ..]) = shape("patch_embed.proj.weight").as_deref() else {
        return;
    };
    let classes = match shape("head.weight").as_deref() {
        Some(&[classes, of]) if of == dim => classes,
        _ => 1,
    };
    for head in lacking {
        let weight = RawTensor::from(&Array2::<f32>::zeros((classes, dim)));
        let bias = RawTensor::from(&Array1::<f32>::zeros(classes));
        weights.insert(format!("{head}.weight"), weight);
        weights.insert(format!("{head}.bias"), bias);
    }
}

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
        let most = FrameLimits::default();
        // In f64 they take twice as much as they do here.
        let limits = FrameLimits {
            frame: 2 * most.frame,
            ..most
        };
        let too_large = || {
            anyhow!(
                "{shown} is larger than the {} MiB that a worker takes: a ViT-Tiny fits, a ViT-Small in f32 does not",
                most.frame >> 20
            )
        };
        let frame = weights::read(path, &limits);
        let Frame { metadata, tensors } = frame.map_err(|error| match error.downcast_ref() {
            Some(WireError::Limit { what: "bytes", .. }) => too_large(),
            _ => error,
        })?;
        // A checkpoint that training goes on from holds the optimiser's state as well.
        let is_weight = |name: &str| !name.starts_with(ADAMW);
        let tensors = tensors.into_iter().filter(|(name, _)| is_weight(name));
        let mut tensors = weights::without_wrappers(tensors.collect(), |_| true);
        weights::convert(&mut tensors, Dtype::F32, |_| true);
        if tensors.values().map(|it| it.bytes().len()).sum::<usize>() > most.frame {
            return Err(too_large());
        }
        let not_timms = not_timms(&tensors);
        let unknown = leave_out_the_unused(&mut tensors);
        add_missing_heads(&mut tensors);
        let model = Self::of(Frame { metadata, tensors });
        let model = model.and_then(|model| match unknown {
            None => Ok(model),
            Some(name) => Err(anyhow!(
                "its {} is of a part that the course's models do not have",
                printable(&name)
            )),
        });
        let mut model = model
            .with_context(|| format!("{shown} is not a Vision Transformer"))
            .with_hint(|_| not_timms)?;
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
        let Frame {
            metadata,
            tensors: weights,
        } = frame;
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
        let prefix = fit::tokens_in_front(&weights);
        let positions = fit::positions(&weights);
        let grid = positions.and_then(|tokens| fit::grid(tokens, prefix));
        if let (Some(tokens), None) = (positions, grid) {
            bail!(
                "its pos_embed holds {tokens} tokens: without the {prefix} in front, these are no square grid of patches"
            );
        }
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
        let sizes = [("image", image), ("patch", patch)];
        let sizes = sizes.map(|(name, size)| (name.to_owned(), size.to_string()));
        fit::check(&weights, &sizes.into(), prefix)?;
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

    /// The model of a file with these tensors.
    fn opened(frame: &Frame) -> Result<Model> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("vit.safetensors");
        fs::write(&path, frame.encode()?)?;
        Model::open(&path)
    }

    fn changed(change: impl FnOnce(&mut Tensors)) -> Frame {
        let mut frame = small();
        change(&mut frame.tensors);
        frame
    }

    #[test]
    fn a_file_is_taken_as_people_have_it() {
        let plain = opened(&small()).expect("a model");
        let in_f64 = changed(|tensors| {
            weights::convert(tensors, Dtype::F64, |_| true);
        });
        assert_eq!(opened(&in_f64).expect("f64").weights, plain.weights);
        let wrapped = changed(|tensors| {
            let inner = std::mem::take(tensors).into_iter();
            let inner = inner.map(|(name, tensor)| (format!("module._orig_mod.{name}"), tensor));
            tensors.extend(inner);
        });
        assert_eq!(opened(&wrapped).expect("wrapped").weights, plain.weights);
        let resumed = changed(|tensors| {
            tensors.insert("adamw.step".to_owned(), zeros(&[1]));
            tensors.insert("pre_logits.fc.weight".to_owned(), zeros(&[6, 6]));
        });
        assert_eq!(
            opened(&resumed).expect("an optimiser's").weights,
            plain.weights
        );
    }

    #[test]
    fn a_model_without_classifiers_gets_some_that_say_nothing() {
        let headless = changed(|tensors| drop(tensors.remove("head.weight")));
        let model = opened(&headless).expect("a model");
        assert_eq!(model.arguments["classes"], "1");
        assert_eq!(model.weights["head.weight"], zeros(&[1, 6]));
        assert_eq!(model.weights["head.bias"], zeros(&[1]));
        assert!(!model.weights.contains_key("head_dist.weight"));
        let deit = changed(|tensors| {
            tensors.insert("dist_token".to_owned(), zeros(&[1, 1, 6]));
            tensors.insert("pos_embed".to_owned(), zeros(&[1, 6, 6]));
        });
        let model = opened(&deit).expect("a model");
        assert_eq!(model.weights["head_dist.weight"], zeros(&[10, 6]));
        // Sizes that take no bytes are no sizes to allocate for.
        let empty = changed(|tensors| {
            tensors.remove("head.weight");
            tensors.insert(
                "patch_embed.proj.weight".to_owned(),
                zeros(&[1 << 50, 0, 4, 4]),
            );
        });
        assert!(opened(&empty).is_err());
    }

    #[test]
    fn a_part_that_the_courses_models_do_not_have_is_named() {
        let scaled = changed(|tensors| {
            tensors.insert("blocks.0.ls1.gamma".to_owned(), zeros(&[6]));
        });
        let error = opened(&scaled).expect_err("another model");
        let expected = "its blocks.0.ls1.gamma is of a part that the course's models do not have";
        assert_eq!(error.root_cause().to_string(), expected);
        let foreign = changed(|tensors| {
            tensors.clear();
            tensors.insert(
                "embeddings.patch_embeddings.projection.weight".to_owned(),
                zeros(&[6]),
            );
        });
        let error = opened(&foreign).expect_err("other names");
        assert!(
            hints::hints(&error)[0].contains("transformers"),
            "{error:#}"
        );
    }

    #[test]
    fn positions_decide_how_large_images_are_and_must_agree_with_what_is_said() {
        let large = |metadata: Option<&str>| {
            let mut frame = changed(|tensors| {
                tensors.insert("pos_embed".to_owned(), zeros(&[1, 1 + 9, 6]));
            });
            let image = metadata.map(|image| ("image".to_owned(), image.to_owned()));
            frame.metadata.extend(image);
            opened(&frame)
        };
        assert_eq!(large(None).expect("a model").image, 12);
        let error = large(Some("8"))
            .expect_err("of another size")
            .root_cause()
            .to_string();
        let expected = "the weights' pos_embed holds 10 tokens, as for images of 12 px, where image=8 and patch=4 make 5";
        assert_eq!(error, expected);
        let oblong = changed(|tensors| {
            tensors.insert("pos_embed".to_owned(), zeros(&[1, 1 + 6, 6]));
        });
        let error = opened(&oblong)
            .expect_err("no square")
            .root_cause()
            .to_string();
        assert!(error.contains("no square grid of patches"), "{error}");
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
