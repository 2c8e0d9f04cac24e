//! The Vision Transformer: an image becomes a sentence of patches, with one word more that nobody wrote.
//! That word, the class token, goes through all blocks with the others, and says in the end what it has seen.
//!
//! ```text
//! x = [class token; patches · E] + positions        [B, N+1, D]
//! x = block(x), L times
//! y = head(norm(x)[class token])                    [B, K]
//! ```
//!
//! Shapes: B batch, C channels, P patch side, N patches, D embedding dimension, h heads, L blocks, K classes, r·D
//! hidden units of the MLPs.
//!
//! Sources: Dosovitskiy et al. 2021, arXiv:2010.11929, equations 1 to 4 and table 1;
//! Touvron et al. 2021, arXiv:2012.12877, table 1, for the two small ones; Loshchilov & Hutter 2017, arXiv:1608.03983.

use blocks::{Block, EPSILON};
use std::f64::consts::PI;
use tch::nn::OptimizerConfig;
use tch::{Device, Kind, Tensor, nn, no_grad};

/// The standard deviation that a Vision Transformer's first weights are drawn with; see [`trunc_normal`].
///
/// Source: DeiT's code, and timm's, for linear layers, positions and class token; to draw the convolution's weights in
/// the same way is this course's choice. The ViT paper's code initialises differently (Glorot's uniform weights, and a
/// head of zeros).
pub const INITIAL_STD: f64 = 0.02;

/// The kind of positions: how a token knows where in the image it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// A variable, `pos_embed`, that is trained like all others.
    Learned,
    /// The fixed table of exercise 02, row 0 for the class token: no variable.
    Sinusoidal,
}

/// The features that the classifier reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The class token.
    Cls,
    /// The mean of the patches' tokens, without the class token.
    Mean,
}

/// The sizes and choices that make a Vision Transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct VitConfig {
    /// Side of the square images, in pixels.
    pub image: i64,
    /// Side of the square patches, P; divides `image`.
    pub patch: i64,
    /// Channels, C: 1 for grey, 3 for colour.
    pub channels: i64,
    /// Classes, K.
    pub classes: i64,
    /// Embedding dimension, D.
    pub dim: i64,
    /// Blocks, L.
    pub depth: i64,
    /// Heads, h; divides `dim`.
    pub heads: i64,
    /// Expansion ratio of the MLPs, r: the hidden size divided by D.
    pub mlp_ratio: i64,
    /// The dropout probability, after the positions and in the blocks.
    pub dropout: f64,
    /// The kind of positions.
    pub positions: Positions,
    /// The features that the classifier reads.
    pub pool: Pool,
}

/// The usual sizes. All have learned positions, no dropout, `mlp_ratio` 4, and classify by the class token.
///
/// | | image | patch | channels | classes | dim | depth | heads |
/// |---|---|---|---|---|---|---|---|
/// | `mnist` | 28 | 7 | 1 | 10 | 64 | 6 | 4 |
/// | `tiny` | 224 | 16 | 3 | 1000 | 192 | 12 | 3 |
/// | `small` | 224 | 16 | 3 | 1000 | 384 | 12 | 6 |
/// | `base` | 224 | 16 | 3 | 1000 | 768 | 12 | 12 |
/// | `large` | 224 | 16 | 3 | 1000 | 1024 | 24 | 16 |
/// | `huge` | 224 | 14 | 3 | 1000 | 1280 | 32 | 16 |
///
/// Sources: Dosovitskiy et al. 2021, table 1; Touvron et al. 2021, table 1, for `tiny` and `small`. `mnist` is this
/// course's.
impl VitConfig {
    /// For MNIST's digits: small enough to be trained on a laptop.
    pub fn mnist() -> Self {
        Self {
            image: 28,
            patch: 7,
            channels: 1,
            classes: 10,
            ..Self::of_size(64, 6, 4)
        }
    }

    /// ViT-Ti/16.
    pub fn tiny() -> Self {
        Self::of_size(192, 12, 3)
    }

    /// ViT-S/16.
    pub fn small() -> Self {
        Self::of_size(384, 12, 6)
    }

    /// ViT-B/16.
    pub fn base() -> Self {
        Self::of_size(768, 12, 12)
    }

    /// ViT-L/16.
    pub fn large() -> Self {
        Self::of_size(1024, 24, 16)
    }

    /// ViT-H/14.
    pub fn huge() -> Self {
        Self {
            patch: 14,
            ..Self::of_size(1280, 32, 16)
        }
    }

    fn of_size(dim: i64, depth: i64, heads: i64) -> Self {
        Self {
            image: 224,
            patch: 16,
            channels: 3,
            classes: 1000,
            dim,
            depth,
            heads,
            mlp_ratio: 4,
            dropout: 0.0,
            positions: Positions::Learned,
            pool: Pool::Cls,
        }
    }

    /// N + 1: the patches and the class token.
    fn tokens(&self) -> i64 {
        assert!(
            self.patch > 0 && self.image % self.patch == 0,
            "patches of {} pixels do not divide an image of {}",
            self.patch,
            self.image
        );
        (self.image / self.patch).pow(2) + 1
    }
}

/// The number of trainable parameters of a Vision Transformer of these sizes, counted without making one.
///
/// Source: the table of variables at [`Vit`].
pub fn parameters(config: &VitConfig) -> i64 {
    let (d, r) = (config.dim, config.mlp_ratio);
    let patch_embed = (config.channels * config.patch.pow(2) + 1) * d;
    let positions = match config.positions {
        Positions::Learned => config.tokens() * d,
        Positions::Sinusoidal => 0,
    };
    let block = (4 + 2 * r) * d * d + (9 + r) * d;
    let (cls_token, norm, head) = (d, 2 * d, (d + 1) * config.classes);
    patch_embed + cls_token + positions + config.depth * block + norm + head
}

/// A Vision Transformer.
///
/// ```text
/// z₀ = [class token; x₁ E; x₂ E; …; x_N E] + positions        (1)
/// zₗ = blockₗ(zₗ₋₁)                                            (2, 3)
/// y  = norm(z_L), of which the class token goes to the head    (4)
/// ```
///
/// | variable | shape |
/// |---|---|
/// | `cls_token` | \[1, 1, D\] |
/// | `pos_embed`, where positions are learned | \[1, N+1, D\] |
/// | `patch_embed.proj.weight`, `patch_embed.proj.bias` | \[D, C, P, P\], \[D\] |
/// | `blocks.<l>.…`, for l from 0 to L−1 | those of exercise 04's `Block` |
/// | `norm.weight`, `norm.bias` | \[D\] |
/// | `head.weight`, `head.bias` | \[K, D\], \[K\] |
///
/// Names, shapes and order are those of timm's `VisionTransformer`, so its checkpoints load unchanged. Patches run row by
/// row. With [`Pool::Mean`] the norm still comes first and the mean after it, which is timm's `global_pool="avg"` with
/// `fc_norm=False`.
///
/// Source: Dosovitskiy et al. 2021, equations 1 to 4.
#[derive(Debug)]
pub struct Vit {
    /// Each patch to a token: a convolution whose stride is its size.
    pub patch_embed: nn::Conv2D,
    /// The class token, which stands before the patches' tokens.
    pub cls_token: Tensor,
    /// The positions, added to the tokens: a variable, or a fixed table.
    pub pos_embed: Tensor,
    /// The blocks, in their order.
    pub blocks: Vec<Block>,
    /// The final norm.
    pub norm: nn::LayerNorm,
    /// The classifier: D → K.
    pub head: nn::Linear,
    /// The dropout probability after the positions.
    pub dropout: f64,
    /// The features that the classifier reads.
    pub pool: Pool,
}

impl Vit {
    /// Makes all parts below `vs`.
    ///
    /// All weights, the class token and learned positions are initialised by [`trunc_normal`] with [`INITIAL_STD`], all
    /// biases with 0; norms have initial weights of 1 and biases of 0. The final norm has exercise 04's epsilon.
    ///
    /// # Panics
    /// Panics if `patch` does not divide `image` or `heads` does not divide `dim`, naming both numbers.
    pub fn new(vs: &nn::Path<'_>, config: &VitConfig) -> Self {
        let &VitConfig { patch, dim, .. } = config;
        let places = [1, config.tokens(), dim];
        let stride = nn::ConvConfig {
            stride: patch,
            ..Default::default()
        };
        let epsilon = nn::LayerNormConfig {
            eps: EPSILON,
            ..Default::default()
        };
        let block = |l| {
            let block = Block::new(&(vs / "blocks" / l), dim, config.heads, config.mlp_ratio);
            block.with_dropout(config.dropout, 0.0)
        };
        let mut vit = Self {
            patch_embed: nn::conv2d(
                vs / "patch_embed" / "proj",
                config.channels,
                dim,
                patch,
                stride,
            ),
            cls_token: vs.var_copy("cls_token", &trunc_normal(&[1, 1, dim], INITIAL_STD)),
            pos_embed: match config.positions {
                Positions::Learned => vs.var_copy("pos_embed", &trunc_normal(&places, INITIAL_STD)),
                Positions::Sinusoidal => sinusoidal(places).to_device(vs.device()),
            },
            blocks: (0..config.depth).map(block).collect(),
            norm: nn::layer_norm(vs / "norm", vec![dim], epsilon),
            head: nn::linear(vs / "head", dim, config.classes, Default::default()),
            dropout: config.dropout,
            pool: config.pool,
        };
        vit.draw_maps();
        vit
    }

    /// Gives all maps their first weights and biases.
    fn draw_maps(&mut self) {
        draw(&mut self.patch_embed.ws, &mut self.patch_embed.bs);
        draw(&mut self.head.ws, &mut self.head.bs);
        for Block { attn, mlp, .. } in &mut self.blocks {
            for map in [&mut attn.qkv, &mut attn.proj, &mut mlp.fc1, &mut mlp.fc2] {
                draw(&mut map.ws, &mut map.bs);
            }
        }
    }

    /// Images, \[B, C, H, W\], to tokens behind the last norm, \[B, N+1, D\], the class token first; with dropout where
    /// `train` is true.
    pub fn forward_features(&self, images: &Tensor, train: bool) -> Tensor {
        let tokens = self.embed(images, train);
        let through = |x: Tensor, block: &Block| block.forward_t(&x, train);
        self.blocks.iter().fold(tokens, through).apply(&self.norm)
    }

    /// Images, \[B, C, H, W\], to logits, \[B, K\]; with dropout where `train` is true.
    pub fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        let features = self.forward_features(images, train); // [B, N+1, D]
        let pooled = match self.pool {
            Pool::Cls => features.select(1, 0),
            Pool::Mean => features
                .slice(1, 1, None, 1)
                .mean_dim(1, false, features.kind()),
        }; // [B, D]
        pooled.apply(&self.head) // [B, K]
    }

    /// The weights of each head in each block, in evaluation: \[B, C, H, W\] → L times \[B, h, N+1, N+1\].
    pub fn attentions(&self, images: &Tensor) -> Vec<Tensor> {
        let mut x = self.embed(images, false);
        let attend = |block: &Block| {
            let (next, weights) = block.attend(&x);
            x = next;
            weights
        };
        self.blocks.iter().map(attend).collect()
    }

    /// Images to the tokens that the first block gets: equation 1.
    fn embed(&self, images: &Tensor, train: bool) -> Tensor {
        let patches = images.apply(&self.patch_embed); // [B, D, G, G]
        let patches = patches.flatten(2, 3).transpose(1, 2); // [B, N, D]
        let cls_token = self.cls_token.expand([images.size()[0], -1, -1], false); // [B, 1, D]
        let tokens = Tensor::cat(&[cls_token, patches], 1); // [B, N+1, D]
        let positions = self.pos_embed.to_device(tokens.device()); // a fixed table stays where it was made
        (&tokens + positions.to_kind(tokens.kind())).dropout(self.dropout, train)
    }
}

/// Draws f32 numbers from a normal distribution of mean 0 that is truncated at two standard deviations: values beyond
/// are drawn again, so that nothing piles up at the ends.
///
/// `std` is the standard deviation before truncation; afterwards it is 0.88 times that.
///
/// ```text
/// x = √2 · std · erf⁻¹(u)        u uniform in ±erf(√2)
/// ```
pub fn trunc_normal(shape: &[i64], std: f64) -> Tensor {
    let inside = Tensor::from(2_f64.sqrt()).erf().double_value(&[]); // the share within two deviations, 0.954
    let mut drawn = Tensor::empty(shape, (Kind::Float, Device::Cpu)).uniform_(-inside, inside);
    (drawn.erfinv_() * (2_f64.sqrt() * std)).clamp(-2.0 * std, 2.0 * std) // the clamp is for roundings
}

/// The learning rate of a step: first up in a straight line, then down along half a cosine, then `min` for good.
///
/// | step | rate |
/// |---|---|
/// | 0 | 0, or `base` where there is no warm-up |
/// | from 0 to `warmup` | base · step / warmup |
/// | `warmup` | `base` |
/// | from `warmup` to `total` | min + (base − min) · ½ · (1 + cos(π · (step − warmup) / (total − warmup))) |
/// | half way between these | half way between `base` and `min` |
/// | `total` and after | `min` |
///
/// Source: Loshchilov & Hutter 2017, equation 5, for the cosine.
pub fn warmup_cosine(step: i64, warmup: i64, total: i64, base: f64, min: f64) -> f64 {
    if step < warmup {
        return base * step as f64 / warmup as f64;
    }
    if step >= total {
        return min;
    }
    let progress = (step - warmup) as f64 / (total - warmup) as f64;
    min + (base - min) * 0.5 * (1.0 + (PI * progress).cos())
}

/// The share of rows whose largest logit is the label's, from 0 to 1: logits \[B, K\], labels \[B\] of type i64.
pub fn accuracy(logits: &Tensor, labels: &Tensor) -> f64 {
    let right = logits.argmax(-1, false).eq_tensor(labels); // [B]
    right
        .to_kind(Kind::Double)
        .mean(Kind::Double)
        .double_value(&[])
}

/// Trains: one step of AdamW for each batch in turn, images \[B, C, H, W\] and labels \[B\] of type i64, with dropout. Gives
/// the loss that each step began with.
///
/// ```text
/// loss     = mean over the batch of −log softmax(logits)[label]
/// gradient = ∂loss/∂variable, of this batch alone
/// variable = AdamW(variable, gradient, rate(step))        step = 0, 1, 2, …
/// ```
///
/// AdamW has the settings that both tch and PyTorch give it: β = 0.9 and 0.999, ε = 1e-8, a weight decay of 0.01 on every
/// variable. `vs` holds the variables of `vit`.
///
/// Source: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
pub fn fit(
    vs: &nn::VarStore,
    vit: &Vit,
    batches: &[(Tensor, Tensor)],
    rate: impl Fn(i64) -> f64,
) -> Vec<f64> {
    let optimizer = nn::AdamW::default().build(vs, 0.0);
    let mut optimizer = optimizer.expect("AdamW takes any variables");
    let step = |(step, (images, labels)): (usize, &(Tensor, Tensor))| {
        let loss = cross_entropy(&vit.forward_t(images, true), labels);
        optimizer.zero_grad();
        loss.backward();
        optimizer.set_lr(rate(step as i64));
        optimizer.step();
        loss.double_value(&[])
    };
    batches.iter().enumerate().map(step).collect()
}

/// Gives a map its first weights and biases.
fn draw(weight: &mut Tensor, bias: &mut Option<Tensor>) {
    no_grad(|| {
        weight.copy_(&trunc_normal(&weight.size(), INITIAL_STD));
        if let Some(bias) = bias {
            let _ = bias.zero_();
        }
    });
}

/// Exercise 02's table, as a tensor of \[1, places, D\]: sin in even columns, cos in odd ones, a rate for each pair.
fn sinusoidal([_, places, dim]: [i64; 3]) -> Tensor {
    let count = |n: i64| Tensor::arange(n, (Kind::Double, Device::Cpu));
    let odd = count(dim).remainder(2); // 0 1 0 1 …
    let rates = ((count(dim) - &odd) * (-(1e4_f64.ln()) / dim as f64)).exp(); // [D], 1/10000^(2i/D)
    let angles = count(places).unsqueeze(1) * rates; // [N+1, D]
    let table = (angles + odd * (PI / 2.0)).sin(); // cos a = sin(a + π/2)
    table.unsqueeze(0).to_kind(Kind::Float) // [1, N+1, D]
}

/// As `cross_entropy_for_logits`, but of the logits' type: that function returns f32 for every type.
fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.log_softmax(-1, logits.kind()).nll_loss(labels)
}
