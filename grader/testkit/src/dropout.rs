//! Dropout that is seen behind a layer norm.

use crate::distribution::{assert_one_by_one, assert_share};
use crate::{Tolerance, assert_close, tensor};
use tch::{Kind, Tensor};

/// Numbers as good as equal in f64: what a norm of small numbers rounds.
const F64: Tolerance = Tolerance::new(1e-9, 1e-9);

/// The numbers that dropout with probability `p` has kept, where every number was `level` before it and a layer norm
/// without weights (ε = 1e-6) came after it. `features` is f64, \[.., D\].
///
/// # Panics
/// Panics if the features are not the norm of numbers that are 0 or `level` / (1 − p).
pub fn kept_before_norm(features: &Tensor, level: f64, p: f64) -> Vec<bool> {
    // Within a token what is kept stands above what is not; where nothing does, all is kept.
    let even = features.abs().amax([-1].as_slice(), true).lt(1e-9);
    let kept = features.gt(0.0).logical_or(&even);
    let left = kept.to_kind(Kind::Double) * (level / (1.0 - p));
    let width = features.size().last().copied().unwrap_or(1);
    let expected = left.layer_norm([width], None::<Tensor>, None::<Tensor>, 1e-6, false);
    assert_close!(features, &expected, F64);
    tensor::bits(&kept)
}

/// Fails unless numbers are kept with probability 1 − p, each whatever became of the others.
///
/// # Panics
/// Panics with the share that was kept, or that of pairs that are the same.
pub fn assert_kept(what: &str, kept: &[bool], p: f64) {
    let count = kept.iter().filter(|&&bit| bit).count();
    assert_share(what, count, kept.len(), 1.0 - p);
    assert_one_by_one("numbers", kept, p);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{panic_message, property};

    const MASK: [f64; 6] = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0];

    /// The layer norm of numbers of 0.001 behind dropout, which multiplies the kept ones by `scale`.
    fn features(scale: f64) -> Tensor {
        let left = Tensor::from_slice(&MASK) * (1e-3 * scale);
        left.layer_norm([6], None::<Tensor>, None::<Tensor>, 1e-6, false)
    }

    #[test]
    fn what_was_kept_is_read_behind_a_norm() {
        let kept = kept_before_norm(&features(1.0 / 0.8), 1e-3, 0.2);
        assert_eq!(kept, MASK.map(|bit| bit == 1.0));
    }

    #[test]
    #[should_panic(expected = "features")]
    fn another_scale_is_noticed_behind_a_norm() {
        kept_before_norm(&features(1.0), 1e-3, 0.2);
    }

    #[test]
    fn numbers_kept_by_chance_pass_and_others_do_not() {
        let mut values = property::stream("kept");
        let kept: Vec<_> = (0..4000).map(|_| values.next() < Some(0.6)).collect();
        assert_kept("kept", &kept, 0.2);
        panic_message(|| assert_kept("kept", &kept, 0.3));
        let pairs: Vec<_> = kept.iter().flat_map(|&bit| [bit, bit]).collect();
        let text = panic_message(|| assert_kept("kept", &pairs, 0.2));
        assert!(text.contains("not independent"), "{text}");
    }
}
