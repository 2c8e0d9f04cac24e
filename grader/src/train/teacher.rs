//! The teacher of a DeiT at work: its logits for its student's training set.
//!
//! It is the reference's, whoever the student is, and runs in a worker of its own: a student's worker gets its logits
//! and nothing else. They are computed once, as every epoch has the same images.

use super::data::Data;
use super::device::Device;
use super::learner::Learner;
use super::plan::Plan;
use super::requests::{load, logits, start};
use super::score::{Score, score};
use crate::worker::session::Session;
use anyhow::Result;
use ndarray::Array2;
use wire::Tensors;

/// The output of a teacher.
#[derive(Debug)]
pub struct TeacherOutput {
    /// The logits for the training set, \[n, K\].
    pub logits: Array2<f32>,
    /// The loss and accuracy on the test set.
    pub score: Score,
}

/// Computes the logits of a teacher with these weights. `plan` is its student's.
///
/// # Errors
/// Returns an error if the weights are not a teacher's, or the worker gives no answer.
pub fn ask(
    session: &mut Session,
    plan: &Plan,
    data: &Data,
    device: Device,
    weights: Tensors,
) -> Result<TeacherOutput> {
    let teacher = Plan {
        learner: Learner::Teacher,
        amp: false,
        ..plan.clone()
    };
    start(session, &teacher, data, device)?;
    load(session, weights, Tensors::new())?;
    let classes = data.classes.len();
    let held_out = logits(session, &data.split.test, classes)?;
    let (score, _) = score(held_out.view(), &data.split.test.labels.to_vec());
    Ok(TeacherOutput {
        logits: logits(session, &data.split.train, classes)?,
        score,
    })
}
