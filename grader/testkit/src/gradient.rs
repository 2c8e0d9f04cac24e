//! Gradients: vector-Jacobian products, here or in another process, and finite differences to compare them with.

use crate::{AsValues, Tolerance, close, tensor};
use std::collections::BTreeMap;
use tch::{Kind, Tensor, no_grad, no_grad_guard};

/// The output of a function and, by the name of each input, the gradient of Σ output · cotangent.
#[derive(Debug)]
pub struct Vjp {
    /// The output of the function.
    pub output: Tensor,
    /// Gradients by input; one that the output does not depend on is absent.
    pub gradients: BTreeMap<String, Tensor>,
}

/// The vector-Jacobian product of `function` at `inputs`, which are the tensors that it uses, by name.
///
/// In a student's process and on the solution this is libtorch's backward pass. In the judge the function
/// is a stand-in, and the other process takes the product; see [`remote`].
///
/// # Panics
/// Panics if the output does not have the cotangent's shape, or has no gradient at all.
pub fn vjp(function: impl Fn() -> Tensor, inputs: &[(String, Tensor)], cotangent: &Tensor) -> Vjp {
    remote::ask(cotangent);
    let output = function();
    if let Some(gradients) = remote::answer() {
        return Vjp { output, gradients };
    }
    assert_eq!(
        output.size(),
        cotangent.size(),
        "the output must have the shape of the cotangent (right)"
    );
    for (_, input) in inputs {
        let mut left_over = input.grad();
        if left_over.defined() {
            let _ = left_over.zero_();
        }
    }
    assert!(
        output.requires_grad(),
        "the output has no gradient: it is cut off from all of its inputs (detach, no_grad, or a copy through plain numbers)"
    );
    (&output * cotangent).sum(output.kind()).backward();
    let gradients = inputs
        .iter()
        .map(|(name, input)| (name.clone(), input.grad()))
        .filter(|(_, gradient)| gradient.defined())
        .map(|(name, gradient)| (name, gradient.copy()))
        .collect();
    Vjp {
        output: output.detach(),
        gradients,
    }
}

/// Fails unless each input's gradient is there, finite, of its input's shape, and not zero everywhere.
pub fn assert_reaches_every(function: impl Fn() -> Tensor, inputs: &[(String, Tensor)]) {
    let (vjp, _) = at_some_cotangent(function, inputs);
    for (name, input) in inputs {
        let gradient = vjp
            .gradients
            .get(name)
            .unwrap_or_else(|| panic!("no gradient reaches {name}"));
        assert_eq!(
            gradient.size(),
            input.size(),
            "the gradient of {name} has the shape of {name} (right)"
        );
        let values = AsValues::values(gradient).data;
        assert!(
            values.iter().all(|value| value.is_finite()),
            "the gradient of {name} is not finite"
        );
        assert!(
            values.iter().any(|&value| value != 0.0),
            "the gradient of {name} is zero everywhere"
        );
    }
}

/// The largest error of a gradient compared with a central difference in `f64` with steps of 1e-5: the difference's own
/// error is about 1e-10 from the step's square and 1e-11 from rounding, for functions whose values are about 1.
const DIFFERENCE: Tolerance = Tolerance::new(1e-6, 1e-8);

/// Fails unless each input's gradient agrees with central differences along two directions. All tensors are `f64`.
///
/// # Panics
/// Panics otherwise, with the input's name, the slope of the function along the direction, and the slope by the
/// gradient.
pub fn assert_matches_finite_differences(
    function: impl Fn() -> Tensor,
    inputs: &[(String, Tensor)],
) {
    let (vjp, cotangent) = at_some_cotangent(&function, inputs);
    // The guard, not `no_grad`: that one leaves gradients off after a panic.
    let objective = || {
        let _guard = no_grad_guard();
        (function() * &cotangent)
            .sum(Kind::Double)
            .double_value(&[])
    };
    for (name, input) in inputs {
        assert_eq!(
            input.kind(),
            Kind::Double,
            "finite differences of {name} need f64"
        );
        let gradient = vjp
            .gradients
            .get(name)
            .unwrap_or_else(|| panic!("no gradient reaches {name}"));
        for direction in ["first direction", "second direction"] {
            let direction = tensor::uniform(
                &format!("{direction} of {name}"),
                &input.size(),
                Kind::Double,
            );
            let step = 1e-5;
            let moved = |by: f64| {
                let moved = no_grad(|| input + &direction * by);
                no_grad(|| input.shallow_clone().copy_(&moved));
                objective()
            };
            let ahead = moved(step);
            let behind = moved(-2.0 * step);
            moved(step);
            let slope = (ahead - behind) / (2.0 * step);
            let claimed = (gradient * &direction).sum(Kind::Double).double_value(&[]);
            if let Err(difference) = close(&claimed, &slope, DIFFERENCE) {
                panic!("the gradient of {name} is not the slope of the function\n{difference}");
            }
        }
    }
}

fn at_some_cotangent(function: impl Fn() -> Tensor, inputs: &[(String, Tensor)]) -> (Vjp, Tensor) {
    let output = {
        let _guard = no_grad_guard();
        function()
    };
    let cotangent = tensor::uniform("cotangent", &output.size(), output.kind());
    (vjp(function, inputs, &cotangent), cotangent)
}

/// The part of a stand-in in [`vjp`]: it takes the cotangent of the call, and delivers the gradients.
pub mod remote {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use tch::Tensor;

    thread_local! {
        static COTANGENT: RefCell<Option<Tensor>> = const { RefCell::new(None) };
        static GRADIENTS: RefCell<Option<BTreeMap<String, Tensor>>> = const { RefCell::new(None) };
    }

    pub(super) fn ask(cotangent: &Tensor) {
        GRADIENTS.take();
        COTANGENT.replace(Some(cotangent.shallow_clone()));
    }

    pub(super) fn answer() -> Option<BTreeMap<String, Tensor>> {
        COTANGENT.take();
        GRADIENTS.take()
    }

    /// The cotangent, where the call now made is to give gradients too.
    pub fn cotangent() -> Option<Tensor> {
        COTANGENT.take()
    }

    /// Hands over the gradients, by the inputs' names.
    pub fn deliver(gradients: BTreeMap<String, Tensor>) {
        GRADIENTS.replace(Some(gradients));
    }
}
