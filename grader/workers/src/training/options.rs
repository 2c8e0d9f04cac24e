//! The options of a training, sent when it starts.

use super::device;
use crate::Call;
use tch::{Device, Kind};
use wire::Fault;

/// The options of `train.start`, by their names on the wire.
#[derive(Clone, Debug)]
pub struct Options {
    /// `cpu` or `cuda`.
    pub device: Device,
    /// The seed of all random numbers.
    pub seed: i64,
    /// The peak learning rate.
    pub rate: f64,
    /// The final learning rate.
    pub least: f64,
    /// Warm-up steps, until the peak learning rate is reached.
    pub warmup: i64,
    /// Steps in all.
    pub total: i64,
    /// The weight decay: in each step, weights lose `rate · decay` of themselves.
    pub decay: f64,
    /// The max gradient norm; None, on the wire 0, for no clipping.
    pub clip: Option<f64>,
    /// The label smoothing.
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
    /// Returns an error if an option is missing or does not parse, or there is no such device.
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
