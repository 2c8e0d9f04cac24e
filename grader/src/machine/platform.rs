//! The system and the processor that programs are built for, as far as libtorch differs with them.

use std::env::consts::{ARCH, OS};

/// A system and a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The system.
    pub system: System,
    /// The processor, as Rust names it: `x86_64`.
    pub arch: &'static str,
}

/// A system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux with glibc, for which PyTorch is built.
    LinuxGnu,
    /// macOS.
    MacOs,
    /// Another one, by its name.
    Other(&'static str),
}

impl Platform {
    /// The one that this program was built for.
    pub const HERE: Self = Self {
        system: if cfg!(all(target_os = "linux", target_env = "gnu")) {
            System::LinuxGnu
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else {
            System::Other(OS)
        },
        arch: ARCH,
    };

    /// A Mac with a processor of Apple's.
    pub const MAC: Self = Self {
        system: System::MacOs,
        arch: "aarch64",
    };

    /// The ending of the names of shared libraries.
    pub const fn library_ending(self) -> &'static str {
        match self.system {
            System::MacOs => ".dylib",
            System::LinuxGnu | System::Other(_) => ".so",
        }
    }

    /// The file name of a shared library.
    pub fn library(self, name: &str) -> String {
        format!("{name}{}", self.library_ending())
    }

    /// Returns whether NVIDIA's GPUs and libraries can be had.
    pub const fn has_cuda(self) -> bool {
        !matches!(self.system, System::MacOs)
    }

    /// The tags of wheels that run on it and of which there is one of PyTorch, the newest first; none where there is none.
    /// On Linux, PyTorch is built for glibc 2.28, and libraries of NVIDIA's for any before it.
    pub fn wheel_tags(self) -> Vec<String> {
        let Self { system, arch } = self;
        match (system, arch) {
            (System::LinuxGnu, "x86_64" | "aarch64") => {
                let by_glibc = (17..=28).rev().map(|minor| format!("manylinux_2_{minor}"));
                let names = by_glibc.chain(["manylinux2014".to_owned()]);
                names.map(|name| format!("{name}_{arch}")).collect()
            }
            (System::MacOs, "aarch64") => vec!["macosx_11_0_arm64".to_owned()],
            _ => vec![],
        }
    }

    /// The megabytes that set-up downloads for the CPU.
    pub const fn megabytes(self) -> u32 {
        match self.system {
            System::MacOs => 80,
            System::LinuxGnu | System::Other(_) => 530,
        }
    }

    /// The name that people know it by.
    pub fn name(self) -> String {
        let system = match self.system {
            System::LinuxGnu => "Linux",
            System::MacOs => "macOS",
            System::Other(name) => name,
        };
        format!("{system} on {}", self.arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_are_known_by_the_tags_that_pytorchs_have() {
        assert_eq!(Platform::MAC.wheel_tags(), ["macosx_11_0_arm64"]);
        let of = |system, arch| Platform { system, arch }.wheel_tags();
        let linux = of(System::LinuxGnu, "aarch64");
        assert!(linux.contains(&"manylinux_2_28_aarch64".to_owned()));
        for (system, arch) in [
            (System::MacOs, "x86_64"),
            (System::LinuxGnu, "riscv64"),
            (System::Other("freebsd"), "x86_64"),
        ] {
            assert_eq!(of(system, arch), [""; 0], "{arch}");
        }
    }

    #[test]
    fn libraries_have_the_names_of_their_system() {
        assert_eq!(Platform::MAC.library("libtorch_cpu"), "libtorch_cpu.dylib");
        let here = format!("libc10{}", std::env::consts::DLL_SUFFIX);
        assert_eq!(Platform::HERE.library("libc10"), here);
    }
}
