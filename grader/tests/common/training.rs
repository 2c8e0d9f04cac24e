//! A short training.

use serde_json::Value;
use std::error::Error;
use std::fs;
use std::path::Path;

/// The arguments of a training of the solution that ends after two steps and writes to `out`.
pub(crate) fn arguments(out: &Path) -> Vec<String> {
    let fixed = [
        "train",
        "--solution",
        "--patch-size=14",
        "--dim=16",
        "--depth=1",
        "--heads=2",
        "--train-images=100",
        "--batch-size=50",
        "--epochs=1",
        "--device=cpu",
    ];
    let out = format!("--out={}", out.display());
    fixed.map(str::to_owned).into_iter().chain([out]).collect()
}

/// The losses and accuracies of the training set that a training wrote.
pub(crate) fn losses(out: &Path) -> Result<Value, Box<dyn Error>> {
    let history: Value = serde_json::from_slice(&fs::read(out.join("history.json"))?)?;
    let train = history["train"].clone();
    assert!(!train.is_null(), "{history}");
    Ok(train)
}
