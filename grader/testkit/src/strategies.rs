//! Inputs for property tests: drawn by their sizes and a seed, so that a failure prints in one line.

use crate::uniform;
use ndarray::Array4;
use proptest::prelude::*;
use std::fmt;

/// Images and a grid that divides them.
#[derive(Clone)]
pub struct ImageBatch {
    /// Images, \[B, C, H, W\], values in [−1, 1). Oblong as often as not.
    pub images: Array4<f32>,
    /// Patches per side; divides H and W.
    pub grid: usize,
}

impl fmt::Debug for ImageBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "images {:?} on a grid of {}",
            self.images.shape(),
            self.grid
        )
    }
}

/// Batches of 1 to 3 images of 1 to 3 channels, with grids of 1 to 5 and patches of 1 to 4 pixels a side.
pub fn image_batch() -> impl Strategy<Value = ImageBatch> {
    let sizes = (
        1..=3_usize,
        1..=3_usize,
        1..=5_usize,
        1..=4_usize,
        1..=4_usize,
    );
    (sizes, any::<u32>()).prop_map(|((batch, channels, grid, rows, columns), seed)| {
        let shape = (batch, channels, grid * rows, grid * columns);
        ImageBatch {
            images: uniform(&format!("images {seed}"), shape),
            grid,
        }
    })
}

/// As [`image_batch`], of square images.
pub fn square_image_batch() -> impl Strategy<Value = ImageBatch> {
    let sizes = (1..=3_usize, 1..=3_usize, 1..=5_usize, 1..=4_usize);
    (sizes, any::<u32>()).prop_map(|((batch, channels, grid, side), seed)| {
        let shape = (batch, channels, grid * side, grid * side);
        ImageBatch {
            images: uniform(&format!("images {seed}"), shape),
            grid,
        }
    })
}

#[cfg(feature = "tch")]
pub use tokens::{TokenBatch, token_batch};

#[cfg(feature = "tch")]
mod tokens {
    use crate::tensor;
    use proptest::prelude::*;
    use std::fmt;
    use tch::{Kind, Tensor};

    /// Tokens and a number of heads that divides their dimension.
    pub struct TokenBatch {
        /// Tokens, \[B, N, D\], f32, values in [−1, 1).
        pub x: Tensor,
        /// Heads; divides D.
        pub heads: i64,
    }

    impl fmt::Debug for TokenBatch {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let heads = if self.heads == 1 { "head" } else { "heads" };
            write!(f, "tokens {:?} with {} {heads}", self.x.size(), self.heads)
        }
    }

    /// Batches of 1 to 3, with 1 to 6 tokens, 1 to 4 heads and 1 to 5 dimensions a head.
    pub fn token_batch() -> impl Strategy<Value = TokenBatch> {
        let sizes = (1..=3_i64, 1..=6_i64, 1..=4_i64, 1..=5_i64);
        (sizes, any::<u32>()).prop_map(|((batch, tokens, heads, per_head), seed)| TokenBatch {
            x: tensor::uniform(
                &format!("tokens {seed}"),
                &[batch, tokens, heads * per_head],
                Kind::Float,
            ),
            heads,
        })
    }
}
