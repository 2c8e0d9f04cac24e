//! The teacher, given whole: a small convolutional network, and all that a Vision Transformer is not.
//!
//! ```text
//! images                                                   [B, C, H, W]
//! 3 × 3 convolution, norm, ReLU      each pixel            [B, 32, H, W]
//! 3 × 3 convolution, norm, ReLU      every second pixel    [B, 64, H/2, W/2]
//! 3 × 3 convolution, norm, ReLU      every second again    [B, 128, H/4, W/4]
//! mean over the pixels, map                                [B, K]
//! ```
//!
//! The convolutions have three things built in: near pixels belong together, a stroke is the same stroke wherever it
//! is, and for the answer it does not matter where it was. A Vision Transformer must learn all three.
//!
//! Shapes: B batch, C channels, H W image, K classes. Halves are rounded up.

use tch::{Tensor, nn};

/// Channels behind each stage.
const WIDTHS: [i64; 3] = [32, 64, 128];

/// A convolutional network that a DeiT can learn from.
///
/// | variable | shape |
/// |---|---|
/// | `stages.<s>.conv.weight`, for s = 0, 1, 2 | \[channels behind it, channels before it, 3, 3\] |
/// | `stages.<s>.norm.weight`, `.bias`, `.running_mean`, `.running_var` | \[channels behind it\] |
/// | `head.weight`, `head.bias` | \[K, 128\], \[K\] |
///
/// Source: the three stages are those of any such network since Simonyan & Zisserman 2015, arXiv:1409.1556, with the norms
/// of Ioffe & Szegedy 2015, arXiv:1502.03167, and the mean over pixels of Lin et al. 2014, arXiv:1312.4400.
#[derive(Debug)]
pub struct Teacher {
    stages: Vec<Stage>,
    head: nn::Linear,
}

/// A convolution, its norm, and ReLU.
#[derive(Debug)]
struct Stage {
    conv: nn::Conv2D,
    norm: nn::BatchNorm,
}

impl Teacher {
    /// Makes all parts below `vs`, for images of any size with `channels` channels, and `classes` classes.
    ///
    /// Convolutions start as He et al. 2015, arXiv:1502.01852, have it for ReLU, norms with weights of 1, the head as
    /// PyTorch's linear maps do.
    pub fn new(vs: &nn::Path<'_>, channels: i64, classes: i64) -> Self {
        let inputs = [channels, WIDTHS[0], WIDTHS[1]];
        let stages = inputs.into_iter().zip(WIDTHS).enumerate();
        let stages = stages.map(|(s, (inputs, outputs))| {
            let stride = if s == 0 { 1 } else { 2 };
            Stage::new(&(vs / "stages" / s), inputs, outputs, stride)
        });
        let bound = 1.0 / (WIDTHS[2] as f64).sqrt();
        let as_pytorch = nn::LinearConfig {
            ws_init: nn::Init::Uniform {
                lo: -bound,
                up: bound,
            },
            ..Default::default()
        };
        Self {
            stages: stages.collect(),
            head: nn::linear(vs / "head", WIDTHS[2], classes, as_pytorch),
        }
    }

    /// Images, \[B, C, H, W\], to logits, \[B, K\].
    ///
    /// If `train` is true, the norms use mean and variance of this batch and update their running ones; else they use
    /// the running ones, so that each image is on its own. A teacher at work does not train.
    pub fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        let through = |x: Tensor, stage: &Stage| stage.forward_t(&x, train);
        let features = self.stages.iter().fold(images.shallow_clone(), through); // [B, 128, H/4, W/4]
        let seen = features.mean_dim([2, 3].as_slice(), false, features.kind()); // [B, 128]
        seen.apply(&self.head) // [B, K]
    }
}

impl Stage {
    fn new(vs: &nn::Path<'_>, inputs: i64, outputs: i64, stride: i64) -> Self {
        let around = nn::ConvConfig {
            stride,
            padding: 1,
            bias: false, // the norm behind it has one
            ..Default::default()
        };
        let from_one = nn::BatchNormConfig {
            ws_init: nn::Init::Const(1.0),
            ..Default::default()
        };
        Self {
            conv: nn::conv2d(vs / "conv", inputs, outputs, 3, around),
            norm: nn::batch_norm2d(vs / "norm", outputs, from_one),
        }
    }

    fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        x.apply(&self.conv).apply_t(&self.norm, train).relu() // [B, outputs, H/stride, W/stride]
    }
}
