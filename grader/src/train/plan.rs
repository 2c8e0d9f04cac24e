//! The plan of a run: the model, the data and the hyperparameters, on which its result depends besides the code.

use super::learner::Learner;
use super::sizes::VitSizes;
use crate::data::Set;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The models of the course, each with its recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The model of `VitConfig::mnist`: 17 tokens, dim 64, 6 blocks, 4 heads
    Mnist,
    /// The model of a well-known notebook: 50 tokens, dim 8, 2 blocks, 2 heads
    Notebook,
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Preset::Mnist => "mnist",
            Preset::Notebook => "notebook",
        })
    }
}

/// The hyperparameters of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The crate of the exercise whose model is trained.
    pub model: String,
    /// The network that is trained, and its targets.
    pub learner: Learner,
    /// The data set.
    pub data: Set,
    /// The number of training images; None for all.
    pub images: Option<usize>,
    /// The model.
    pub sizes: VitSizes,
    /// The number of epochs.
    pub epochs: usize,
    /// The batch size.
    pub batch: usize,
    /// The peak learning rate.
    pub rate: f64,
    /// The warm-up, as a share of all steps.
    pub warmup: f64,
    /// The weight decay: in each step, weights lose `rate · decay` of themselves.
    pub decay: f64,
    /// The max gradient norm; 0 for no clipping.
    pub clip: f64,
    /// The label smoothing.
    pub smoothing: f64,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Whether the model uses mixed precision (bf16).
    pub amp: bool,
    /// The number of epochs without a lower validation loss after which the run ends; None for no limit.
    pub patience: Option<usize>,
}

/// The final learning rate, as a share of the peak.
const LEAST: f64 = 0.01;

/// The largest learning rate of the teacher: convolutions with norms behind them take it well.
const TEACHERS_RATE: f64 = 3e-3;

impl Plan {
    /// A preset's recipe to train the model of an exercise, with these sizes, on labels.
    pub fn of(model: &str, preset: Preset, data: Set, sizes: VitSizes) -> Self {
        let (epochs, rate) = match preset {
            Preset::Mnist => (6, 3e-3),
            Preset::Notebook => (5, 2e-2),
        };
        Self {
            model: model.to_owned(),
            learner: Learner::Model,
            data,
            images: None,
            sizes,
            epochs,
            batch: 128,
            rate,
            warmup: 0.1,
            decay: 0.05,
            clip: 1.0,
            smoothing: 0.0,
            seed: 0,
            amp: false,
            patience: None,
        }
    }

    /// Steps in one epoch over that many images; the last may be a short one.
    pub fn steps_per_epoch(&self, images: usize) -> usize {
        images.div_ceil(self.batch)
    }

    /// The arguments of `train.start` for that many images with these pixels.
    pub fn arguments(
        &self,
        images: usize,
        device: &str,
        mean: f32,
        std: f32,
    ) -> Vec<(String, String)> {
        let total = self.epochs * self.steps_per_epoch(images);
        let warmup = (total as f64 * self.warmup).round() as usize;
        let arguments = [
            ("device", device.to_owned()),
            ("seed", (self.seed as i64).to_string()),
            ("rate", self.rate.to_string()),
            ("least", (self.rate * LEAST).to_string()),
            ("warmup", warmup.to_string()),
            ("total", total.to_string()),
            ("decay", self.decay.to_string()),
            ("clip", self.clip.to_string()),
            ("smoothing", self.smoothing.to_string()),
            ("mean", mean.to_string()),
            ("std", std.to_string()),
            ("amp", self.amp.to_string()),
        ];
        let named = arguments.into_iter();
        let mut arguments: Vec<_> = named
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let who = self.learner.arguments().into_iter();
        arguments.extend(who.map(|(name, value)| (name.to_owned(), value)));
        arguments.extend(self.sizes.arguments());
        arguments
    }

    /// The plan by which the teacher of a student with this plan is trained: on the same images, for `epochs`.
    pub fn of_teacher(&self, epochs: usize) -> Self {
        Self {
            learner: Learner::Teacher,
            epochs,
            rate: TEACHERS_RATE,
            // Its norms keep running means, which a copy in f32 would not see.
            amp: false,
            patience: None,
            smoothing: 0.0,
            ..self.clone()
        }
    }

    /// The first invalid hyperparameter, if there is one.
    pub fn fault(&self) -> Option<String> {
        let not =
            |what: &str, value: f64, range: &str| Some(format!("--{what} {value} is not {range}"));
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let share = |value: f64| (0.0..1.0).contains(&value);
        if let Learner::Student(distillation) = self.learner
            && let Some(fault) = distillation.fault()
        {
            Some(fault)
        } else if self.learner != Learner::Model && self.smoothing != 0.0 {
            Some(format!(
                "--label-smoothing is not for --model {}: its loss is that of distillation",
                self.model
            ))
        } else if self.learner != Learner::Model && self.sizes.dropout != 0.0 {
            Some(format!(
                "--dropout is not for --model {}, which is trained without",
                self.model
            ))
        } else if self.epochs == 0 || self.batch == 0 {
            Some("--epochs and --batch-size are at least 1".to_owned())
        } else if !positive(self.rate) {
            not("lr", self.rate, "above 0")
        } else if !share(self.warmup) {
            not("warmup-ratio", self.warmup, "from 0 to below 1")
        } else if !(self.decay >= 0.0 && self.decay.is_finite()) {
            not("weight-decay", self.decay, "0 or above")
        } else if !(self.clip >= 0.0 && self.clip.is_finite()) {
            not("clip-grad", self.clip, "0 or above")
        } else if !share(self.smoothing) {
            not("label-smoothing", self.smoothing, "from 0 to below 1")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan::of("one", Preset::Notebook, Set::Digits, VitSizes::notebook())
    }

    #[test]
    fn the_schedule_covers_the_short_batch_of_each_epoch() {
        let plan = Plan {
            epochs: 3,
            batch: 30,
            warmup: 0.25,
            ..plan()
        };
        assert_eq!(plan.steps_per_epoch(100), 4);
        let arguments = plan.arguments(100, "cpu", 0.5, 0.25);
        let argument = |name: &str| {
            let found = arguments.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(
            (argument("total"), argument("warmup")),
            (Some("12"), Some("3"))
        );
        assert_eq!(
            (argument("dim"), argument("mean")),
            (Some("8"), Some("0.5"))
        );
    }

    #[test]
    fn what_cannot_be_is_named() {
        let fault = |change: fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            plan.fault().unwrap_or_default()
        };
        assert_eq!(fault(|_| ()), "");
        assert!(fault(|plan| plan.batch = 0).contains("--batch-size"));
        assert!(fault(|plan| plan.rate = f64::NAN).contains("--lr NaN"));
        assert!(fault(|plan| plan.warmup = 1.0).contains("--warmup-ratio 1"));
        assert!(fault(|plan| plan.clip = -1.0).contains("--clip-grad -1"));
        assert!(fault(|plan| plan.smoothing = 1.5).contains("--label-smoothing 1.5"));
        assert!(fault(|plan| plan.decay = f64::INFINITY).contains("--weight-decay inf"));
    }
}
