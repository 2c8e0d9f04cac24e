//! The teacher of a DeiT at work: what it says of the images that its student learns from.
//!
//! It is the reference's, whoever the student is, and works in a worker of its own: a student's worker gets what it says
//! and nothing else. It says it once, as every epoch has the same images.

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

/// What a teacher says.
#[derive(Debug)]
pub struct Sayings {
    /// Of the images to learn from, \[n, K\].
    pub logits: Array2<f32>,
    /// How well it tells the held-out images apart.
    pub score: Score,
}

/// Asks a teacher with these weights. `plan` is its student's.
///
/// # Errors
/// Where the weights are not a teacher's, or the worker gives no answer.
pub fn ask(
    session: &mut Session,
    plan: &Plan,
    data: &Data,
    device: Device,
    weights: Tensors,
) -> Result<Sayings> {
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
    Ok(Sayings {
        logits: logits(session, &data.split.train, classes)?,
        score,
    })
}
