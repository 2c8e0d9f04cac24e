//! The requests to a worker that trains, a function for each operation, with checks that the answers are possible. The
//! table of the operations is in `workers::training`.

use super::data::{self, Data};
use super::device::Device;
use super::plan::Plan;
use crate::worker::broken::Broken;
use crate::worker::session::Session;
use anyhow::Result;
use datasets::Dataset;
use ndarray::{Array1, Array2};
use wire::{RawTensor, Request, Tensors};

/// Sends the images to learn from.
pub(super) fn send_lessons(session: &mut Session, data: &Data) -> Result<()> {
    let train = &data.split.train;
    for part in data::parts(train) {
        let mut tensors = Tensors::from([
            ("images".to_owned(), data::pixels(train, part.clone())?),
            ("labels".to_owned(), data::labels(train, part.clone())),
        ]);
        if let Some(teacher) = &data.teacher {
            tensors.insert("teacher".to_owned(), data::sayings(teacher, part));
        }
        session.ask(Request {
            operation: "train.data".to_owned(),
            tensors,
            ..Request::default()
        })?;
    }
    Ok(())
}

/// Has the model built; returns the number of its trainable parameters.
pub(super) fn start(
    session: &mut Session,
    plan: &Plan,
    data: &Data,
    device: Device,
) -> Result<i64, Broken> {
    const OPERATION: &str = "train.start";
    let Data {
        mean, std, split, ..
    } = data;
    let arguments = plan.arguments(split.train.len(), &device.to_string(), *mean, *std);
    let answer = session.ask(Request {
        operation: OPERATION.to_owned(),
        arguments: arguments.into_iter().collect(),
        ..Request::default()
    })?;
    let numbers = answer.get("parameters").map(RawTensor::to_f64);
    match numbers.as_deref() {
        Some(&[parameters]) => Ok(parameters as i64),
        _ => Err(Broken::forged(OPERATION, "no number of parameters")),
    }
}

/// Has it take steps, each on the next batch of that order; gives the loss of each, and how many of its images were right.
pub(super) fn steps(
    session: &mut Session,
    order: &[usize],
    batch: usize,
    from: usize,
) -> Result<Vec<(f64, usize)>, Broken> {
    const OPERATION: &str = "train.steps";
    let indices: Array1<i64> = order.iter().map(|&place| place as i64).collect();
    let answer = session.ask(Request {
        operation: OPERATION.to_owned(),
        arguments: [("batch", batch), ("from", from)]
            .map(|(name, value)| (name.to_owned(), value.to_string()))
            .into(),
        tensors: Tensors::from([("order".to_owned(), (&indices).into())]),
    })?;
    let batches = order.chunks(batch).map(<[usize]>::len);
    let steps = batches.len();
    let numbers = |name: &str| {
        let numbers = answer.get(name).map(RawTensor::to_f64);
        numbers
            .filter(|numbers| numbers.len() == steps)
            .ok_or_else(|| {
                Broken::forged(OPERATION, format!("{name} does not hold {steps} values"))
            })
    };
    let (losses, right) = (numbers("losses")?, numbers("right")?);
    let right = right.into_iter().zip(batches).map(|(right, images)| {
        counted(right, images)
            .ok_or_else(|| Broken::forged(OPERATION, format!("{right} of {images} images right")))
    });
    let taken = losses.into_iter().zip(right);
    taken.map(|(loss, right)| Ok((loss, right?))).collect()
}

/// The number of a batch's images classified correctly, as reported by a worker; None if it is not a possible count.
fn counted(right: f64, batch: usize) -> Option<usize> {
    let is_count = right.fract() == 0.0 && (0.0..=batch as f64).contains(&right);
    is_count.then_some(right as usize)
}

/// The most bytes of a state in one request: a quarter of its limit.
const PART: usize = 16 << 20;

const WEIGHT: &str = "weight.";
const ADAMW: &str = "adamw.";

/// Puts weights, and the optimiser's state where there is one, into their places.
pub(super) fn load(session: &mut Session, weights: Tensors, adamw: Tensors) -> Result<(), Broken> {
    let named = |start: &'static str, tensors: Tensors| {
        let tensors = tensors.into_iter();
        tensors.map(move |(name, tensor)| (format!("{start}{name}"), tensor))
    };
    let mut all = named(WEIGHT, weights).chain(named(ADAMW, adamw)).peekable();
    while all.peek().is_some() {
        let (mut part, mut bytes) = (Tensors::new(), 0);
        while let Some((name, tensor)) = all.next_if(|_| bytes < PART) {
            bytes += tensor.bytes().len();
            part.insert(name, tensor);
        }
        let last = all.peek().is_none().to_string();
        session.ask(Request {
            operation: "train.load".to_owned(),
            arguments: [("last".to_owned(), last)].into(),
            tensors: part,
        })?;
    }
    Ok(())
}

/// The most that a worker's state may be: more is no model of this course, and would fill the memory.
const MOST_STATE: usize = 4 << 30;

/// Gets weights and the optimiser's state.
pub(super) fn state(session: &mut Session) -> Result<(Tensors, Tensors), Broken> {
    const OPERATION: &str = "train.state";
    let forged = |why: &str| Broken::forged(OPERATION, why);
    let (mut weights, mut adamw, mut bytes) = (Tensors::new(), Tensors::new(), 0);
    loop {
        let from = weights.len() + adamw.len();
        let mut part = session.ask(Request {
            operation: OPERATION.to_owned(),
            arguments: [("from".to_owned(), from.to_string())].into(),
            ..Request::default()
        })?;
        let left = part.remove("left").map(|left| left.to_f64());
        let left = left.and_then(|left| left.first().copied());
        let left = left.ok_or_else(|| forged("it does not say how much is left"))?;
        for (name, tensor) in part {
            bytes += tensor.bytes().len();
            if let Some(name) = name.strip_prefix(WEIGHT) {
                weights.insert(name.to_owned(), tensor);
            } else if let Some(name) = name.strip_prefix(ADAMW) {
                adamw.insert(name.to_owned(), tensor);
            } else {
                return Err(forged(
                    "a tensor that is neither a weight nor the optimiser's",
                ));
            }
        }
        if left == 0.0 {
            return Ok((weights, adamw));
        }
        if weights.len() + adamw.len() == from || bytes > MOST_STATE {
            return Err(forged("it does not come to an end"));
        }
    }
}

/// The logits of a set's images.
pub(super) fn logits(session: &mut Session, set: &Dataset, classes: usize) -> Result<Array2<f32>> {
    Ok(logits_of_heads(session, set, classes, &[])?.0)
}

/// The logits of a set's images, and those of each head alone.
pub(super) fn logits_of_heads(
    session: &mut Session,
    set: &Dataset,
    classes: usize,
    heads: &[&str],
) -> Result<(Array2<f32>, Vec<Array2<f32>>)> {
    const OPERATION: &str = "train.logits";
    let mut all = Array2::zeros((0, classes));
    let mut of_heads = vec![all.clone(); heads.len()];
    for part in data::parts(set) {
        let images = part.len();
        let mut answer = session.ask(Request {
            operation: OPERATION.to_owned(),
            tensors: Tensors::from([("images".to_owned(), data::pixels(set, part)?)]),
            ..Request::default()
        })?;
        let mut take = |name: &str| {
            let logits = answer.remove(name);
            let logits = logits.and_then(|logits| logits.to_array().ok());
            let logits = logits.filter(|logits: &Array2<f32>| logits.dim() == (images, classes));
            let lacks = || format!("no {name} f32 [{images}, {classes}]");
            logits.ok_or_else(|| Broken::forged(OPERATION, lacks()))
        };
        all.append(ndarray::Axis(0), take("logits")?.view())?;
        for (head, logits) in heads.iter().zip(&mut of_heads) {
            logits.append(ndarray::Axis(0), take(&format!("head.{head}"))?.view())?;
        }
    }
    Ok((all, of_heads))
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn no_more_are_right_than_there_are() {
        assert_eq!(counted(0.0, 3), Some(0));
        assert_eq!(counted(3.0, 3), Some(3));
        for forged in [4.0, -1.0, 0.5, 1e300, f64::INFINITY, f64::NAN] {
            assert_eq!(counted(forged, 3), None, "{forged}");
        }
    }
}
