//! AdamW and clipping of gradients, as PyTorch has them, on one flat buffer for all variables.
//!
//! libtorch's own optimiser takes some fifteen operations for each variable, and a Vision Transformer has a hundred
//! small ones. Here every variable costs two: its gradient is copied into a flat buffer, and its update is added from
//! there. What lies between is done once for all of them. tch offers neither libtorch's fused step nor its operations
//! on lists of tensors.

use std::collections::BTreeMap;
use tch::{COptimizer, Device, Kind, Tensor, no_grad_guard};

const BETA_MEAN: f64 = 0.9;
const BETA_SQUARE: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Names in [`AdamW::state`]: those of PyTorch's `state_dict`, and the variable's name behind the first two.
const MEAN: &str = "exp_avg.";
const SQUARE: &str = "exp_avg_sq.";
const STEP: &str = "step";

/// AdamW with the usual β₁ = 0.9, β₂ = 0.999 and ε = 1e-8.
///
/// ```text
/// m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
/// w ← w − rate · decay · w
/// w ← w − rate · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
///
/// Variables with one axis, which are biases and the norms' weights, do not decay.
///
/// Sources: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2; `torch.optim.AdamW`.
#[derive(Debug)]
pub struct AdamW {
    variables: Vec<(String, Tensor)>,
    weight_decay: f64,
    /// g of all variables, one after the other; once they are used, the updates in their place.
    gradients: Tensor,
    /// m, in the same order.
    mean: Tensor,
    /// v, in the same order.
    square: Tensor,
    /// The variables' parts of `gradients`: views, each of its variable's shape.
    parts: Vec<Tensor>,
    /// t, how many steps were taken.
    step: i64,
    /// libtorch's own optimiser, which takes no step: it can make gradients undefined, where tch alone can only fill
    /// them with zeros. The next backward pass then hands its gradients over, and adds nothing to nothing.
    forget: COptimizer,
}

impl AdamW {
    /// Makes the state for these variables, by name, which are all of one type and on one device. Variables with more
    /// than one axis lose `rate · weight_decay` of themselves in each step.
    ///
    /// # Panics
    /// Panics if a variable is not a leaf: the result of an operation that gradients flow through.
    pub fn new(variables: &[(String, Tensor)], weight_decay: f64) -> Self {
        let first = variables.first().map(|(_, first)| first);
        let options = first.map_or((Kind::Float, Device::Cpu), |v| (v.kind(), v.device()));
        let numbers = variables.iter().map(|(_, v)| v.numel() as i64).sum::<i64>();
        let zeros = || Tensor::zeros([numbers], options);
        let gradients = zeros();
        let mut forget = COptimizer::sgd(0.0, 0.0, 0.0, 0.0, false).expect("SGD takes a rate of 0");
        let copy = |(name, variable): &(String, Tensor)| {
            forget
                .add_parameters(variable, 0)
                .expect("a variable is no result");
            (name.clone(), variable.shallow_clone())
        };
        Self {
            variables: variables.iter().map(copy).collect(),
            weight_decay,
            parts: parts(&gradients, variables),
            gradients,
            mean: zeros(),
            square: zeros(),
            step: 0,
            forget,
        }
    }

    /// Takes a step with the variables' gradients, and clears them. A variable without a gradient counts as one whose
    /// gradient is 0.
    ///
    /// With `clip`, all gradients are first scaled by the same factor, so that their common norm is at most `clip`:
    /// `torch.nn.utils.clip_grad_norm_`. Returns the norm before that, on the variables' device: reading it waits for
    /// the device.
    pub fn step(&mut self, rate: f64, clip: Option<f64>) -> Tensor {
        let _guard = no_grad_guard();
        self.gather();
        let norm = self.gradients.norm();
        if let Some(clip) = clip {
            self.gradients *= (clip / (&norm + 1e-6)).clamp_max(1.0); // PyTorch's formula
        }
        self.step += 1;
        let t = self.step as f64;
        let _ = self.mean.lerp_(&self.gradients, 1.0 - BETA_MEAN);
        let _ = self
            .square
            .lerp_(&self.gradients.square(), 1.0 - BETA_SQUARE);
        let mut deviation = self.square.sqrt();
        deviation /= (1.0 - BETA_SQUARE.powf(t)).sqrt();
        deviation += EPSILON;
        self.gradients.copy_(&self.mean);
        self.gradients /= deviation;
        self.gradients *= -rate / (1.0 - BETA_MEAN.powf(t));
        for ((_, variable), update) in self.variables.iter_mut().zip(&self.parts) {
            if variable.dim() > 1 && self.weight_decay != 0.0 {
                *variable *= 1.0 - rate * self.weight_decay;
            }
            *variable += update;
        }
        norm
    }

    /// Copies the variables' gradients into the flat buffer, and clears them.
    fn gather(&mut self) {
        for ((_, variable), part) in self.variables.iter().zip(&mut self.parts) {
            let gradient = variable.grad();
            if gradient.defined() {
                part.copy_(&gradient);
            } else {
                let _ = part.zero_();
            }
        }
        self.forget.zero_grad().expect("gradients can be cleared");
    }

    /// All that another `AdamW` for the same variables needs to go on from here: copies, by name.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let step = (STEP.to_owned(), Tensor::from(self.step));
        let moments = [(MEAN, &self.mean), (SQUARE, &self.square)];
        let moments = moments.into_iter().flat_map(|(kind, flat)| {
            let parts = parts(flat, &self.variables);
            let named = self.variables.iter().zip(parts);
            named.map(move |((name, _), part)| (format!("{kind}{name}"), part.copy()))
        });
        [step].into_iter().chain(moments).collect()
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// Returns an error if a tensor is missing, is none of the state's, or has another shape or type, and names it. Nothing
    /// is taken over then.
    pub fn load(&mut self, state: &[(String, Tensor)]) -> Result<(), String> {
        let mut given: BTreeMap<_, _> = state.iter().map(|(name, tensor)| (name, tensor)).collect();
        let own = self.state();
        let mut came = Vec::with_capacity(own.len());
        for (name, own) in &own {
            let tensor = given
                .remove(name)
                .ok_or_else(|| format!("the optimiser's state has no {name:?}"))?;
            if (tensor.size(), tensor.kind()) != (own.size(), own.kind()) {
                return Err(format!(
                    "{name:?} in the optimiser's state is {:?} {:?}, and must be {:?} {:?}",
                    tensor.kind(),
                    tensor.size(),
                    own.kind(),
                    own.size()
                ));
            }
            came.push(tensor);
        }
        if let Some(name) = given.keys().next() {
            return Err(format!("{name:?} is no part of the optimiser's state"));
        }
        let (step, moments) = came.split_first().ok_or("the optimiser has no state")?;
        self.step = step.int64_value(&[]);
        let mut own = [&self.mean, &self.square].map(|flat| parts(flat, &self.variables));
        for (own, tensor) in own.iter_mut().flatten().zip(moments) {
            own.copy_(tensor);
        }
        Ok(())
    }
}

/// Views of a flat tensor, one for each variable and of its shape.
fn parts(flat: &Tensor, variables: &[(String, Tensor)]) -> Vec<Tensor> {
    let sizes: Vec<_> = variables.iter().map(|(_, v)| v.numel() as i64).collect();
    let parts = flat.split_with_sizes(&sizes, 0);
    let shaped = parts.iter().zip(variables);
    shaped.map(|(part, (_, v))| part.view_as(v)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 0.1;
    const DECAY: f64 = 0.05;
    const CLIP: f64 = 3.0;

    /// The results of PyTorch 2.11.0, in f64:
    ///
    /// ```python
    /// w = (torch.arange(6, dtype=torch.float64).view(2, 3) / 10).requires_grad_()
    /// b = (torch.arange(3, dtype=torch.float64) / 7).requires_grad_()
    /// adamw = torch.optim.AdamW([{"params": [w], "weight_decay": 0.05}, {"params": [b], "weight_decay": 0.0}])
    /// for step in range(1, 6):
    ///     ((w @ b).square().sum() + (3 * w).sin().sum() + b.cos().sum()).backward()
    ///     norm = torch.nn.utils.clip_grad_norm_([w, b], 3.0)
    ///     for group in adamw.param_groups:
    ///         group["lr"] = 0.1 / step
    ///     adamw.step()
    ///     adamw.zero_grad()
    /// ```
    const WEIGHTS: [f64; 6] = [
        -0.2252426652613438,
        -0.12765314028232,
        -0.02969974607397232,
        0.06874901765298838,
        0.16831104218303045,
        0.274966001965643,
    ];
    const BIASES: [f64; 3] = [
        -0.22889658936345766,
        -0.08493927654742194,
        0.5039302539943601,
    ];
    const NORMS: [f64; 5] = [
        5.345791201011061,
        6.066782114964913,
        6.304910945632222,
        6.415603560519123,
        6.472412026644919,
    ];

    /// Some hundred roundings of f64 in five steps, 1e-16 each; of the number itself where it is larger than 1.
    const ROUNDING: f64 = 1e-13;

    fn variables() -> Vec<(String, Tensor)> {
        let count = |n: i64, over: f64| Tensor::arange(n, (Kind::Double, Device::Cpu)) / over;
        let weights = count(6, 10.0).view([2, 3]).set_requires_grad(true);
        let biases = count(3, 7.0).set_requires_grad(true);
        vec![("w".to_owned(), weights), ("b".to_owned(), biases)]
    }

    /// The steps of the script, of those numbers; gives the gradients' lengths.
    fn train(
        adamw: &mut AdamW,
        variables: &[(String, Tensor)],
        steps: std::ops::RangeInclusive<u32>,
    ) -> Vec<f64> {
        let (w, b) = (&variables[0].1, &variables[1].1);
        let mut step = |step| {
            let products = w.mv(b).square().sum(Kind::Double);
            let waves = (w * 3.0).sin().sum(Kind::Double) + b.cos().sum(Kind::Double);
            (products + waves).backward();
            adamw
                .step(RATE / f64::from(step), Some(CLIP))
                .double_value(&[])
        };
        steps.map(&mut step).collect()
    }

    fn close(got: &[f64], expected: &[f64]) -> bool {
        let mut pairs = got.iter().zip(expected);
        got.len() == expected.len()
            && pairs.all(|(a, b)| (a - b).abs() < ROUNDING * b.abs().max(1.0))
    }

    fn values(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(tensor.detach().reshape([-1])).expect("numbers of f64")
    }

    fn all(variables: &[(String, Tensor)]) -> Vec<f64> {
        variables.iter().flat_map(|(_, v)| values(v)).collect()
    }

    #[test]
    fn steps_are_pytorchs() {
        let variables = variables();
        let mut adamw = AdamW::new(&variables, DECAY);
        let norms = train(&mut adamw, &variables, 1..=5);
        assert!(close(&norms, &NORMS), "{norms:?}");
        let trained = all(&variables);
        assert!(
            close(&trained, &[&WEIGHTS[..], &BIASES].concat()),
            "{trained:?}"
        );
    }

    #[test]
    fn gradients_are_cleared_and_clipped_only_where_asked() {
        let variables = variables();
        let mut adamw = AdamW::new(&variables, 0.0);
        let (w, b) = (&variables[0].1, &variables[1].1);
        ((w.sum(Kind::Double) + b.sum(Kind::Double)) * 1e-3).backward();
        let short = adamw.step(RATE, Some(CLIP));
        assert!(!w.grad().defined() && !b.grad().defined());
        (w.sum(Kind::Double) * 1e3).backward();
        let long = adamw.step(RATE, None);
        let norms = [short, long].map(|norm| norm.double_value(&[]));
        assert!(close(&norms, &[3e-3, 6_f64.sqrt() * 1e3]));
        // 0.1 · 0.9 of the first gradient and 0.1 of the second, which `b` has not.
        let state = adamw.state();
        assert!(close(&values(&state[1].1), &[100.000_09; 6]), "{state:?}");
        assert!(close(&values(&state[2].1), &[0.000_09; 3]), "{state:?}");
    }

    #[test]
    fn a_loaded_state_goes_on_to_the_bit() {
        let (straight, stopped) = (variables(), variables());
        train(&mut AdamW::new(&straight, DECAY), &straight, 1..=5);
        let mut first = AdamW::new(&stopped, DECAY);
        train(&mut first, &stopped, 1..=2);
        let mut second = AdamW::new(&stopped, DECAY);
        second
            .load(&first.state())
            .expect("the state of the same variables");
        train(&mut second, &stopped, 3..=5);
        assert_eq!(all(&straight), all(&stopped));
    }

    #[test]
    fn a_state_of_other_variables_is_refused_by_name() {
        let mut adamw = AdamW::new(&variables(), DECAY);
        let changed = |change: fn(&mut Vec<(String, Tensor)>)| {
            let mut state = adamw.state();
            change(&mut state);
            state
        };
        let cases = [
            (changed(|state| drop(state.remove(0))), "no \"step\""),
            (
                changed(|state| state[1].1 = Tensor::zeros([3, 2], (Kind::Double, Device::Cpu))),
                "exp_avg.w",
            ),
            (
                changed(|state| state[4].1 = state[4].1.to_kind(Kind::Float)),
                "exp_avg_sq.b",
            ),
            (
                changed(|state| state.push(("exp_avg.c".to_owned(), Tensor::from(0.0)))),
                "exp_avg.c",
            ),
        ];
        for (state, named) in cases {
            let error = adamw.load(&state).expect_err("another state");
            assert!(error.contains(named), "{error}");
        }
    }
}
