//! Training as a graded test: a submission's model is trained on all of MNIST, and must reach an accuracy on the test
//! set.

use super::data::{Data, DataError};
use super::device::Device;
use super::examine::examine;
use super::history::Epoch;
use super::plan::{Plan, Preset};
use super::score::Score;
use super::sizes::VitSizes;
use super::{Audience, Divergence, End, Run, RunDescription, checkpoint};
use crate::course::Exercise;
use crate::data::Set;
use crate::environment::Environment;
use crate::worker::broken::Broken;
use crate::worker::session::Session;
use anyhow::{Context, Result, bail};
use hints::WithHint;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The accuracy on the test set that a model must reach: MNIST's threshold for this course.
const THRESHOLD: f64 = 0.97;

/// The time limit on a training; the solution's takes some three minutes on two cores.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// All that is the same for every submission.
#[derive(Debug)]
pub struct Training {
    data: Arc<Data>,
    device: Device,
    /// One training at a time: each takes all cores.
    turn: Mutex<()>,
}

impl Training {
    /// On MNIST, from its folder or the one that MNIST_DIR names.
    ///
    /// # Errors
    /// Returns an error if MNIST is not there.
    pub fn on_mnist(folder: Option<&Path>, device: Device) -> Result<Self> {
        let data = Data::load(Set::Mnist, folder, None).with_hint(DataError::hint)?;
        Ok(Self {
            data: Arc::new(data),
            device,
            turn: Mutex::new(()),
        })
    }

    /// The device of the training.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Trains the model that a worker serves; returns the reason why it fails the test, if it does.
    ///
    /// # Errors
    /// Returns an error if something of the course or the system fails, or the run is interrupted;
    /// [`Broken::NotAccepted`] if the worker called an operator that the exercise asks to write.
    pub fn test(
        &self,
        environment: &Environment,
        exercise: &Exercise,
        worker: &Path,
        scratch: &Path,
    ) -> Result<Option<String>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match self.train(environment, exercise, worker, scratch) {
            Err(error) if error.is::<Divergence>() => Ok(Some(error.to_string())),
            Err(error) => match error.downcast_ref() {
                Some(Broken::Stopped | Broken::System(_) | Broken::NotAccepted(_)) | None => {
                    Err(error)
                }
                // The way in which a submission's function ended is its result.
                Some(broken) => Ok(Some(broken.to_string())),
            },
            done => done,
        }
    }

    fn train(
        &self,
        environment: &Environment,
        exercise: &Exercise,
        worker: &Path,
        scratch: &Path,
    ) -> Result<Option<String>> {
        let session =
            |worker: &Path, device: Device| Session::of_trainer(environment, worker, device);
        let folder = scratch.join("training");
        let description = RunDescription {
            name: exercise.name.clone(),
            code: None,
            device: self.device,
            sandbox: environment.level.to_string(),
        };
        let plan = Plan::of(&exercise.name, Preset::Mnist, Set::Mnist, VitSizes::mnist());
        let mut run = Run::begin(
            session(worker, self.device)?,
            (plan, None),
            Arc::clone(&self.data),
            description,
            &folder,
            environment.stop,
        )?;
        run.deadline = Some(Instant::now() + LIMIT);
        match run.learn(&NoAudience)? {
            End::Stopped => bail!(Broken::Stopped),
            End::Late => {
                let minutes = LIMIT.as_secs() / 60;
                return Ok(Some(format!("not trained to its end within {minutes} min")));
            }
            End::Through | End::NoBetter => {}
        }
        let weights = checkpoint::read_weights(&folder)?;
        let reference = scratch.join("reference");
        fs::create_dir(&reference)
            .with_context(|| format!("{} cannot be created", reference.display()))?;
        let reference = environment.compile_reference(exercise, &reference)?;
        let examined = examine(
            session(worker, Device::Cpu)?,
            Some(session(&reference, Device::Cpu)?),
            &run.plan,
            &self.data,
            &weights,
        )?;
        Ok(examined.doubt.or_else(|| fault(examined.score)))
    }
}

/// The reason why a score is not enough, if it is not.
fn fault(score: Score) -> Option<String> {
    (score.accuracy() < THRESHOLD).then(|| {
        format!(
            "trained on MNIST, the test accuracy is {:.2} % of {} images; {:.0} % is required",
            100.0 * score.accuracy(),
            score.images,
            100.0 * THRESHOLD
        )
    })
}

/// Nobody looks on.
struct NoAudience;

impl Audience for NoAudience {
    fn learnt(&self, _: usize, _: usize, _: Score, _: f64) {}
    fn epoch_over(&self, _: &Epoch, _: bool) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_enough_and_one_image_less_is_not() {
        let score = |right| Score {
            loss: 0.1,
            right,
            images: 10_000,
        };
        assert_eq!(fault(score(9_700)), None);
        let said = fault(score(9_699)).unwrap_or_default();
        assert!(
            said.starts_with("trained on MNIST, the test accuracy is 96.99 % of 10000"),
            "{said}"
        );
    }
}
