//! Training a Vision Transformer with a student's code, in a worker, and measuring its test accuracy.
//!
//! The worker ([`crate::worker::session`], driven by [`requests`]) holds the model, its optimiser and the training set.
//! The grader draws the order of the images, requests half a second's steps at a time ([`pace`]), saves the weights
//! after every epoch ([`checkpoint`]) and computes loss and accuracy itself from the logits ([`mod@score`]): the labels
//! of validation set and test set never enter a worker. In the end two new workers, the submission's and the
//! reference's, get the weights and the test set; the score counts only if they agree ([`examine`]). [`graded`] makes a
//! test of it.
//!
//! [`learner`] names the model to be trained. Before a DeiT is trained, its [`teacher`] computes its logits for the
//! training set.

pub mod checkpoint;
pub mod code;
pub mod data;
pub mod device;
pub mod examine;
pub mod graded;
pub mod history;
pub mod learner;
pub mod pace;
pub mod pictures;
pub mod plan;
pub mod requests;
pub mod score;
pub mod sizes;
pub mod teacher;

use crate::machine::files::{hold, write_whole};
use crate::train::checkpoint::{Checkpoint, TrainingState};
use crate::train::code::TrainedCode;
use crate::train::data::Data;
use crate::train::device::Device;
use crate::train::history::{Epoch, History, Test};
use crate::train::pace::Pace;
use crate::train::plan::Plan;
use crate::train::requests::{load, logits, send_lessons, start, state};
use crate::train::score::{Score, score};
use crate::worker::session::Session;
use anyhow::{Context, Result, bail};
use datasets::batch::shuffled_order;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use wire::Tensors;

/// Receives the events of a run, to show them.
pub trait Audience {
    /// Some steps were taken: the steps so far and in all, the score on the epoch's images so far, and the training
    /// speed in images per second.
    fn learnt(&self, step: usize, total: usize, epoch: Score, speed: f64);
    /// An epoch is over.
    fn epoch_over(&self, epoch: &Epoch, is_best: bool);
}

/// The reason why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All epochs are over.
    Through,
    /// The loss on the validation set did not fall any more.
    NoBetter,
    /// The run was interrupted; the weights are kept.
    Stopped,
    /// The time was over; the weights are kept.
    Late,
}

/// The loss became NaN or infinite.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what} became NaN or infinite at step {step}: a smaller --lr may help, and --clip-grad above 0"
)]
pub struct Divergence {
    /// The quantity that is not finite.
    what: &'static str,
    /// The step, from 1.
    step: usize,
}

/// The description of a run in its files.
#[derive(Clone, Debug)]
pub struct RunDescription {
    /// The name of the code's source.
    pub name: String,
    /// The code, where the run can be continued.
    pub code: Option<TrainedCode>,
    /// The device.
    pub device: Device,
    /// The layers of the sandbox that are in force.
    pub sandbox: String,
}

/// A run of training.
#[derive(Debug)]
pub struct Run {
    session: Session,
    /// The hyperparameters of the run.
    pub plan: Plan,
    /// The images.
    pub data: Arc<Data>,
    /// The code that is trained, and its device.
    pub description: RunDescription,
    folder: PathBuf,
    /// The number of trainable parameters.
    pub parameters: i64,
    /// The progress of the run.
    pub progress: TrainingState,
    /// The time at which the run must end, if it is limited.
    pub deadline: Option<Instant>,
    stop: &'static AtomicBool,
    /// Held as long as the run: no other may write there.
    _lock: File,
}

impl Run {
    /// Sends the training set, and has the model built; or resumes from a checkpoint.
    ///
    /// # Errors
    /// Returns an error if another run writes into the folder, or the worker gives no answer: a function is not written
    /// yet.
    pub fn begin(
        mut session: Session,
        (plan, checkpoint): (Plan, Option<Checkpoint>),
        data: Arc<Data>,
        description: RunDescription,
        folder: &Path,
        stop: &'static AtomicBool,
    ) -> Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        let lock = hold(folder, "another training")?;
        send_lessons(&mut session, &data)?;
        let parameters = start(&mut session, &plan, &data, description.device)?;
        let progress = match checkpoint {
            None => TrainingState::default(),
            Some(Checkpoint {
                progress,
                weights,
                adamw,
                ..
            }) => {
                load(&mut session, weights, adamw)?;
                progress
            }
        };
        Ok(Self {
            session,
            plan,
            data,
            description,
            folder: folder.to_owned(),
            parameters,
            progress,
            deadline: None,
            stop,
            _lock: lock,
        })
    }

    /// The number of steps of the whole run.
    pub fn total(&self) -> usize {
        self.plan.epochs * self.steps_per_epoch()
    }

    fn steps_per_epoch(&self) -> usize {
        self.plan.steps_per_epoch(self.data.split.train.len())
    }

    /// Trains until all epochs are over, the validation loss no longer falls, or the run is interrupted, and saves the
    /// weights.
    ///
    /// # Errors
    /// Returns an error if the worker gives no answer, the loss is NaN or infinite, or a file cannot be written.
    pub fn learn(&mut self, audience: &dyn Audience) -> Result<End> {
        let (images, per_epoch) = (self.data.split.train.len(), self.steps_per_epoch());
        let mut pace = Pace::default();
        let mut order = (usize::MAX, vec![]);
        while self.progress.step < self.total() {
            if self
                .plan
                .patience
                .is_some_and(|most| self.progress.stale() >= most)
            {
                return Ok(End::NoBetter);
            }
            if self.stop.load(Ordering::Relaxed) {
                self.keep()?;
                return Ok(End::Stopped);
            }
            if self.deadline.is_some_and(|end| Instant::now() >= end) {
                self.keep()?;
                return Ok(End::Late);
            }
            let (epoch, within) = (
                self.progress.step / per_epoch,
                self.progress.step % per_epoch,
            );
            if order.0 != epoch {
                order = (epoch, shuffled_order(images, self.plan.seed, epoch as u64));
            }
            let steps = pace.next(per_epoch - within);
            let last = images.min((within + steps) * self.plan.batch);
            let begin = Instant::now();
            self.take_steps(&order.1[within * self.plan.batch..last])?;
            pace.took(steps, begin.elapsed());
            self.progress.seconds += begin.elapsed().as_secs_f64();
            let speed = (last - within * self.plan.batch) as f64 / begin.elapsed().as_secs_f64();
            audience.learnt(self.progress.step, self.total(), self.so_far(), speed);
            if self.progress.step.is_multiple_of(per_epoch) {
                self.end_epoch(audience)?;
            }
        }
        Ok(End::Through)
    }

    fn so_far(&self) -> Score {
        let TrainingState {
            loss,
            right,
            images,
            ..
        } = self.progress;
        Score {
            loss: loss / images.max(1) as f64,
            right,
            images,
        }
    }

    fn take_steps(&mut self, order: &[usize]) -> Result<()> {
        let (batch, from) = (self.plan.batch, self.progress.step);
        let taken = requests::steps(&mut self.session, order, batch, from)?;
        for ((loss, right), batch) in taken.into_iter().zip(order.chunks(batch)) {
            self.progress.step += 1;
            if !loss.is_finite() {
                let step = self.progress.step;
                bail!(Divergence {
                    what: "the loss",
                    step
                });
            }
            self.progress.loss += loss * batch.len() as f64;
            self.progress.right += right;
            self.progress.images += batch.len();
        }
        Ok(())
    }

    fn end_epoch(&mut self, audience: &dyn Audience) -> Result<()> {
        let validation = &self.data.split.validation;
        let logits = logits(&mut self.session, validation, self.data.classes.len())?;
        let labels = validation.labels.to_vec();
        let (validation, _) = score(logits.view(), &labels);
        if !validation.loss.is_finite() {
            bail!(Divergence {
                what: "the loss on the validation set",
                step: self.progress.step
            });
        }
        let train = self.so_far();
        let TrainingState {
            step,
            seconds,
            epochs,
            ..
        } = std::mem::take(&mut self.progress);
        self.progress = TrainingState {
            step,
            epochs,
            ..TrainingState::default()
        };
        let epoch = Epoch {
            epoch: self.progress.epochs.len() + 1,
            step,
            train,
            validation,
            seconds,
        };
        self.progress.epochs.push(epoch.clone());
        let is_best = self.progress.best() == Some(&epoch);
        let (weights, adamw) = state(&mut self.session)?;
        if is_best {
            let mut metadata = self.plan.sizes.arguments();
            let Data { mean, std, .. } = *self.data;
            let more = [
                ("data", self.plan.data.to_string()),
                ("mean", mean.to_string()),
                ("std", std.to_string()),
                ("epoch", epoch.epoch.to_string()),
            ];
            let who = self.plan.learner.arguments().into_iter();
            let more = who.chain(more);
            metadata.extend(more.map(|(name, value)| (name.to_owned(), value)));
            checkpoint::write_weights(&self.folder, &weights, metadata)?;
        }
        self.write(weights, adamw)?;
        self.write_history(None)?;
        audience.epoch_over(&epoch, is_best);
        Ok(())
    }

    /// Saves the weights and the progress so far.
    fn keep(&mut self) -> Result<()> {
        let (weights, adamw) = state(&mut self.session)?;
        self.write(weights, adamw)
    }

    fn write(&self, weights: Tensors, adamw: Tensors) -> Result<()> {
        let checkpoint = Checkpoint {
            plan: self.plan.clone(),
            code: self.description.code.clone(),
            progress: self.progress.clone(),
            weights,
            adamw,
        };
        checkpoint.write(&self.folder)
    }

    /// Writes the epochs so far, and the result on the test set if it is known.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub fn write_history(&self, test: Option<Test>) -> Result<()> {
        let history = History {
            schema: 1,
            subject: &self.description.name,
            plan: &self.plan,
            device: &self.description.device.to_string(),
            sandbox: &self.description.sandbox,
            parameters: self.parameters,
            classes: &self.data.classes,
            epochs: &self.progress.epochs,
            test,
        };
        let json = serde_json::to_string_pretty(&history)?;
        write_whole(&self.folder.join("history.json"), json)?;
        let csv = history::csv(&self.progress.epochs);
        write_whole(&self.folder.join("history.csv"), csv)
    }
}
