//! The judge of 06 deit, made from the exercise's description.

include!(concat!(env!("OUT_DIR"), "/deit.rs"));
