//! The source of drawn sizes and values.

use crate::property;
use ndarray::{Array, Dimension, ShapeBuilder};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::ops::RangeInclusive;
use wire::Mixer;

/// The distribution of drawn values: normal, with a mean and a standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std: f64,
}

impl Spread {
    /// Mean 0, standard deviation 1.
    pub const UNIT: Spread = Spread::new(0.0, 1.0);

    /// A mean and a standard deviation.
    pub const fn new(mean: f64, std: f64) -> Self {
        Self { mean, std }
    }

    /// Mean 0 and this standard deviation.
    pub const fn of(std: f64) -> Self {
        Self::new(0.0, std)
    }
}

/// A generator of sizes and values, seeded by the run's seed and the case's name.
#[derive(Clone, Debug)]
pub struct Draw {
    source: Source,
    sizes: Vec<String>,
}

/// The source of a case's numbers.
#[derive(Clone, Debug)]
enum Source {
    /// Of the usual seed, which everybody knows: the answers to its cases are stored with the exercise.
    Usual(Mixer),
    /// Of a class's seed, which nobody is to know. ChaCha, keyed by it, gives away neither the seed nor any other number,
    /// of the same case or another one, to whoever sees some of them.
    Secret(Box<TestRng>),
}

impl Source {
    fn new(seed: u64, key: &str) -> Self {
        if seed == property::DEFAULT_SEED {
            return Self::Usual(Mixer::new(&format!("{seed} {key}")));
        }
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let name = Mixer::new(key).bits();
        bytes[8..16].copy_from_slice(&name.to_le_bytes());
        let chacha = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self::Secret(Box::new(chacha))
    }

    fn bits(&mut self) -> u64 {
        match self {
            Self::Usual(mixer) => mixer.bits(),
            Self::Secret(chacha) => chacha.next_u64(),
        }
    }
}

/// A number that follows from a seed and a name: the usual seed itself, or one of which no other can be calculated.
pub(crate) fn seed_for(seed: u64, name: &str) -> u64 {
    match Source::new(seed, &format!("seed for {name}")) {
        Source::Usual(_) => seed,
        Source::Secret(mut chacha) => chacha.next_u64(),
    }
}

impl Draw {
    pub(super) fn new(key: &str) -> Self {
        Self {
            source: Source::new(property::seed(), key),
            sizes: vec![],
        }
    }

    /// A number of \[0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.source.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number of \[low, high), which a failure names under the usual seed: it is a value, not a size.
    pub fn number(&mut self, name: &str, low: f64, high: f64) -> f64 {
        let number = low + (high - low) * self.unit();
        if matches!(self.source, Source::Usual(_)) {
            self.note(name, format!("{number:.3}"));
        }
        number
    }

    /// A whole number of the range, which a failure names.
    pub fn size(&mut self, name: &str, range: RangeInclusive<usize>) -> usize {
        let count = (range.end() - range.start() + 1) as u64;
        let size = range.start() + (self.source.bits() % count) as usize;
        self.note(name, size);
        size
    }

    /// As [`size`](Self::size), but never `not`.
    ///
    /// # Panics
    /// Panics if the range holds nothing else.
    pub fn other_size(&mut self, name: &str, range: RangeInclusive<usize>, not: usize) -> usize {
        let others: Vec<_> = range.filter(|&size| size != not).collect();
        let size = others[(self.source.bits() % others.len() as u64) as usize];
        self.note(name, size);
        size
    }

    /// One of several values.
    ///
    /// # Panics
    /// Panics if there are none.
    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[(self.source.bits() % values.len() as u64) as usize]
    }

    /// A normally distributed number (Box and Muller).
    pub fn normal(&mut self, spread: Spread) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.unit();
        spread.mean + spread.std * radius * angle.cos()
    }

    /// An array of normally distributed values.
    pub fn array<D, S>(&mut self, shape: S, spread: Spread) -> Array<f32, D>
    where
        D: Dimension,
        S: ShapeBuilder<Dim = D>,
    {
        Array::from_shape_simple_fn(shape, || self.normal(spread) as f32)
    }

    /// Adds to the description of the case in a failure: `dim = 12`.
    pub fn note(&mut self, name: &str, value: impl std::fmt::Display) {
        self.sizes.push(format!("{name} = {value}"));
    }

    /// The drawn sizes that a failure names.
    pub(super) fn sizes(&self) -> String {
        match self.sizes.as_slice() {
            [] => "its own values".to_owned(),
            sizes => sizes.join(", "),
        }
    }
}

#[cfg(feature = "tch")]
mod tensors {
    use super::{Draw, Spread};
    use tch::nn::VarStore;
    use tch::{Kind, Tensor, no_grad_guard};

    impl Draw {
        /// A tensor of normally distributed values.
        pub fn tensor(&mut self, shape: &[i64], kind: Kind, spread: Spread) -> Tensor {
            let count = shape.iter().product::<i64>();
            let values: Vec<_> = (0..count).map(|_| self.normal(spread)).collect();
            Tensor::from_slice(&values).view(shape).to_kind(kind)
        }

        /// One of `f32` and `f64`, which a failure names.
        pub fn kind(&mut self) -> Kind {
            let kind = self.pick(&[Kind::Float, Kind::Double]);
            let name = if kind == Kind::Float { "f32" } else { "f64" };
            self.note("values in", name);
            kind
        }

        /// As [`size`](Self::size), for tensors.
        pub fn axis(&mut self, name: &str, range: std::ops::RangeInclusive<usize>) -> i64 {
            self.size(name, range) as i64
        }

        /// Whole numbers from 0 to `classes` − 1.
        pub fn labels(&mut self, count: i64, classes: i64) -> Tensor {
            let label = |draw: &mut Self| (draw.source.bits() % classes.max(1) as u64) as i64;
            let labels: Vec<_> = (0..count).map(|_| label(self)).collect();
            Tensor::from_slice(&labels)
        }

        /// Gives every variable drawn values: normally distributed, with standard deviation 1/√(size of its last axis), so
        /// that a layer's outputs are about as large as its inputs. Variables of one axis are never 0 or 1 alone.
        pub fn fill(&mut self, vs: &VarStore) {
            let _guard = no_grad_guard();
            for (_, mut variable) in crate::tensor::variables(vs) {
                let shape = variable.size();
                let width = shape.last().copied().unwrap_or(1).max(1);
                let spread = Spread::of(1.0 / (width as f64).sqrt());
                variable.copy_(&self.tensor(&shape, variable.kind(), spread));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_draws_the_same_again_and_another_case_draws_others() {
        let first = |key: &str| Draw::new(key).array::<ndarray::Ix1, _>(5, Spread::UNIT);
        assert_eq!(first("a/0"), first("a/0"));
        assert_ne!(first("a/0"), first("a/1"));
    }

    #[test]
    fn under_a_classs_seed_numbers_follow_from_the_seed_and_the_case() {
        let first = |seed, key: &str| Source::new(seed, key).bits();
        assert_eq!(first(7, "a/0"), first(7, "a/0"));
        assert_ne!(first(7, "a/0"), first(7, "a/1"));
        assert_ne!(first(7, "a/0"), first(8, "a/0"));
        assert!(matches!(Source::new(7, "a/0"), Source::Secret(_)));
        assert_eq!(seed_for(7, "a"), seed_for(7, "a"));
        assert!(![7, seed_for(7, "b"), seed_for(8, "a")].contains(&seed_for(7, "a")));
        let usual = property::DEFAULT_SEED;
        assert_eq!(seed_for(usual, "a"), usual);
    }

    #[test]
    fn normal_values_have_the_mean_and_the_deviation_that_were_asked_for() {
        let mut draw = Draw::new("normal");
        let values: Vec<_> = (0..4000)
            .map(|_| draw.normal(Spread::new(3.0, 2.0)))
            .collect();
        let mean = values.iter().sum::<f64>() / 4000.0;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4000.0;
        // Five standard errors: 5 · 2/√4000 = 0.16, and 5 · 4 · √(2/4000) = 0.45.
        assert!((mean - 3.0).abs() < 0.16, "{mean}");
        assert!((variance - 4.0).abs() < 0.45, "{variance}");
    }

    #[test]
    fn sizes_cover_their_range_and_are_named() {
        let mut draw = Draw::new("sizes");
        let mut seen = [false; 3];
        for _ in 0..50 {
            seen[draw.size("n", 4..=6) - 4] = true;
            assert_ne!(draw.other_size("m", 4..=6, 5), 5);
        }
        assert_eq!(seen, [true; 3]);
        assert!(draw.sizes().starts_with("n = "), "{}", draw.sizes());
    }
}
