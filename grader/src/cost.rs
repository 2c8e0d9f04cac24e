//! The cost of a Vision Transformer for each patch size: tokens, parameters, FLOPs, memory.

use crate::train::sizes::VitSizes;
use anyhow::{Result, bail};

/// The cost of one patch size. An operation is a multiplication or an addition, so that a multiply-add is two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Side of the patches, in pixels.
    pub patch: i64,
    /// Patches and the class token: T.
    pub tokens: u64,
    /// All numbers that are learnt.
    pub parameters: u128,
    /// QKᵀ and AV of all blocks: L · 4·T²·D.
    pub attention_flops: u128,
    /// All products of matrices. Norms, softmax and activations are not counted, as usual.
    pub flops: u128,
    /// Bytes of one block's attention weights, for one image: h · T² · 4.
    pub attention_bytes: u128,
}

/// The most that a size may be.
const LARGEST: i64 = 16_384;

impl VitSizes {
    /// Checks the sizes that [`cost`](Self::cost) counts with, but for the patches'.
    ///
    /// # Errors
    /// Returns an error if a size is not one of a Vision Transformer, which names it and what it may be.
    pub fn check(&self) -> Result<()> {
        let named = [
            ("--image-size", self.image),
            ("--channels", self.channels),
            ("--dim", self.dim),
            ("--depth", self.depth),
            ("--heads", self.heads),
            ("--mlp-ratio", self.mlp_ratio),
            ("--classes", self.classes),
        ];
        for (name, size) in named {
            if !(1..=LARGEST).contains(&size) {
                bail!("{name} is {size}: it may be 1 to {LARGEST}");
            }
        }
        if self.dim % self.heads != 0 {
            bail!("--heads {} does not divide --dim {}", self.heads, self.dim);
        }
        Ok(())
    }

    /// The sides of patches that divide the image's, but for 1.
    pub fn patches(&self) -> Vec<i64> {
        (2..=self.image)
            .filter(|patch| self.image % patch == 0)
            .collect()
    }

    /// The cost of a model of these sizes, which [`check`](Self::check) accepts.
    ///
    /// # Errors
    /// Returns an error if the patches do not divide the image.
    pub fn cost(&self) -> Result<Cost> {
        let patch = self.patch;
        if patch < 1 || self.image % patch != 0 {
            bail!(
                "--patch-size {patch} does not divide --image-size {}",
                self.image
            );
        }
        let wide = |size: i64| u128::from(size.unsigned_abs());
        let grid = (self.image / patch).unsigned_abs();
        let tokens = grid * grid + 1;
        let t = u128::from(tokens);
        let [d, channels, p, heads] = [self.dim, self.channels, patch, self.heads].map(wide);
        let [depth, ratio, classes] = [self.depth, self.mlp_ratio, self.classes].map(wide);
        let norm = 2 * d;
        let attention = (d + 1) * 3 * d + (d + 1) * d;
        let mlp = (d + 1) * ratio * d + (ratio * d + 1) * d;
        let embedding = (channels * p * p + 1) * d + d + t * d; // patches, class token, positions
        let head = (d + 1) * classes;
        // Two for each multiply-add: q, k, v and the output; the MLP.
        let maps = 2 * t * d * d * (4 + 2 * ratio);
        let attention_flops = depth * 4 * t * t * d;
        Ok(Cost {
            patch,
            tokens,
            parameters: embedding + depth * (2 * norm + attention + mlp) + norm + head,
            attention_flops,
            flops: 2 * (t - 1) * channels * p * p * d
                + depth * maps
                + attention_flops
                + 2 * d * classes,
            attention_bytes: heads * t * t * 4,
        })
    }
}

impl Cost {
    /// The number of images timed beside the first one: many for a small model, so that the time can be measured.
    pub fn more_images(&self) -> u64 {
        const WORTHWHILE: u128 = 4_000_000_000;
        (WORTHWHILE / self.flops.max(1)).min(64) as u64
    }

    /// The reason why no worker is to run it, if there is one.
    pub fn hindrance(&self) -> Option<String> {
        /// The part of the 2 GiB that a worker may take (`worker::profiles`) which is left for attention: logits,
        /// weights and a softmax's temporaries, three arrays of the same size.
        const MEMORY: u128 = 3 << 29;
        /// The part of the 64 MiB of a request (`wire::FrameLimits`) which is left for weights.
        const REQUEST: u128 = 60 << 20;
        /// The FLOPs that take a core minutes.
        const FLOPS: u128 = 500_000_000_000;
        let memory = 3 * self.attention_bytes;
        let weights = 4 * self.parameters;
        if memory > MEMORY {
            Some(format!("would take {} of memory", bytes(memory)))
        } else if weights > REQUEST {
            Some(format!(
                "its {} of weights are too many to send",
                bytes(weights)
            ))
        } else if self.flops > FLOPS {
            Some("would take minutes".to_owned())
        } else {
            None
        }
    }
}

/// A count in words: 1.26 G.
pub fn count(number: u128) -> String {
    scaled(
        number as f64,
        1000.0,
        &["", " k", " M", " G", " T", " P", " E"],
    )
}

/// A number of bytes in words: 1.8 GiB.
pub fn bytes(number: u128) -> String {
    scaled(
        number as f64,
        1024.0,
        &[" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"],
    )
}

fn scaled(mut number: f64, step: f64, units: &[&str]) -> String {
    let mut units = units.iter().peekable();
    let mut unit = "";
    while let Some(next) = units.next() {
        unit = next;
        // 999.6 is 1.00 of the next.
        if number < step - 0.5 || units.peek().is_none() {
            break;
        }
        number /= step;
    }
    if number.fract() == 0.0 && number < step && unit.trim().len() < 2 && !unit.starts_with(' ') {
        return format!("{number}{unit}");
    }
    let decimals = match number {
        number if number >= 99.95 => 0,
        number if number >= 9.995 => 1,
        _ => 2,
    };
    format!("{number:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ViT-Tiny.
    fn tiny() -> VitSizes {
        VitSizes {
            image: 224,
            patch: 16,
            channels: 3,
            classes: 1000,
            dim: 192,
            depth: 12,
            heads: 3,
            mlp_ratio: 4,
            dropout: 0.0,
            positions: "learned".to_owned(),
            pool: "cls".to_owned(),
        }
    }

    /// ViT-Base.
    fn base() -> VitSizes {
        VitSizes {
            dim: 768,
            heads: 12,
            ..tiny()
        }
    }

    fn cost(sizes: VitSizes, patch: i64) -> Cost {
        let sizes = VitSizes { patch, ..sizes };
        sizes.cost().expect("it divides")
    }

    #[test]
    fn parameters_are_those_of_timm() {
        // sum(p.numel() for p in timm.create_model(…).parameters()), timm 1.0
        assert_eq!(cost(tiny(), 16).parameters, 5_717_416);
        let small = VitSizes {
            dim: 384,
            heads: 6,
            ..tiny()
        };
        assert_eq!(cost(small.clone(), 16).parameters, 22_050_664);
        assert_eq!(cost(small, 32).parameters, 22_878_952);
        assert_eq!(cost(base(), 16).parameters, 86_567_656);
    }

    #[test]
    fn operations_are_those_that_matrices_take() {
        // For 197 tokens of 192, by hand, in multiply-adds: 12 blocks of 197·192²·12 and 2·197²·192; 196·768·192 for
        // the patches, and 192·1000.
        let by_hand = 12 * (197 * 192 * 192 * 12 + 2 * 197 * 197 * 192) + 196 * 768 * 192 + 192_000;
        let cost = cost(tiny(), 16);
        assert_eq!(cost.flops, 2 * by_hand);
        // DeiT-Ti's 1.3 G (Touvron et al. 2021) count a multiply-add as one.
        assert_eq!(count(cost.flops / 2), "1.25 G");
        assert_eq!(cost.attention_flops, 12 * 4 * 197 * 197 * 192);
        assert_eq!(cost.tokens, 197);
    }

    #[test]
    fn all_sides_that_divide_are_taken() {
        assert_eq!(tiny().patches(), [2, 4, 7, 8, 14, 16, 28, 32, 56, 112, 224]);
        let error = |patch| VitSizes { patch, ..tiny() }.cost().err();
        assert_eq!(
            error(15).map(|error| error.to_string()).as_deref(),
            Some("--patch-size 15 does not divide --image-size 224")
        );
        assert!(error(0).is_some());
        assert!(error(-16).is_some());
    }

    #[test]
    fn what_would_take_too_much_is_not_run() {
        let hindrance = |sizes: VitSizes, patch| cost(sizes, patch).hindrance();
        assert_eq!(hindrance(tiny(), 16), None);
        // 12,545 tokens: three times 3 · 12,545² · 4 bytes.
        assert_eq!(
            hindrance(tiny(), 2).as_deref(),
            Some("would take 5.28 GiB of memory")
        );
        let deep = VitSizes {
            depth: 120,
            dim: 96,
            heads: 1,
            ..tiny()
        };
        assert_eq!(hindrance(deep, 4).as_deref(), Some("would take minutes"));
        assert_eq!(
            hindrance(base(), 16).as_deref(),
            Some("its 330 MiB of weights are too many to send")
        );
    }

    #[test]
    fn sizes_that_are_none_are_named() {
        let said = |sizes: VitSizes| sizes.check().expect_err("a wrong size").to_string();
        assert_eq!(
            said(VitSizes { heads: 5, ..tiny() }),
            "--heads 5 does not divide --dim 192"
        );
        assert_eq!(
            said(VitSizes { depth: 0, ..tiny() }),
            "--depth is 0: it may be 1 to 16384"
        );
        assert_eq!(
            said(VitSizes {
                image: 1 << 40,
                ..tiny()
            }),
            "--image-size is 1099511627776: it may be 1 to 16384"
        );
        let largest = VitSizes {
            image: LARGEST,
            patch: 2,
            channels: LARGEST,
            dim: LARGEST,
            depth: LARGEST,
            heads: LARGEST,
            mlp_ratio: LARGEST,
            classes: LARGEST,
            ..tiny()
        };
        largest.check().expect("as large as may be");
        let cost = largest.cost().expect("counts that fit");
        assert!(cost.flops > u128::from(u64::MAX));
    }

    #[test]
    fn numbers_are_short() {
        let counts = [0, 7, 999, 1_000, 12_345, 999_700, 1_250_000_000];
        assert_eq!(
            counts.map(count),
            ["0", "7", "999", "1.00 k", "12.3 k", "1.00 M", "1.25 G"]
        );
        assert_eq!(
            [512, 1024, 3 << 29].map(bytes),
            ["512 B", "1.00 KiB", "1.50 GiB"]
        );
    }
}
