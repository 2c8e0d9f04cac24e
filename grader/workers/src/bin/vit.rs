//! Serves the functions of 05 vit.

use ndarray::{Array1, Ix1, arr0, arr1};
use std::process::ExitCode;
use tch::{Tensor, nn};
use vit::{Pool, Positions, Vit, VitConfig};
use wire::Fault;
use workers::training::{self, Batch, Learner, Lesson};
use workers::{
    Call, Operation, Outcome, attention_by_layer, differentiable, gives, gives_all, initial_values,
    sent, serve, with_weights,
};

static OPERATIONS: &[Operation] = &[
    ("vit", vit),
    ("vit.new", |call| {
        let config = config(call)?;
        initial_values(|vs| Ok(Vit::new(vs, &config)))
    }),
    ("vit.forward_features", forward_features),
    ("vit.forward_t", forward),
    ("vit.attentions", attentions),
    ("fit", fit),
    ("config", preset),
    ("parameters", parameters),
    ("trunc_normal", trunc_normal),
    ("warmup_cosine", warmup_cosine),
    ("accuracy", accuracy),
    ("train.device", training::find_device),
    ("train.data", training::data),
    ("train.start", start_training),
    ("train.load", training::load),
    ("train.steps", training::steps),
    ("train.state", training::state),
    ("train.logits", training::logits),
];

fn main() -> ExitCode {
    serve(OPERATIONS)
}

/// A Vision Transformer that learns from labels.
struct Pupil(Vit);

impl Learner for Pupil {
    fn logits(&self, images: &Tensor) -> Tensor {
        self.0.forward_t(images, false)
    }

    fn learn(&self, batch: &Batch<'_>, smoothing: f64) -> Lesson {
        Lesson::of_logits(
            self.0.forward_t(batch.images, true),
            batch.labels,
            smoothing,
        )
    }
}

fn start_training(call: &Call) -> Outcome {
    let config = config(call)?;
    let build = |vs: &nn::Path<'_>| -> Result<Box<dyn Learner>, Fault> {
        Ok(Box::new(Pupil(Vit::new(vs, &config))))
    };
    training::start(call, vit::warmup_cosine, Box::new(build))
}

fn config(call: &Call) -> Result<VitConfig, Fault> {
    Ok(VitConfig {
        image: call.argument("image")?,
        patch: call.argument("patch")?,
        channels: call.argument("channels")?,
        classes: call.argument("classes")?,
        dim: call.argument("dim")?,
        depth: call.argument("depth")?,
        heads: call.argument("heads")?,
        mlp_ratio: call.argument("mlp_ratio")?,
        dropout: call.argument("dropout")?,
        positions: call.choice(
            "positions",
            &[
                ("learned", Positions::Learned),
                ("sinusoidal", Positions::Sinusoidal),
            ],
        )?,
        pool: call.choice("pool", &[("cls", Pool::Cls), ("mean", Pool::Mean)])?,
    })
}

/// Logits, features, and the weights of each block, in evaluation.
fn vit(call: &Call) -> Outcome {
    with_vit(call, |vit, images| {
        let mut results = vec![
            ("logits".to_owned(), vit.forward_t(images, false)),
            ("features".to_owned(), vit.forward_features(images, false)),
        ];
        results.extend(attention_by_layer(vit.attentions(images)));
        results
    })
}

fn forward_features(call: &Call) -> Outcome {
    let train = call.argument("train")?;
    with_vit(call, |vit, images| {
        vec![("features", vit.forward_features(images, train))]
    })
}

fn forward(call: &Call) -> Outcome {
    let train = call.argument("train")?;
    with_vit(call, |vit, images| {
        vec![("logits", vit.forward_t(images, train))]
    })
}

fn attentions(call: &Call) -> Outcome {
    with_vit(call, |vit, images| {
        attention_by_layer(vit.attentions(images)).collect()
    })
}

fn with_vit<N: Into<String>>(
    call: &Call,
    results: impl FnOnce(&Vit, &Tensor) -> Vec<(N, Tensor)>,
) -> Outcome {
    let config = config(call)?;
    let (vs, vit) = with_weights(call, &["images"], |vs| Ok(Vit::new(vs, &config)))?;
    differentiable(call, &["images"], Some(&vs), |images| {
        results(&vit, &images[0])
    })
}

/// Losses of the steps, and the variables after the last. All batches are of one size.
fn fit(call: &Call) -> Outcome {
    let config = config(call)?;
    let inputs = ["images", "labels", "rates"];
    let (vs, vit) = with_weights(call, &inputs, |vs| Ok(Vit::new(vs, &config)))?;
    let rates = call.array::<f64, Ix1>("rates")?;
    let images = call.tensor("images")?; // [S, B, C, H, W]
    let labels = call.tensor("labels")?; // [S, B]
    let steps = rates.len() as i64;
    for (name, tensor) in [("images", &images), ("labels", &labels)] {
        if tensor.size().first() != Some(&steps) {
            return Err(Fault::wrong_shape(format!(
                "{name} is {:?}, and there are {steps} rates",
                tensor.size()
            )));
        }
    }
    let batches: Vec<_> = images.unbind(0).into_iter().zip(labels.unbind(0)).collect();
    let rate = |step: i64| {
        let rate = usize::try_from(step).ok().and_then(|step| rates.get(step));
        *rate.unwrap_or_else(|| panic!("a rate is asked for step {step} of {steps}"))
    };
    let losses = Array1::from(vit::fit(&vs, &vit, &batches, rate));
    let mut answer = sent(vs.variables())?;
    answer.insert("losses".to_owned(), (&losses).into());
    Ok(answer)
}

/// The configuration of one of the usual sizes: its whole numbers, its dropout, its two choices.
fn preset(call: &Call) -> Outcome {
    let known = [
        ("mnist", VitConfig::mnist as fn() -> VitConfig),
        ("tiny", VitConfig::tiny),
        ("small", VitConfig::small),
        ("base", VitConfig::base),
        ("large", VitConfig::large),
        ("huge", VitConfig::huge),
    ];
    let VitConfig {
        image,
        patch,
        channels,
        classes,
        dim,
        depth,
        heads,
        mlp_ratio,
        dropout,
        positions,
        pool,
    } = call.choice("name", &known)?();
    let sizes = [
        image, patch, channels, classes, dim, depth, heads, mlp_ratio,
    ];
    let choices = [
        i64::from(positions == Positions::Sinusoidal),
        i64::from(pool == Pool::Mean),
    ];
    gives_all(vec![
        ("sizes", (&arr1(&sizes)).into()),
        ("dropout", (&arr0(dropout)).into()),
        ("choices", (&arr1(&choices)).into()),
    ])
}

fn parameters(call: &Call) -> Outcome {
    gives("parameters", &arr0(vit::parameters(&config(call)?)))
}

fn trunc_normal(call: &Call) -> Outcome {
    let shape = Vec::<i64>::try_from(call.tensor("shape")?)
        .map_err(|error| Fault::wrong_shape(format!("shape: {error}")))?;
    let std = call.argument("std")?;
    differentiable(call, &[], None, |_| {
        vec![("drawn", vit::trunc_normal(&shape, std))]
    })
}

fn warmup_cosine(call: &Call) -> Outcome {
    let rate = vit::warmup_cosine(
        call.argument("step")?,
        call.argument("warmup")?,
        call.argument("total")?,
        call.argument("base")?,
        call.argument("min")?,
    );
    gives("rate", &arr0(rate))
}

fn accuracy(call: &Call) -> Outcome {
    let accuracy = vit::accuracy(&call.tensor("logits")?, &call.tensor("labels")?);
    gives("accuracy", &arr0(accuracy))
}
