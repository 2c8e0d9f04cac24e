//! What happened, epoch by epoch: `history.json` and `history.csv`.

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
    /// On what was learnt from, as it was learnt; the worker says so.
    pub train: Score,
    /// On the validation set after it, from the worker's logits.
    pub validation: Score,
    /// Seconds that learning took.
    pub seconds: f64,
}

/// What `history.json` holds.
#[derive(Clone, Debug, Serialize)]
pub struct History<'a> {
    /// 1; fields may be added, and when one changes its meaning or goes, it grows.
    pub schema: u32,
    /// What was trained: `working copy`, `solution`, or the submission's name.
    pub subject: &'a str,
    /// How.
    pub plan: &'a Plan,
    /// On what.
    pub device: &'a str,
    /// How much of the sandbox was in force.
    pub sandbox: &'a str,
    /// How many numbers were learnt.
    pub parameters: i64,
    /// What the labels mean.
    pub classes: &'a [String],
    /// The epochs.
    pub epochs: &'a [Epoch],
    /// On the held-out images, once the run is through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
}

/// What the held-out images gave.
#[derive(Clone, Debug, Serialize)]
pub struct Test {
    /// The epoch whose weights they were.
    pub epoch: usize,
    /// How many were told apart.
    pub score: Score,
    /// Whether the reference gives the same logits with these weights; where it does not, the score does not count.
    pub confirmed: bool,
    /// For each class, a row, what its images were taken for, a column.
    pub confusion: Vec<Vec<u64>>,
    /// Each head alone, by its name, where the model has several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub heads: BTreeMap<String, Score>,
    /// The teacher, where there is one.
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
