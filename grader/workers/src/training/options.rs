//! What a training is told when it starts.

use super::device;
use crate::Call;
use tch::{Device, Kind};
use wire::Fault;

/// The options of `train.start`, by their names on the wire.
#[derive(Clone, Debug)]
pub struct Options {
    /// `cpu` or `cuda`.
    pub device: Device,
    /// All that is random is drawn from it.
    pub seed: i64,
    /// The largest learning rate.
    pub rate: f64,
    /// The learning rate at the end.
    pub least: f64,
    /// Steps until the largest rate is reached.
    pub warmup: i64,
    /// Steps in all.
    pub total: i64,
    /// What weights lose of themselves, in learning rates.
    pub decay: f64,
    /// The most that gradients may be long together, or nothing where it is 0.
    pub clip: Option<f64>,
    /// The share of a label that goes to all classes.
    pub smoothing: f64,
    /// The mean of the pixels, from 0 to 1, …
    pub mean: f64,
    /// … and their standard deviation.
    pub std: f64,
    /// The type that the model calculates in: bf16 where `amp` is true. Weights are kept, and changed, in f32.
    pub kind: Kind,
}

impl Options {
    /// Reads them from the request.
    ///
    /// # Errors
    /// Where one is missing or does not parse, or there is no such device.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let clip: f64 = call.argument("clip")?;
        Ok(Self {
            device: device(&call.argument::<String>("device")?)?,
            seed: call.argument("seed")?,
            rate: call.argument("rate")?,
            least: call.argument("least")?,
            warmup: call.argument("warmup")?,
            total: call.argument("total")?,
            decay: call.argument("decay")?,
            clip: (clip > 0.0).then_some(clip),
            smoothing: call.argument("smoothing")?,
            mean: call.argument("mean")?,
            std: call.argument("std")?,
            kind: if call.argument("amp")? {
                Kind::BFloat16
            } else {
                Kind::Float
            },
        })
    }
}
