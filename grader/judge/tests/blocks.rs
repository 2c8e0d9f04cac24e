//! The judge of 04 blocks, made from the exercise's description.

include!(concat!(env!("OUT_DIR"), "/blocks.rs"));
