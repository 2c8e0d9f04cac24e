//! Deterministic numbers that follow from a name.

/// The generator of all deterministic values: SplitMix64, seeded with the FNV-1a hash of a name. Stored results and pictures
/// depend on its numbers.
#[derive(Clone, Debug)]
pub struct Mixer(u64);

impl Mixer {
    /// The generator of a name.
    pub fn new(name: &str) -> Self {
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number of [−1, 1): a multiple of 2⁻²³, so it is exact in `f32`.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 40) as f64 / f64::from(1 << 23) - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_the_numbers_that_it_always_gave() {
        let mut mixer = Mixer::new("x");
        let numbers = [(); 4].map(|()| mixer.uniform() as f32);
        assert_eq!(
            numbers,
            [-0.597_583_53, 0.617_053_5, 0.286_647_2, 0.656_218_77]
        );
    }
}
