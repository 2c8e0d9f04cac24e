//! Fails with one sentence where torch-sys, whose build script comes after this one, would not find libtorch.

use std::env;
use std::path::{Path, PathBuf};

/// A header of libtorch, within its folder of headers.
const HEADER: &str = "torch/csrc/api/include/torch/torch.h";

/// The folder in which torch-sys looks for libtorch's headers; None if it asks Python for it.
fn headers() -> Option<PathBuf> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return None;
    }
    let folder = env::var_os("LIBTORCH_INCLUDE").or_else(|| env::var_os("LIBTORCH"))?;
    Some(Path::new(&folder).join("include"))
}

fn main() {
    // Not the headers themselves: whenever this runs again, the binding is compiled again, which takes minutes. A failure is
    // not kept, so that the next build looks for them again.
    println!("cargo::rerun-if-changed=build.rs");
    for variable in ["LIBTORCH_USE_PYTORCH", "LIBTORCH_INCLUDE", "LIBTORCH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    if headers().is_some_and(|folder| !folder.join(HEADER).exists()) {
        println!(
            "cargo::error=libtorch is not set up yet: run `cargo grader setup`, then this command again"
        );
    }
}
