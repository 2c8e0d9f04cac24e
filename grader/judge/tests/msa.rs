//! The judge of 03 msa, made from the exercise's description.

include!(concat!(env!("OUT_DIR"), "/msa.rs"));
