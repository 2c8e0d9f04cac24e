//! The configuration of property tests: fixed seed, nothing kept on disk, a bounded search for the smallest failure.

use crate::panics::fault;
use proptest::test_runner::{Config, RngSeed};

/// The environment variable that gives property tests another seed than [`DEFAULT_SEED`].
pub const SEED_VARIABLE: &str = "COURSE_SEED";

/// The seed unless the variable sets another. Any number does; a fixed one makes failures reproducible.
pub const DEFAULT_SEED: u64 = 2010_11929;

/// The configuration of all property tests of the course: `#![proptest_config(config(32))]`.
///
/// # Panics
/// Panics if `COURSE_SEED` is not a number.
pub fn config(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(seed()),
        failure_persistence: None,
        // Each step may be a call into another process; sizes are small, so few steps reach the smallest.
        max_shrink_iters: 128,
        ..Config::default()
    }
}

/// An endless stream of numbers in \[−1, 1), always the same for the same name.
pub fn stream(name: &str) -> impl Iterator<Item = f64> + use<> {
    crate::values::stream(name)
}

/// The seed of whatever `name` names. Under the usual seed it is [`DEFAULT_SEED`]; under a class's, a number that says nothing
/// about any other: a submission may see what is made of it, or the number itself.
///
/// # Panics
/// Panics if `COURSE_SEED` is not a number.
pub fn seed_for(name: &str) -> u64 {
    crate::drawn::seed_for(seed(), name)
}

/// The seed of this run: [`DEFAULT_SEED`], or the environment's. Tests and judges take one that follows from it: [`seed_for`].
///
/// # Panics
/// Panics if `COURSE_SEED` is not a number.
pub(crate) fn seed() -> u64 {
    match std::env::var(SEED_VARIABLE) {
        Err(_) => DEFAULT_SEED,
        Ok(text) => text.parse().unwrap_or_else(|_| {
            fault(&format!(
                "{SEED_VARIABLE} must be a whole number, not {text:?}"
            ))
        }),
    }
}
