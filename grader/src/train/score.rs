//! Scores of logits: loss, accuracy and confusion matrix. The labels are here, and never in a worker.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

/// The loss and accuracy on a set of images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The mean cross-entropy, in nats.
    pub loss: f64,
    /// The number of images whose largest logit is the label's.
    pub right: usize,
    /// The number of images.
    pub images: usize,
}

impl Score {
    /// The accuracy, from 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.images.max(1) as f64
    }
}

/// Scores logits, \[n, K\], and counts the confusion matrix: true classes in rows, predicted classes in columns.
///
/// Of equal logits the first counts, and NaN is never the largest.
///
/// # Panics
/// Panics if there are fewer logits than labels, or a label has no logit.
pub fn score(logits: ArrayView2<'_, f32>, labels: &[u8]) -> (Score, Array2<u64>) {
    let classes = logits.len_of(Axis(1));
    let mut confusion = Array2::zeros((classes, classes));
    let (mut loss, mut right) = (0.0, 0);
    for (row, &label) in logits.outer_iter().zip(labels) {
        let label = usize::from(label);
        let row: Vec<f64> = row.iter().map(|&logit| f64::from(logit)).collect();
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let rest: f64 = row.iter().map(|logit| (logit - largest).exp()).sum();
        loss += rest.ln() + largest - row[label];
        if let Some(taken) = row.iter().position(|&logit| logit == largest) {
            confusion[[label, taken]] += 1;
            right += usize::from(taken == label);
        }
    }
    let score = Score {
        loss: loss / labels.len().max(1) as f64,
        right,
        images: labels.len(),
    };
    (score, confusion)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_loss_is_pytorchs_and_the_counts_are_those_of_the_eye() {
        let logits = array![
            [2.0, 1.0, 0.1],
            [0.5, 2.5, 0.3],
            [0.2, 0.1, -3.0],
            [1.0, 1.0, 0.0]
        ];
        let (score, confusion) = score(logits.view(), &[0, 1, 2, 1]);
        // torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 1])), f64, PyTorch 2.11.0
        let expected = 1.341_161_140_467_284_5;
        // The logits are rounded to f32, 6e-8 each.
        assert!((score.loss - expected).abs() < 1e-6, "{}", score.loss);
        assert_eq!((score.right, score.images, score.accuracy()), (2, 4, 0.5));
        assert_eq!(confusion, array![[1, 0, 0], [1, 1, 0], [1, 0, 0]]);
    }

    #[test]
    fn what_is_no_number_is_not_right() {
        let nothing = array![[f32::NAN, f32::NAN], [f32::NAN, 1.0]];
        let (score, confusion) = score(nothing.view(), &[0, 0]);
        assert_eq!(score.right, 0);
        assert!(score.loss.is_nan());
        assert_eq!(confusion, array![[0, 1], [0, 0]]);
    }

    #[test]
    fn large_logits_give_a_finite_loss() {
        let (score, _) = score(array![[3e4, -3e4]].view(), &[1]);
        assert_eq!(score.loss, 6e4);
    }
}
