//! The judge of 05 vit, made from the exercise's description.

include!(concat!(env!("OUT_DIR"), "/vit.rs"));
