//! Generators of random numbers whose draws are the same on every machine.

use ndarray_rand::rand::SeedableRng;
use ndarray_rand::rand::rngs::StdRng;

/// The generator of one seed and one purpose. Each purpose has a sequence of its own, so that what
/// one draws never moves another's.
pub(crate) fn generator(seed: u64, purpose: u64) -> StdRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&purpose.to_le_bytes());
    StdRng::from_seed(bytes)
}
