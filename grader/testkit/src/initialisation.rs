//! Initial values of Vision Transformers against their distribution: the normal distribution, cut off at two standard
//! deviations.

use crate::distribution::{assert_drawn_apart, assert_uniform};
use crate::{AsValues, tensor};
use tch::nn::VarStore;
use tch::{Kind, Tensor};

/// The places of numbers in the normal distribution that is cut off at two deviations: uniform in ±1 where they are drawn
/// from it.
///
/// # Panics
/// Panics if they are not.
pub fn truncated_normal_scores(what: &str, drawn: &Tensor, std: f64) -> Vec<f64> {
    let z = drawn.to_kind(Kind::Double) / std;
    let largest = z.abs().max().double_value(&[]);
    // Rounding to f32 may carry the end 6e-8 of it too far.
    assert!(
        largest <= 2.0 + 1e-6,
        "{what}: a number {largest} deviations from 0"
    );
    let inside = Tensor::from(2_f64.sqrt()).erf();
    let scores = AsValues::values(&((z / 2_f64.sqrt()).erf() / inside)).data;
    let what = format!("{what}, as a place between both ends of the distribution");
    assert_uniform(&what, &scores, 1.0);
    scores
}

/// Fails unless the variables of models have the initial values of Vision Transformers: biases 0, weights of norms 1, all
/// others drawn one by one from the truncated normal distribution of this standard deviation, and others in each model.
/// Returns their places between both ends of the distribution, which are uniform in ±1.
///
/// # Panics
/// Panics with the name of a variable that has other values.
pub fn assert_initial_values(models: &[(&str, VarStore)], std: f64) -> Vec<f64> {
    let mut drawn = vec![];
    for (model, vs) in models {
        for (name, variable) in tensor::variables(vs) {
            let is_norm = name.contains("norm");
            if is_norm || name.ends_with("bias") {
                let value = if is_norm && name.ends_with("weight") {
                    1.0
                } else {
                    0.0
                };
                let values = AsValues::values(&variable).data;
                let is_right = values.iter().all(|&it| it == value);
                assert!(
                    is_right,
                    "{name} must start as {value}: {:?}",
                    values.first()
                );
                continue;
            }
            let name = format!("{name} of the {model} model");
            let scores = truncated_normal_scores(&name, &variable.detach(), std);
            drawn.push((name, scores));
        }
    }
    // Together they tell distributions apart that are too much alike for one variable's few numbers.
    let all: Vec<f64> = drawn
        .iter()
        .flat_map(|(_, scores)| scores)
        .copied()
        .collect();
    if !all.is_empty() {
        assert_uniform(
            "all initial weights, as places between both ends of the distribution",
            &all,
            1.0,
        );
    }
    assert_drawn_apart(&drawn);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{panic_message, property};
    use tch::Device;
    use tch::nn::Init;

    /// A model of a weight of 900 numbers, drawn by the truncated normal distribution, and what belongs to it.
    fn model(name: &str, std: f64, bias: f64) -> VarStore {
        let vs = VarStore::new(Device::Cpu);
        // Its distribution function, turned round: places between both ends to numbers.
        let places: Vec<f64> = property::stream(name).take(900).collect();
        let inside = Tensor::from(2_f64.sqrt()).erf();
        let numbers = (Tensor::from_slice(&places) * inside).erfinv() * (2_f64.sqrt() * std);
        let numbers = numbers.view([30, 30]).to_kind(Kind::Float);
        let _ = vs.root().var_copy("weight", &numbers);
        let _ = vs.root().var("bias", &[30], Init::Const(bias));
        let _ = (vs.root() / "norm").var("weight", &[30], Init::Const(1.0));
        vs
    }

    #[test]
    fn numbers_of_the_truncated_normal_distribution_pass_and_others_do_not() {
        let models = || {
            [
                ("first", model("a", 0.02, 0.0)),
                ("second", model("b", 0.02, 0.0)),
            ]
        };
        assert_initial_values(&models(), 0.02);
        let text = panic_message(|| assert_initial_values(&models(), 0.01));
        assert!(text.contains("deviations from 0"), "{text}");
        let text = panic_message(|| assert_initial_values(&models(), 0.04));
        assert!(text.contains("weight of the first model"), "{text}");
    }

    #[test]
    fn biases_that_are_not_zero_and_models_that_begin_alike_are_noticed() {
        let biased = [("first", model("a", 0.02, 0.1))];
        let text = panic_message(|| assert_initial_values(&biased, 0.02));
        assert!(text.starts_with("bias must start as 0"), "{text}");
        let alike = [
            ("first", model("a", 0.02, 0.0)),
            ("second", model("a", 0.02, 0.0)),
        ];
        let text = panic_message(|| assert_initial_values(&alike, 0.02));
        assert!(text.contains("begin with the same values"), "{text}");
    }
}
