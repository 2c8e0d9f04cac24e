//! The evaluation of a trained model: the logits of its weights for the test set, computed by a new worker that has
//! nothing else, and by the reference's.

use super::data::Data;
use super::device::Device;
use super::plan::Plan;
use super::requests::{load, logits_of_heads, start};
use super::score::{Score, score};
use crate::worker::broken::Broken;
use crate::worker::session::Session;
use anyhow::{Result, anyhow};
use ndarray::Array2;
use std::fmt;
use wire::{Tensors, printable};

/// The result on the test set.
#[derive(Debug)]
pub struct TestReport {
    /// The loss and accuracy.
    pub score: Score,
    /// The confusion matrix: true classes in rows, predicted classes in columns.
    pub confusion: Array2<u64>,
    /// The score of each head alone, by its name, if the model has several.
    pub heads: Vec<(&'static str, Score)>,
    /// The reason why the score does not count: the reference, given the same weights, gives other logits.
    pub doubt: Option<String>,
}

/// A logit on which submission and reference do not agree.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Difference {
    image: usize,
    class: usize,
    submission: f32,
    reference: f32,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            image,
            class,
            submission,
            reference,
        } = self;
        write!(
            f,
            "with these weights the reference does not give these logits: for held-out image {image} and class {class} it gives {reference}, not {submission}"
        )
    }
}

/// The largest difference between two ways to compute the same logit in f32: some hundred operations follow one
/// another, each rounded by 6e-8, and the last blocks' values are larger than the logits. Other models differ by 1 and
/// more.
const ABSOLUTE: f32 = 1e-3;
const RELATIVE: f32 = 1e-3;

/// Gives the weights to new workers, the submission's and, where it is another, the reference's, and scores the
/// logits. Both calculate on the CPU and in f32, whatever it was trained on.
///
/// # Errors
/// Returns an error if the weights are not those of the course's variables, or a worker gives no answer.
pub fn examine(
    mut submission: Session,
    reference: Option<Session>,
    plan: &Plan,
    data: &Data,
    weights: &Tensors,
) -> Result<TestReport> {
    let test = &data.split.test;
    let heads = plan.learner.heads();
    let ask = |session: &mut Session| -> Result<(Array2<f32>, Vec<Array2<f32>>)> {
        let exact = Plan {
            amp: false,
            ..plan.clone()
        };
        start(session, &exact, data, Device::Cpu)?;
        load(session, weights.clone(), Tensors::new())?;
        logits_of_heads(session, test, data.classes.len(), heads)
    };
    let (given, of_heads) = ask(&mut submission)?;
    drop(submission);
    let doubt = match reference.map(|mut reference| ask(&mut reference)) {
        None => None,
        Some(Ok((expected, expected_of_heads))) => {
            let all = [(&given, &expected)].into_iter();
            let mut all = all.chain(of_heads.iter().zip(&expected_of_heads));
            let found = all.find_map(|(given, expected)| difference(given, expected));
            found.map(|found| found.to_string())
        }
        Some(Err(error)) => Some(refusal(error)?),
    };
    let labels = test.labels.to_vec();
    let of_heads = heads.iter().zip(&of_heads);
    let of_heads = of_heads.map(|(name, logits)| (*name, score(logits.view(), &labels).0));
    let heads = of_heads.collect();
    let (score, confusion) = score(given.view(), &labels);
    Ok(TestReport {
        score,
        confusion,
        heads,
        doubt,
    })
}

/// The reference's refusal of the weights, in words: it accepts all weights but those of another model.
///
/// # Errors
/// Returns an error if the reference's worker failed otherwise, which is no fault of the submission. That error is not
/// a [`Broken`], which would be taken for a failure of the submission's own worker; only an interruption still is.
fn refusal(error: anyhow::Error) -> Result<String> {
    match error.downcast_ref::<Broken>() {
        Some(Broken::Fault(fault)) => Ok(format!(
            "the reference does not take these weights: {}",
            printable(&fault.message)
        )),
        Some(Broken::Stopped) => Err(error),
        _ => Err(anyhow!("the reference's worker broke down: {error:#}")),
    }
}

/// The worst of those logits that differ, if any does.
fn difference(submission: &Array2<f32>, reference: &Array2<f32>) -> Option<Difference> {
    let pairs = submission.indexed_iter().zip(reference);
    let beyond = pairs.filter_map(|(((image, class), &submission), &reference)| {
        let off = (submission - reference).abs();
        let within = off <= ABSOLUTE + RELATIVE * reference.abs();
        let is = Difference {
            image,
            class,
            submission,
            reference,
        };
        (!within).then_some((off, is))
    });
    let worst = beyond.max_by(|(a, _), (b, _)| a.total_cmp(b));
    worst.map(|(_, difference)| difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use std::time::Duration;
    use wire::Fault;

    #[test]
    fn what_befalls_the_references_worker_is_not_the_submissions_doing() {
        let late = Broken::Late {
            operation: "train.logits".to_owned(),
            limit: Duration::from_secs(300),
        };
        let error = refusal(late.into()).expect_err("no word of the weights");
        assert!(!error.is::<Broken>(), "{error:#}");
        assert!(error.to_string().contains("no answer within 300 s"));
        let stopped = refusal(Broken::Stopped.into()).expect_err("no word of the weights");
        assert!(matches!(stopped.downcast_ref(), Some(Broken::Stopped)));
        let fault = refusal(Broken::Fault(Fault::wrong_shape("no such weight")).into());
        let said = fault.expect("a word of the weights");
        assert!(said.ends_with("weights: no such weight"), "{said}");
    }

    #[test]
    fn roundings_are_no_difference_and_another_model_is() {
        let reference = array![[10.0, -0.2], [0.0, 3.0]];
        let rounded = array![[10.001, -0.2001], [1e-6, 3.0]];
        assert_eq!(difference(&rounded, &reference), None);
        let other = array![[10.0, -0.2], [0.5, 2.9]];
        let found = difference(&other, &reference).expect("another model");
        assert_eq!((found.image, found.class, found.submission), (1, 0, 0.5));
        let none = array![[10.0, f32::NAN], [0.0, 3.0]];
        assert!(difference(&none, &reference).is_some());
    }
}
