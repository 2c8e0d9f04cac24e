//! Written without the library's ready-made parts: patches cut out and multiplied, tokens written into their rows, both heads
//! as one batched product, and the loss from `logsumexp`, `gather` and `exp`.

pub mod teacher;

use tch::{Kind, Tensor, nn};
use vit::{INITIAL_STD, Positions, Vit, VitConfig, trunc_normal};

/// A ViT with a distillation token.
#[derive(Debug)]
pub struct Deit {
    base: Vit,
    distillation: Tensor,
    places: Tensor,
    weight: Tensor,
    bias: Tensor,
    patch: i64,
}

impl Deit {
    /// Makes all parts below `vs`.
    pub fn new(vs: &nn::Path<'_>, config: &VitConfig) -> Self {
        let width = config.dim;
        let path = vs / "head_dist";
        let mut without_places = config.clone();
        without_places.positions = Positions::Sinusoidal;
        let base = Vit::new(vs, &without_places);
        let rows = 1 + base.pos_embed.size()[1];
        Self {
            base,
            bias: path.var("bias", &[config.classes], nn::Init::Const(0.0)),
            weight: path.var_copy(
                "weight",
                &trunc_normal(&[config.classes, width], INITIAL_STD),
            ),
            places: vs.var_copy("pos_embed", &trunc_normal(&[1, rows, width], INITIAL_STD)),
            distillation: vs.var_copy("dist_token", &trunc_normal(&[1, 1, width], INITIAL_STD)),
            patch: config.patch,
        }
    }

    /// The logits of both tokens, with dropout.
    pub fn forward_train(&self, images: &Tensor) -> (Tensor, Tensor) {
        let both = self.both(images, true);
        (both.get(0), both.get(1))
    }

    /// The mean of both tokens' logits.
    pub fn forward_eval(&self, images: &Tensor) -> Tensor {
        let both = self.both(images, false);
        both.mean_dim(0, false, both.kind()) // [B, K]
    }

    /// The weights of each head in each block.
    pub fn attentions(&self, images: &Tensor) -> Vec<Tensor> {
        let (mut seen, mut maps) = (self.first(images, false), vec![]);
        for block in &self.base.blocks {
            let (next, map) = block.attend(&seen);
            maps.push(map);
            seen = next;
        }
        maps
    }

    fn both(&self, images: &Tensor, train: bool) -> Tensor {
        let blocks = self.base.blocks.iter();
        let last = blocks.fold(self.first(images, train), |x, block| {
            block.forward_t(&x, train)
        });
        let two = last.narrow(1, 0, 2).apply(&self.base.norm).transpose(0, 1); // [2, B, D]
        let head = &self.base.head;
        let weights = Tensor::stack(&[&head.ws, &self.weight], 0).transpose(1, 2); // [2, D, K]
        let biases = Tensor::stack(&[head.bs.as_ref().unwrap_or(&self.bias), &self.bias], 0); // [2, K]
        two.bmm(&weights) + biases.unsqueeze(1) // [2, B, K]
    }

    fn first(&self, images: &Tensor, train: bool) -> Tensor {
        let conv = &self.base.patch_embed;
        let pieces = images
            .unfold(2, self.patch, self.patch)
            .unfold(3, self.patch, self.patch); // [B, C, G, G, P, P]
        let pieces = pieces
            .permute([0, 2, 3, 1, 4, 5])
            .flatten(3, 5)
            .flatten(1, 2); // [B, N, C·P·P]
        let mut patches = pieces.matmul(&conv.ws.flatten(1, 3).tr()); // [B, N, D]
        if let Some(bias) = &conv.bs {
            patches = patches + bias;
        }
        let ones = Tensor::ones([images.size()[0], 1, 1], (images.kind(), images.device()));
        let class = &ones * &self.base.cls_token; // [B, 1, D]
        let distillation = ones * &self.distillation; // [B, 1, D]
        let heads = Tensor::cat(&[class, distillation], 1); // [B, 2, D]
        (Tensor::cat(&[heads, patches], 1) + &self.places).dropout(self.base.dropout, train)
    }
}

/// The kind of distillation: what a student takes from its teacher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distillation {
    /// All of it.
    Soft {
        /// T.
        temperature: f64,
        /// The labels' part.
        alpha: f64,
    },
    /// Its decision.
    Hard,
}

/// The loss of a batch.
///
/// # Panics
/// Panics if shapes differ.
pub fn distillation_loss(
    class_logits: &Tensor,
    dist_logits: &Tensor,
    teacher_logits: &Tensor,
    labels: &Tensor,
    distillation: Distillation,
) -> Tensor {
    let shape = class_logits.size();
    assert!(
        shape == dist_logits.size() && shape == teacher_logits.size(),
        "logits of {shape:?}, {:?} and {:?}",
        dist_logits.size(),
        teacher_logits.size()
    );
    let kind = class_logits.kind();
    let surprise = |logits: &Tensor, at: &Tensor| {
        let chosen = logits.gather(1, &at.unsqueeze(1), false).squeeze_dim(1);
        (logits.logsumexp([1].as_slice(), false) - chosen).mean(kind)
    };
    let hard = surprise(class_logits, labels);
    let (t, alpha) = match distillation {
        Distillation::Hard => {
            let (_, decision) = teacher_logits.max_dim(1, false);
            return 0.5 * hard + 0.5 * surprise(dist_logits, &decision);
        }
        Distillation::Soft { temperature, alpha } => (temperature, alpha),
    };
    let log = |logits: Tensor| {
        let cooled = logits / t;
        &cooled - cooled.logsumexp([1].as_slice(), true)
    };
    let teacher = log(teacher_logits.detach());
    let gap = &teacher - log(dist_logits.shallow_clone());
    let each = (teacher.exp() * gap).sum_dim_intlist([1].as_slice(), false, None::<Kind>); // [B]
    alpha * hard + (1.0 - alpha) * t * t * each.mean(kind)
}
