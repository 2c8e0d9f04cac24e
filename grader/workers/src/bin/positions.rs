//! Serves the functions of 02 positions.

use std::process::ExitCode;
use workers::{Call, Operation, Outcome, gives, serve};

static OPERATIONS: &[Operation] = &[
    ("sinusoidal", sinusoidal),
    ("cosine_similarity", cosine_similarity),
    ("interpolate", interpolate),
];

fn main() -> ExitCode {
    serve(OPERATIONS)
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
