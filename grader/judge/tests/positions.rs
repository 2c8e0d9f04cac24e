//! The judge of 02 positions, made from the exercise's description.

include!(concat!(env!("OUT_DIR"), "/positions.rs"));
