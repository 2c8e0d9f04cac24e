//! The training step of the solutions' Vision Transformer, timed for `step.py`: with a batch of noise,
//! for each number that comes in on a line, so many steps, and on a line the seconds they took.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::Instant;
use tch::{Device, Kind, Tensor, nn};
use vit_solution::{Vit, VitConfig};
use workers::training::AdamW;

const USAGE: &str = "usage: step BATCH PATCH DIM DEPTH HEADS THREADS";
const RATE: f64 = 1e-3;
const DECAY: f64 = 0.01;

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<i64> = std::env::args()
        .skip(1)
        .map(|argument| argument.parse())
        .collect::<Result<_, _>>()?;
    let [batch, patch, dim, depth, heads, threads] = numbers[..] else {
        return Err(USAGE.into());
    };
    tch::set_num_threads(i32::try_from(threads)?);
    tch::manual_seed(0);
    let config = VitConfig {
        patch,
        dim,
        depth,
        heads,
        ..VitConfig::mnist()
    };
    let vs = nn::VarStore::new(Device::Cpu);
    let vit = Vit::new(&vs.root(), &config);
    let variables: Vec<_> = vs.variables().into_iter().collect();
    let mut adamw = AdamW::new(&variables, DECAY);
    let side = config.image;
    let images = Tensor::randn([batch, 1, side, side], (Kind::Float, Device::Cpu));
    let labels = Tensor::randint(config.classes, [batch], (Kind::Int64, Device::Cpu));
    let mut step = || {
        let loss = vit
            .forward_t(&images, true)
            .cross_entropy_for_logits(&labels);
        loss.backward();
        let _ = adamw.step(RATE, None);
    };
    let mut answers = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let steps: u32 = line?.trim().parse()?;
        let start = Instant::now();
        for _ in 0..steps {
            step();
        }
        writeln!(answers, "{}", start.elapsed().as_secs_f64())?;
        answers.flush()?;
    }
    Ok(())
}
