//! The model to be trained: a ViT from labels, a DeiT from labels and a teacher, or that teacher itself.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The models that can be trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// Exercise 05's Vision Transformer, trained on labels
    #[default]
    Vit,
    /// Exercise 06's, trained on labels and on a convolutional network's predictions
    Deit,
}

impl Model {
    /// The exercise that it is.
    pub fn exercise(self) -> &'static str {
        match self {
            Model::Vit => "vit",
            Model::Deit => "deit",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.exercise())
    }
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

/// The distillation of a student from its teacher, as exercise 06 defines it.
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

/// The model to be trained in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Learner {
    /// A ViT.
    #[default]
    Vit,
    /// A DeiT, and what it takes from its teacher.
    Deit(Distillation),
    /// The teacher that is given with exercise 06.
    Teacher,
}

impl Learner {
    /// The model that it is, or is for.
    pub fn model(self) -> Model {
        match self {
            Learner::Vit => Model::Vit,
            Learner::Deit(_) | Learner::Teacher => Model::Deit,
        }
    }

    /// The names of its heads, where it has several.
    pub fn heads(self) -> &'static [&'static str] {
        match self {
            Learner::Deit(_) => &["class", "dist"],
            Learner::Vit | Learner::Teacher => &[],
        }
    }

    /// The arguments of `train.start` that name the learner. Exercise 05's worker has one learner, and takes none.
    pub fn arguments(self) -> Vec<(&'static str, String)> {
        let named = |name: &str| ("learner", name.to_owned());
        match self {
            Learner::Vit => vec![],
            Learner::Teacher => vec![named("teacher")],
            Learner::Deit(distillation) => {
                let mut arguments = vec![named("deit"), ("mode", distillation.mode().to_string())];
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
        assert_eq!(names(Learner::Vit), [""; 0]);
        assert_eq!(names(Learner::Teacher), ["learner"]);
        assert_eq!(
            names(Learner::Deit(Distillation::Hard)),
            ["learner", "mode"]
        );
        assert_eq!(
            names(Learner::Deit(soft)),
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
            Learner::Vit,
            Learner::Teacher,
            Learner::Deit(Distillation::Hard),
            Learner::Deit(soft),
        ] {
            let text = serde_json::to_string(&learner)?;
            assert_eq!(serde_json::from_str::<Learner>(&text)?, learner, "{text}");
        }
        Ok(())
    }
}
