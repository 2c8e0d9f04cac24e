//! Image data sets for training, without libtorch.
//!
//! [`digits`] makes handwriting-like digits from a seed, with no download. [`mnist`] and
//! [`fashion_mnist`] load the published files, which `fetch` gets, a feature that is on by default. Either way there is a [`Split`]
//! of [`Dataset`]s, taken in [`batch`]es, [`augment`]ed and [`standardise`]d.
//!
//! ```
//! use datasets::batch::Batches;
//! use datasets::digits::{DigitsConfig, generate};
//! use datasets::standardise::{mean_and_std, standardise};
//!
//! let digits = generate(&DigitsConfig { seed: 7, train: 100, validation: 20, test: 20 });
//! let (mean, std) = mean_and_std(&digits.train);
//! let mut sizes = Vec::new();
//! for mut batch in Batches::shuffled(&digits.train, 32, 7, 0) {
//!     standardise(&mut batch.images, mean, std); // [B, 1, 28, 28]
//!     sizes.push(batch.labels.len());
//! }
//! assert_eq!(sizes, [32, 32, 32, 4]);
//! ```
//!
//! All that is drawn comes from a seed and is the same on every machine.

pub mod augment;
pub mod batch;
mod dataset;
pub mod digits;
pub mod fashion_mnist;
#[cfg(feature = "fetch")]
pub mod fetch;
mod idx;
pub mod mnist;
mod random;
pub mod standardise;

pub use dataset::{Dataset, Split};
pub use idx::LoadError;
