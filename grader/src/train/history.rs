//! The history of a run, epoch by epoch: `history.json` and `history.csv`.

use super::plan::Plan;
use super::score::Score;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// Steps taken since the beginning.
    pub step: usize,
    /// The score on the training set, taken during the epoch, as the worker reports it.
    pub train: Score,
    /// The score on the validation set after the epoch, from the worker's logits.
    pub validation: Score,
    /// The seconds that training took.
    pub seconds: f64,
}

/// The contents of `history.json`.
#[derive(Clone, Debug, Serialize)]
pub struct History<'a> {
    /// 1; fields may be added, and when one changes its meaning or goes, it grows.
    pub schema: u32,
    /// The code that was trained: `working copy`, `solution`, or the submission's name.
    pub subject: &'a str,
    /// The hyperparameters.
    pub plan: &'a Plan,
    /// The device.
    pub device: &'a str,
    /// The layers of the sandbox that were in force.
    pub sandbox: &'a str,
    /// The number of trainable parameters.
    pub parameters: i64,
    /// The names of the classes, by label.
    pub classes: &'a [String],
    /// The epochs.
    pub epochs: &'a [Epoch],
    /// The result on the test set, once the run is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
}

/// The result on the test set.
#[derive(Clone, Debug, Serialize)]
pub struct Test {
    /// The epoch of the weights.
    pub epoch: usize,
    /// The loss and accuracy.
    pub score: Score,
    /// Whether the reference gives the same logits with these weights; where it does not, the score does not count.
    pub confirmed: bool,
    /// The confusion matrix: true classes in rows, predicted classes in columns.
    pub confusion: Vec<Vec<u64>>,
    /// The score of each head alone, by its name, if the model has several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub heads: BTreeMap<String, Score>,
    /// The teacher's score, if there is a teacher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<Score>,
}

impl Test {
    /// As the files hold it.
    pub fn new(epoch: usize, score: Score, confirmed: bool, confusion: &Array2<u64>) -> Self {
        Self {
            epoch,
            score,
            confirmed,
            confusion: confusion.outer_iter().map(|row| row.to_vec()).collect(),
            heads: BTreeMap::new(),
            teacher: None,
        }
    }
}

/// The epochs as a table for spreadsheets.
pub fn csv(epochs: &[Epoch]) -> String {
    let mut table = String::from(
        "epoch,step,train_loss,train_accuracy,validation_loss,validation_accuracy,seconds\n",
    );
    for Epoch {
        epoch,
        step,
        train,
        validation,
        seconds,
    } in epochs
    {
        // Writing to a text does not fail.
        let _ = writeln!(
            table,
            "{epoch},{step},{:.6},{:.6},{:.6},{:.6},{seconds:.3}",
            train.loss,
            train.accuracy(),
            validation.loss,
            validation.accuracy()
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_a_line() {
        let epoch = Epoch {
            epoch: 2,
            step: 8,
            train: Score {
                loss: 0.5,
                right: 30,
                images: 40,
            },
            validation: Score {
                loss: 0.25,
                right: 9,
                images: 10,
            },
            seconds: 1.5,
        };
        let table = csv(&[epoch]);
        assert_eq!(
            table.lines().nth(1),
            Some("2,8,0.500000,0.750000,0.250000,0.900000,1.500")
        );
        let columns = |line: &str| line.split(',').count();
        assert!(table.lines().all(|line| columns(line) == 7));
    }
}
