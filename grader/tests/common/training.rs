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

/// The score on the training set that a training of one epoch wrote.
pub(crate) fn score(out: &Path) -> Result<Value, Box<dyn Error>> {
    let history: Value = serde_json::from_slice(&fs::read(out.join("history.json"))?)?;
    let train = history["epochs"][0]["train"].clone();
    assert!(train["loss"].as_f64() > Some(0.0), "{history}");
    Ok(train)
}
