//! Written with loops: each image goes through the model alone, each row through the loss alone, with the divergence as cross
//! entropy less entropy.

pub mod teacher;

use tch::{Tensor, nn};
use vit::{Positions, Vit, VitConfig};

/// A ViT with a distillation token.
#[derive(Debug)]
pub struct Deit {
    vit: Vit,
    tokens: [Tensor; 2],
    pos_embed: Tensor,
    heads: [nn::Linear; 2],
}

impl Deit {
    /// Makes all parts below `vs`.
    pub fn new(vs: &nn::Path<'_>, config: &VitConfig) -> Self {
        let draw = |shape: &[i64]| vit::trunc_normal(shape, vit::INITIAL_STD);
        let vit = Vit::new(
            vs,
            &VitConfig {
                positions: Positions::Sinusoidal,
                ..config.clone()
            },
        );
        let side = config.image / config.patch;
        let head_dist = nn::linear(
            vs / "head_dist",
            config.dim,
            config.classes,
            Default::default(),
        );
        tch::no_grad(|| {
            head_dist
                .ws
                .shallow_clone()
                .copy_(&draw(&head_dist.ws.size()));
            if let Some(bias) = &head_dist.bs {
                let _ = bias.shallow_clone().fill_(0.0);
            }
        });
        let head = nn::Linear {
            ws: vit.head.ws.shallow_clone(),
            bs: vit.head.bs.as_ref().map(Tensor::shallow_clone),
        };
        Self {
            tokens: [
                vit.cls_token.shallow_clone(),
                vs.var_copy("dist_token", &draw(&[1, 1, config.dim])),
            ],
            pos_embed: vs.var_copy("pos_embed", &draw(&[1, side * side + 2, config.dim])),
            heads: [head, head_dist],
            vit,
        }
    }

    /// The logits of both tokens, with dropout.
    pub fn forward_train(&self, images: &Tensor) -> (Tensor, Tensor) {
        let rows = self.rows(images, true);
        let (class, dist): (Vec<_>, Vec<_>) = rows.into_iter().map(|[a, b]| (a, b)).unzip();
        (Tensor::cat(&class, 0), Tensor::cat(&dist, 0)) // [B, K] each
    }

    /// The mean of both tokens' logits.
    pub fn forward_eval(&self, images: &Tensor) -> Tensor {
        let rows = self.rows(images, false).into_iter();
        let means: Vec<_> = rows.map(|[class, dist]| class * 0.5 + dist * 0.5).collect();
        Tensor::cat(&means, 0) // [B, K]
    }

    /// The weights of each head in each block.
    pub fn attentions(&self, images: &Tensor) -> Vec<Tensor> {
        let mut maps: Vec<Vec<Tensor>> = self.vit.blocks.iter().map(|_| vec![]).collect();
        for image in images.split(1, 0) {
            let mut x = self.sentence(&image, false);
            for (block, maps) in self.vit.blocks.iter().zip(&mut maps) {
                let (next, map) = block.attend(&x);
                maps.push(map); // [1, h, N+2, N+2]
                x = next;
            }
        }
        maps.iter().map(|maps| Tensor::cat(maps, 0)).collect()
    }

    fn rows(&self, images: &Tensor, train: bool) -> Vec<[Tensor; 2]> {
        let row = |image: Tensor| {
            let mut x = self.sentence(&image, train);
            for block in &self.vit.blocks {
                x = block.forward_t(&x, train);
            }
            let x = x.apply(&self.vit.norm);
            [0, 1].map(|i| x.select(1, i as i64).apply(&self.heads[i])) // [1, K] each
        };
        images.split(1, 0).into_iter().map(row).collect()
    }

    fn sentence(&self, image: &Tensor, train: bool) -> Tensor {
        let map = image.apply(&self.vit.patch_embed); // [1, D, G, G]
        let mut words = vec![
            self.tokens[0].shallow_clone(),
            self.tokens[1].shallow_clone(),
        ];
        for line in map.unbind(2) {
            for patch in line.unbind(2) {
                words.push(patch.unsqueeze(1)); // [1, 1, D]
            }
        }
        (Tensor::cat(&words, 1) + &self.pos_embed).dropout(self.vit.dropout, train) // [1, N+2, D]
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
    assert_eq!(
        class_logits.size(),
        dist_logits.size(),
        "dist_logits do not fit"
    );
    assert_eq!(
        class_logits.size(),
        teacher_logits.size(),
        "teacher_logits do not fit"
    );
    let kind = class_logits.kind();
    let teacher = teacher_logits.detach();
    let batch = class_logits.size()[0];
    let mut total = Tensor::zeros([], (kind, class_logits.device()));
    for i in 0..batch {
        let [class, dist, teacher] = [class_logits, dist_logits, &teacher].map(|all| all.get(i)); // [K]
        let by_label = -class.log_softmax(0, kind).get(labels.int64_value(&[i]));
        total += match distillation {
            Distillation::Soft { temperature, alpha } => {
                let believed = (&teacher / temperature).softmax(0, kind);
                let expected = -(&believed * (dist / temperature).log_softmax(0, kind)).sum(kind);
                let entropy =
                    -(&believed * (&teacher / temperature).log_softmax(0, kind)).sum(kind);
                by_label * alpha + (expected - entropy) * (1.0 - alpha) * temperature * temperature
            }
            Distillation::Hard => {
                let decided = teacher.argmax(0, false).int64_value(&[]);
                (by_label - dist.log_softmax(0, kind).get(decided)) / 2.0
            }
        };
    }
    total / batch as f64
}
