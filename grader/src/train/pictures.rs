//! The pictures of a run: loss and accuracy by epoch, and the confusion matrix.

use super::history::Epoch;
use super::score::Score;
use crate::picture;
use anyhow::Result;
use ndarray::Array2;
use pictures::{Curve, Picture, confusion, curves};
use std::path::Path;

/// Writes `loss`, `accuracy` and `confusion`, each as PNG and SVG.
///
/// # Errors
/// Returns an error if there is no epoch, or the files cannot be written.
pub fn write(
    folder: &Path,
    epochs: &[Epoch],
    counts: &Array2<u64>,
    classes: &[String],
) -> Result<()> {
    let loss = chart("Loss", "nats", epochs, |score| score.loss)?;
    picture::write(&loss, folder, "loss")?;
    let accuracy = chart("Accuracy", "accuracy in %", epochs, |score| {
        100.0 * score.accuracy()
    })?;
    picture::write(&accuracy, folder, "accuracy")?;
    picture::write(&confusion(counts.view(), classes)?, folder, "confusion")?;
    Ok(())
}

fn chart(title: &str, unit: &str, epochs: &[Epoch], value: fn(&Score) -> f64) -> Result<Picture> {
    let points = |of: fn(&Epoch) -> &Score| -> Vec<_> {
        let points = epochs.iter();
        points
            .map(|epoch| (epoch.epoch as f64, value(of(epoch))))
            .collect()
    };
    let (train, validation) = (
        points(|epoch| &epoch.train),
        points(|epoch| &epoch.validation),
    );
    let lines = [
        Curve {
            label: "while learning",
            points: &train,
        },
        Curve {
            label: "validation",
            points: &validation,
        },
    ];
    curves(title, "epoch", unit, &lines)
}
