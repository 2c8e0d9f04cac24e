//! SHA-256 over several parts, none of which can be taken for the beginning of the next.

use sha2::{Digest, Sha256};

/// A digest of parts in their order, each with its length before it: no other parts give the same stream.
#[derive(Clone, Debug, Default)]
pub struct PartsDigest(Sha256);

impl PartsDigest {
    /// Adds a part.
    pub fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// The digest of all parts.
    pub fn bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The digest of all parts, in hex.
    pub fn hex(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_cut_elsewhere_have_another_digest() {
        let of = |parts: &[&str]| {
            let mut digest = PartsDigest::default();
            parts.iter().for_each(|part| digest.add(part.as_bytes()));
            digest.hex()
        };
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab", "c"]), of(&["abc"]));
        assert_ne!(of(&[]), of(&[""]));
    }
}
