//! The network of a run: a model trained on labels, one on labels and a teacher's predictions, or that teacher itself.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The targets of a model's training, as its exercise says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Targets {
    /// The labels alone.
    Labels,
    /// The labels, and the predictions of a teacher that the exercise gives.
    Teacher,
}

/// The ways to distil from a teacher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The divergence from its softened probabilities, with --temperature and --alpha
    Soft,
    /// The cross-entropy with its predicted class as a label
    Hard,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mode::Soft => "soft",
            Mode::Hard => "hard",
        })
    }
}

/// The distillation of a student from its teacher: Touvron et al. 2021, equations 2 and 3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distillation {
    /// All of it.
    Soft {
        /// The temperature T that logits are divided by.
        temperature: f64,
        /// α, the weight of the label loss, from 0 to 1.
        alpha: f64,
    },
    /// Its decision.
    Hard,
}

impl Distillation {
    /// The distillation chosen, with defaults for the options left out.
    ///
    /// # Errors
    /// Returns an error if an option has no effect in this mode.
    pub fn of(
        mode: Option<Mode>,
        temperature: Option<f64>,
        alpha: Option<f64>,
    ) -> Result<Self, String> {
        match mode.unwrap_or(Mode::Hard) {
            Mode::Soft => Ok(Self::Soft {
                temperature: temperature.unwrap_or(Self::TEMPERATURE),
                alpha: alpha.unwrap_or(Self::ALPHA),
            }),
            Mode::Hard => match (temperature, alpha) {
                (None, None) => Ok(Self::Hard),
                (Some(_), _) => Err("--temperature is for --distillation soft".to_owned()),
                (None, Some(_)) => Err("--alpha is for --distillation soft".to_owned()),
            },
        }
    }

    /// The default temperature: that of Touvron et al. 2021, section 5.2, after Cho & Hariharan 2019.
    pub const TEMPERATURE: f64 = 3.0;
    /// The default weight of the label loss: 1 − λ, from the same place.
    pub const ALPHA: f64 = 0.9;

    /// Its name.
    pub fn mode(self) -> Mode {
        match self {
            Distillation::Soft { .. } => Mode::Soft,
            Distillation::Hard => Mode::Hard,
        }
    }

    /// The first invalid option, if there is one.
    pub fn fault(self) -> Option<String> {
        match self {
            Distillation::Soft { temperature, .. }
                if !(temperature > 0.0 && temperature.is_finite()) =>
            {
                Some(format!("--temperature {temperature} is not above 0"))
            }
            Distillation::Soft { alpha, .. } if !(0.0..=1.0).contains(&alpha) => {
                Some(format!("--alpha {alpha} is not from 0 to 1"))
            }
            _ => None,
        }
    }
}

/// The network that a run trains, and its targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Learner {
    /// The model, on labels.
    Model,
    /// The model, on labels and its teacher's predictions.
    Student(Distillation),
    /// The teacher that is given with the model's exercise.
    Teacher,
}

impl Learner {
    /// The names of its heads, where it has several.
    pub fn heads(self) -> &'static [&'static str] {
        match self {
            Learner::Student(_) => &["class", "dist"],
            Learner::Model | Learner::Teacher => &[],
        }
    }

    /// The arguments of `train.start` that name the learner. A worker with one learner takes none.
    pub fn arguments(self) -> Vec<(&'static str, String)> {
        let named = |name: &str| ("learner", name.to_owned());
        match self {
            Learner::Model => vec![],
            Learner::Teacher => vec![named("teacher")],
            Learner::Student(distillation) => {
                let mut arguments =
                    vec![named("student"), ("mode", distillation.mode().to_string())];
                if let Distillation::Soft { temperature, alpha } = distillation {
                    arguments.push(("temperature", temperature.to_string()));
                    arguments.push(("alpha", alpha.to_string()));
                }
                arguments
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_named() {
        let fault = |temperature, alpha| {
            let soft = Distillation::Soft { temperature, alpha };
            soft.fault().unwrap_or_default()
        };
        assert_eq!(fault(Distillation::TEMPERATURE, Distillation::ALPHA), "");
        assert_eq!(fault(0.5, 0.0), "");
        assert_eq!(fault(0.5, 1.0), "");
        assert!(fault(0.0, 0.5).contains("--temperature 0"));
        assert!(fault(f64::INFINITY, 0.5).contains("--temperature inf"));
        assert!(fault(1.0, 1.5).contains("--alpha 1.5"));
        assert!(fault(1.0, f64::NAN).contains("--alpha NaN"));
        assert_eq!(Distillation::Hard.fault(), None);
    }

    #[test]
    fn only_a_soft_student_is_told_temperature_and_alpha() {
        let names = |learner: Learner| -> Vec<_> {
            let arguments = learner.arguments().into_iter();
            arguments.map(|(name, _)| name).collect()
        };
        let soft = Distillation::Soft {
            temperature: 2.0,
            alpha: 0.25,
        };
        assert_eq!(names(Learner::Model), [""; 0]);
        assert_eq!(names(Learner::Teacher), ["learner"]);
        assert_eq!(
            names(Learner::Student(Distillation::Hard)),
            ["learner", "mode"]
        );
        assert_eq!(
            names(Learner::Student(soft)),
            ["learner", "mode", "temperature", "alpha"]
        );
    }

    #[test]
    fn a_learner_comes_back_from_a_checkpoint() -> serde_json::Result<()> {
        let soft = Distillation::Soft {
            temperature: 3.0,
            alpha: 0.1,
        };
        for learner in [
            Learner::Model,
            Learner::Teacher,
            Learner::Student(Distillation::Hard),
            Learner::Student(soft),
        ] {
            let text = serde_json::to_string(&learner)?;
            assert_eq!(serde_json::from_str::<Learner>(&text)?, learner, "{text}");
        }
        Ok(())
    }
}
