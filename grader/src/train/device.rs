//! The device that a model is trained on: the CPU, or a GPU if there is a usable one, and otherwise the reason.

use crate::machine::libtorch::Libtorch;
use clap::ValueEnum;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The device chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// A GPU if there is one, else the CPU
    #[default]
    Auto,
    /// The CPU
    Cpu,
    /// An NVIDIA GPU
    Cuda,
}

/// The device that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The CPU, with all its cores.
    Cpu,
    /// The first GPU.
    Cuda,
}

impl Device {
    /// The most memory that a worker may hold, in bytes: for a GPU, CUDA's own libraries are a few GB.
    pub fn memory(self) -> u64 {
        match self {
            Device::Cpu => 6 << 30,
            Device::Cuda => 24 << 30,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
        })
    }
}

/// The reason why no GPU can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoGpu {
    /// No driver runs.
    #[error("no NVIDIA driver is loaded (there is no /proc/driver/nvidia/version)")]
    NoDriver,
    /// The driver's version is too old for libtorch's CUDA.
    #[error("the NVIDIA driver is {version}, and CUDA {cuda} takes {least} or newer")]
    OldDriver {
        /// The driver's version.
        version: String,
        /// The major version of libtorch's CUDA.
        cuda: u32,
        /// The oldest that will do.
        least: u32,
    },
    /// A driver runs, and there is nothing to talk to it by.
    #[error("an NVIDIA driver is loaded, and there is no {}", .0.display())]
    NoNode(PathBuf),
    /// It is there, and not ours.
    #[error("{} cannot be opened: {why}", .path.display())]
    Refused {
        /// The device file.
        path: PathBuf,
        /// The system's error.
        why: String,
    },
    /// libtorch has no CUDA.
    #[error("libtorch was set up for the CPU alone")]
    CpuOnly,
}

impl NoGpu {
    /// The hint for it, if there is one.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoDriver => return None,
            Self::OldDriver { .. } => "update the driver",
            Self::NoNode(_) => "a container must be given the GPU (`--gpus all`)",
            Self::Refused { .. } => "the user may have to join the group that owns it",
            Self::CpuOnly => "`cargo grader setup --cuda` downloads the build for GPUs",
        };
        Some(hint.to_owned())
    }
}

/// The device files by which programs talk to a driver.
const NODES: [&str; 3] = ["dev/nvidiactl", "dev/nvidia0", "dev/nvidia-uvm"];

/// The oldest driver for each major version of CUDA: "CUDA Toolkit Release Notes", the table on minor version
/// compatibility.
pub const DRIVERS: [(u32, u32); 2] = [(12, 525), (13, 580)];

/// Looks for a GPU on the machine whose files begin at `root`, that is `/`.
///
/// # Errors
/// Returns an error if there is no usable GPU, with the reason.
pub fn find_gpu(root: &Path, libtorch: &Libtorch) -> Result<(), NoGpu> {
    let said = fs::read_to_string(root.join("proc/driver/nvidia/version"));
    let said = said.map_err(|_| NoGpu::NoDriver)?;
    for node in NODES.map(|node| root.join(node)) {
        let opened = OpenOptions::new().read(true).write(true).open(&node);
        opened.map_err(|error| match error.kind() {
            ErrorKind::NotFound => NoGpu::NoNode(node.clone()),
            _ => NoGpu::Refused {
                path: node.clone(),
                why: error.to_string(),
            },
        })?;
    }
    if !libtorch.cuda {
        return Err(NoGpu::CpuOnly);
    }
    let has = |cuda: u32| {
        libtorch
            .root
            .join(format!("lib/libcudart.so.{cuda}"))
            .exists()
    };
    let wanted = DRIVERS.into_iter().rev().find(|(cuda, _)| has(*cuda));
    match (wanted, version(&said)) {
        (Some((cuda, least)), Some((version, major))) if major < least => Err(NoGpu::OldDriver {
            version,
            cuda,
            least,
        }),
        // CUDA itself reports anything else when it starts.
        _ => Ok(()),
    }
}

/// The version in the driver's text, whole and its first number: `NVRM version: NVIDIA UNIX x86_64 Kernel Module
/// 580.65.06 …`.
fn version(said: &str) -> Option<(String, u32)> {
    said.split_whitespace().find_map(|word| {
        let (major, rest) = word.split_once('.')?;
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_version = major.len() >= 3 && rest.split('.').all(is_number);
        let major = major.parse().ok().filter(|_| is_version)?;
        Some((word.to_owned(), major))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::libtorch::Origin;
    use crate::machine::platform::Platform;
    use tempfile::TempDir;

    /// A machine's files, and a libtorch with CUDA 13.
    fn machine(driver: Option<&str>, nodes: &[&str]) -> (TempDir, Libtorch) {
        let root = tempfile::tempdir().expect("a temporary folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            let folder = path.parent().expect("a folder");
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, text))
                .expect("writing");
        };
        write("torch/lib/libcudart.so.13", "");
        if let Some(driver) = driver {
            write("proc/driver/nvidia/version", driver);
        }
        for node in nodes {
            write(node, "");
        }
        let libtorch = Libtorch {
            root: root.path().join("torch"),
            version: "2.11.0+cu130".to_owned(),
            origin: Origin::Cache,
            cuda: true,
            platform: Platform::HERE,
        };
        (root, libtorch)
    }

    const NEW: &str = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\nGCC version:  gcc version 12.3.0";
    const OLD: &str =
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023";

    #[test]
    fn a_machine_with_all_it_takes_has_a_gpu() {
        let (root, libtorch) = machine(Some(NEW), &NODES);
        assert_eq!(find_gpu(root.path(), &libtorch), Ok(()));
    }

    #[test]
    fn each_reason_is_told_from_the_others() {
        let none = |driver, nodes: &[&str], cuda: bool| {
            let (root, mut libtorch) = machine(driver, nodes);
            libtorch.cuda = cuda;
            find_gpu(root.path(), &libtorch).expect_err("no GPU")
        };
        assert_eq!(none(None, &[], false), NoGpu::NoDriver);
        assert_eq!(none(Some(NEW), &NODES, false), NoGpu::CpuOnly);
        let node = none(Some(NEW), &NODES[..1], true);
        assert!(matches!(&node, NoGpu::NoNode(path) if path.ends_with("dev/nvidia0")));
        let old = NoGpu::OldDriver {
            version: "535.104.05".to_owned(),
            cuda: 13,
            least: 580,
        };
        assert_eq!(none(Some(OLD), &NODES, true), old);
    }

    #[test]
    fn a_node_that_cannot_be_opened_is_named() {
        let (root, libtorch) = machine(Some(NEW), &NODES[1..]);
        // A folder cannot be opened to be written, by root neither.
        fs::create_dir(root.path().join(NODES[0])).expect("a folder");
        let refused = find_gpu(root.path(), &libtorch);
        assert!(matches!(refused, Err(NoGpu::Refused { path, .. }) if path.ends_with(NODES[0])));
    }
}
