//! Serves the functions of 07 rollout.

use ndarray::Array3;
use rollout::Fusion;
use std::process::ExitCode;
use std::str::FromStr;
use wire::Fault;
use workers::{Call, Operation, Outcome, gives, serve};

static OPERATIONS: &[Operation] = &[
    ("fuse_heads", fuse_heads),
    ("with_residual", with_residual),
    ("rollout", rollout),
    ("class_map", class_map),
    ("upsample", upsample),
    ("attention_distance", attention_distance),
];

fn main() -> ExitCode {
    serve(OPERATIONS)
}

fn fuse_heads(call: &Call) -> Outcome {
    let attention = call.array("attention")?;
    let fused = rollout::fuse_heads(attention.view(), fusion(call)?);
    gives("attention", &fused)
}

fn with_residual(call: &Call) -> Outcome {
    let attention = call.array("attention")?;
    gives("attention", &rollout::with_residual(attention.view()))
}

fn rollout(call: &Call) -> Outcome {
    let count = call.tensors().len();
    let layers = (0..count)
        .map(|layer| call.array(&format!("layer.{layer}")))
        .collect::<Result<Vec<Array3<f32>>, _>>()?;
    let rolled_out = rollout::rollout(&layers, fusion(call)?, call.argument("discard")?);
    gives("rollout", &rolled_out)
}

fn class_map(call: &Call) -> Outcome {
    let rollout = call.array("rollout")?;
    let grid: Size = call.argument("grid")?;
    let map = rollout::class_map(rollout.view(), call.argument("prefix")?, grid.into());
    gives("map", &map)
}

fn upsample(call: &Call) -> Outcome {
    let map = call.array("map")?;
    let size: Size = call.argument("size")?;
    gives("map", &rollout::upsample(map.view(), size.into()))
}

fn attention_distance(call: &Call) -> Outcome {
    let attention = call.array("attention")?;
    let grid: Size = call.argument("grid")?;
    let distance = rollout::attention_distance(
        attention.view(),
        call.argument("prefix")?,
        grid.into(),
        call.argument("patch")?,
    );
    gives("distance", &distance)
}

fn fusion(call: &Call) -> Result<Fusion, Fault> {
    let fusions = [
        ("mean", Fusion::Mean),
        ("max", Fusion::Max),
        ("min", Fusion::Min),
    ];
    call.choice("fusion", &fusions)
}

/// Rows and columns, written as `3x4`.
struct Size(usize, usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sides = text.split_once('x');
        let sides =
            sides.and_then(|(rows, columns)| Some((rows.parse().ok()?, columns.parse().ok()?)));
        let (rows, columns) = sides.ok_or("it must be rows and columns, as 14x14")?;
        Ok(Self(rows, columns))
    }
}

impl From<Size> for (usize, usize) {
    fn from(Size(rows, columns): Size) -> Self {
        (rows, columns)
    }
}
