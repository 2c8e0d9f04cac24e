//! Serves the functions of 02 positions.

use std::process::ExitCode;
use workers::{Call, Outcome, gives, serve};

fn main() -> ExitCode {
    serve(&[
        ("sinusoidal", sinusoidal),
        ("cosine_similarity", cosine_similarity),
        ("interpolate", interpolate),
    ])
}

fn sinusoidal(call: &Call) -> Outcome {
    let table = positions::sinusoidal(call.argument("len")?, call.argument("dim")?);
    gives("positions", &table)
}

fn cosine_similarity(call: &Call) -> Outcome {
    let positions = call.array("positions")?;
    let similarity = positions::cosine_similarity(positions.view());
    gives("similarity", &similarity)
}

fn interpolate(call: &Call) -> Outcome {
    let positions = call.array("positions")?;
    let resized = positions::interpolate(positions.view(), call.argument("grid")?);
    gives("positions", &resized)
}
