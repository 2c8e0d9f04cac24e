//! The files of a run from which it can go on, or be used: safetensors with timm's names.
//!
//! `last.safetensors` holds the weights, the optimiser's state and the progress of the run; `best.safetensors` holds
//! only the weights with the least validation loss, as timm and PyTorch load them. Each is written beside its place and
//! moved there whole.

use super::code::TrainedCode;
use super::history::Epoch;
use super::plan::Plan;
use crate::machine::files::write_whole;
use crate::weights;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use wire::{Dtype, Frame, FrameLimits, Tensors};

/// From which a run goes on.
pub const LAST: &str = "last.safetensors";
/// The teacher's weights, where there is one.
pub const TEACHER: &str = "teacher.safetensors";
/// The weights that did best.
pub const BEST: &str = "best.safetensors";

/// The prefix of the names of the optimiser's tensors. Weights have none.
pub const ADAMW: &str = "adamw.";

/// Keys of the metadata, each with JSON.
const PLAN: &str = "plan";
const PROGRESS: &str = "progress";
const CODE: &str = "code";

/// The limits on a checkpoint. A ViT-Huge and its optimiser take 8 GB; the models of this course are far smaller.
const LIMITS: FrameLimits = FrameLimits {
    frame: 8 << 30,
    header: 1 << 20,
    tensors: 8192,
    rank: 8,
    metadata: 64,
};

/// The state of a run between two steps: what it has done so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// Steps taken.
    pub step: usize,
    /// The sum of the losses of this epoch's images so far, …
    pub loss: f64,
    /// … the number of images classified correctly, …
    pub right: usize,
    /// … the number of images, …
    pub images: usize,
    /// … and the time that they took, in seconds.
    pub seconds: f64,
    /// The epochs that are over.
    pub epochs: Vec<Epoch>,
}

impl TrainingState {
    /// The epoch that did best on the validation set, the first of equals.
    pub fn best(&self) -> Option<&Epoch> {
        let better = |a: &&Epoch, b: &&Epoch| a.validation.loss.total_cmp(&b.validation.loss);
        self.epochs.iter().min_by(better)
    }

    /// The number of epochs since the best one.
    pub fn stale(&self) -> usize {
        self.best().map_or(0, |best| self.epochs.len() - best.epoch)
    }
}

/// The contents of `last.safetensors`.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The hyperparameters of the run.
    pub plan: Plan,
    /// The code that is trained; None where nobody is to continue with it, and where an earlier grader wrote it.
    pub code: Option<TrainedCode>,
    /// The progress of the run.
    pub progress: TrainingState,
    /// The weights, by their names.
    pub weights: Tensors,
    /// The optimiser's state, by its names.
    pub adamw: Tensors,
}

impl Checkpoint {
    /// Writes it into the run's folder.
    ///
    /// # Errors
    /// Returns an error if it cannot be written: the disk is full, the folder is gone.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut metadata = self.plan.sizes.arguments();
        metadata.insert(PLAN.to_owned(), serde_json::to_string(&self.plan)?);
        metadata.insert(PROGRESS.to_owned(), serde_json::to_string(&self.progress)?);
        if let Some(code) = &self.code {
            metadata.insert(CODE.to_owned(), serde_json::to_string(code)?);
        }
        let adamw = self.adamw.iter();
        let adamw = adamw.map(|(name, tensor)| (format!("{ADAMW}{name}"), tensor.clone()));
        let tensors = self.weights.clone().into_iter().chain(adamw).collect();
        write_frame(&folder.join(LAST), Frame { metadata, tensors })
    }

    /// Reads the checkpoint of a run's folder.
    ///
    /// # Errors
    /// Returns an error if there is none, or this program did not write it.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(LAST);
        let Frame {
            mut metadata,
            tensors,
        } = read_frame(&path)?;
        let code = metadata.remove(CODE);
        let mut json = |key: &str| {
            let text = metadata.remove(key);
            text.with_context(|| {
                format!(
                    "{} holds no {key}: it is not a checkpoint of `train`",
                    path.display()
                )
            })
        };
        let unreadable = || {
            format!(
                "{} was written by another version of the grader",
                path.display()
            )
        };
        let plan = serde_json::from_str(&json(PLAN)?).with_context(unreadable)?;
        let progress = serde_json::from_str(&json(PROGRESS)?).with_context(unreadable)?;
        let code = code.map(|code| serde_json::from_str(&code));
        let code = code.transpose().with_context(unreadable)?;
        let (adamw, weights): (Tensors, Tensors) = tensors
            .into_iter()
            .partition(|(name, _)| name.starts_with(ADAMW));
        let adamw = adamw.into_iter();
        let adamw = adamw.map(|(name, tensor)| (name[ADAMW.len()..].to_owned(), tensor));
        Ok(Self {
            plan,
            code,
            progress,
            weights,
            adamw: adamw.collect(),
        })
    }
}

/// Writes weights alone, with the model's sizes and other `metadata`.
///
/// # Errors
/// Returns an error if they cannot be written.
pub fn write_weights(
    folder: &Path,
    weights: &Tensors,
    metadata: BTreeMap<String, String>,
) -> Result<()> {
    write_weights_to(&folder.join(BEST), weights, metadata)
}

/// As [`write_weights`], to any file.
///
/// # Errors
/// Returns an error if they cannot be written.
pub fn write_weights_to(
    path: &Path,
    weights: &Tensors,
    metadata: BTreeMap<String, String>,
) -> Result<()> {
    let tensors = weights.clone();
    write_frame(path, Frame { metadata, tensors })
}

/// Reads the weights that [`write_weights`] wrote.
///
/// # Errors
/// Returns an error if the file is missing or cannot be read.
pub fn read_weights(folder: &Path) -> Result<Tensors> {
    read_weights_of(&folder.join(BEST))
}

/// Reads the weights of a file, in f32 and without what wrappers put in front of their names.
///
/// # Errors
/// Returns an error if the file is missing, or is not a safetensors file.
pub fn read_weights_of(path: &Path) -> Result<Tensors> {
    let mut weights = weights::without_wrappers(read_frame(path)?.tensors, |_| true);
    weights::convert(&mut weights, Dtype::F32, |_| true);
    Ok(weights)
}

fn write_frame(path: &Path, frame: Frame) -> Result<()> {
    let blob = frame
        .encode()
        .with_context(|| format!("{} cannot be created", path.display()))?;
    write_whole(path, &blob)
}

fn read_frame(path: &Path) -> Result<Frame> {
    weights::read(path, &LIMITS)
}

#[cfg(test)]
mod tests {
    use super::super::code::CodeKind;
    use super::super::plan::Preset;
    use super::super::score::Score;
    use super::super::sizes::VitSizes;
    use super::*;
    use crate::data::Set;
    use ndarray::{arr0, arr1};
    use std::fs;

    fn epoch(epoch: usize, loss: f64) -> Epoch {
        let score = |loss| Score {
            loss,
            right: 1,
            images: 3,
        };
        Epoch {
            epoch,
            step: epoch * 4,
            train: score(0.1 + 0.2),
            validation: score(loss),
            seconds: 1.0 / 3.0,
        }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            plan: Plan::of("one", Preset::Notebook, Set::Digits, VitSizes::notebook()),
            code: Some(TrainedCode::of(CodeKind::Solution, &[])),
            progress: TrainingState {
                step: 9,
                // Neither has a short form: they must come back to the last bit.
                loss: 0.1 + 0.7,
                seconds: 2.0_f64.sqrt(),
                epochs: vec![epoch(1, 0.1 * 3.0), epoch(2, 1e-300)],
                ..TrainingState::default()
            },
            weights: Tensors::from([("cls_token".to_owned(), (&arr1(&[0.1_f32, -2.5])).into())]),
            adamw: Tensors::from([("step".to_owned(), (&arr0(9_i64)).into())]),
        }
    }

    #[test]
    fn a_checkpoint_comes_back_to_the_bit() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let written = checkpoint();
        written.write(folder.path())?;
        assert_eq!(Checkpoint::read(folder.path())?, written);
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn what_is_no_checkpoint_is_an_error_that_names_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let error = || {
            let read = Checkpoint::read(folder.path());
            read.expect_err("no checkpoint").to_string()
        };
        assert!(error().contains("last.safetensors cannot be read"));
        checkpoint().write(folder.path())?;
        let path = folder.path().join(LAST);
        let whole = fs::read(&path)?;
        fs::write(&path, &whole[..whole.len() - 1])?;
        assert!(error().contains("is damaged"), "{}", error());
        write_weights(folder.path(), &checkpoint().weights, BTreeMap::new())?;
        fs::rename(folder.path().join(BEST), &path)?;
        assert!(error().contains("holds no plan"), "{}", error());
        Ok(())
    }

    #[test]
    fn the_first_of_the_best_counts() {
        let losses = [0.5, 0.3, 0.3, 0.4];
        let epochs = (1..).zip(losses).map(|(number, loss)| epoch(number, loss));
        let progress = TrainingState {
            epochs: epochs.collect(),
            ..TrainingState::default()
        };
        assert_eq!(progress.best().map(|best| best.epoch), Some(2));
        assert_eq!(progress.stale(), 2);
        assert_eq!(TrainingState::default().stale(), 0);
    }
}
