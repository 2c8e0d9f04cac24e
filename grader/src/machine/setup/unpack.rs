//! Makes a libtorch tree out of wheels: only the members that builds and programs need.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use indicatif::{MultiProgress, ProgressBar};
use zip::ZipArchive;
use zip::result::ZipError;

use super::{SetupError, bar};
use crate::machine::libtorch::CPU_LIBRARY;
use crate::machine::platform::Platform;

/// The platform that a tree is for, and whether it has CUDA.
type Kind = (Platform, bool);

/// Unpacks wheels into a new folder `tree`.
pub(super) fn unpack(
    wheels: &[PathBuf],
    tree: &Path,
    kind: Kind,
    progress: &MultiProgress,
) -> Result<(), SetupError> {
    let bar = progress.add(bar("unpacking"));
    bar.set_length(0);
    for wheel in wheels {
        unpack_wheel(wheel, tree, kind, &bar)?;
    }
    if kind.0.has_cuda() && !kind.1 {
        // PyTorch's own libtorch.so would pull in all of CUDA. Nothing is in it: what links it wants
        // what it leads to.
        let link = tree.join("lib/libtorch.so");
        symlink(CPU_LIBRARY, &link).map_err(SetupError::io("make the link", &link))?;
    }
    bar.finish_and_clear();
    Ok(())
}

fn unpack_wheel(
    wheel: &Path,
    tree: &Path,
    kind: Kind,
    bar: &ProgressBar,
) -> Result<(), SetupError> {
    let unfit = |error: ZipError| match error {
        ZipError::Io(error) => of_wheel(wheel, error),
        other => SetupError::Wheel {
            wheel: wheel.to_owned(),
            why: other.to_string(),
        },
    };
    let file = File::open(wheel).map_err(SetupError::io("read", wheel))?;
    let mut archive = ZipArchive::new(file).map_err(unfit)?;

    let mut wanted = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(unfit)?;
        let name = member.name().map_err(unfit)?;
        if let Some(place) = place_of(&name, kind) {
            bar.inc_length(member.size());
            wanted.push((index, tree.join(place)));
        }
    }
    for (index, path) in wanted {
        let mut member = archive.by_index(index).map_err(unfit)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(SetupError::io("make the folder", parent))?;
        }
        let file = File::create(&path).map_err(SetupError::io("write", &path))?;
        io::copy(&mut member, &mut bar.wrap_write(file)).map_err(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => SetupError::DiskFull(path),
            _ => of_wheel(wheel, error),
        })?;
    }
    Ok(())
}

/// While a wheel is read, what is wrong with its bytes comes as an error of input, too.
fn of_wheel(wheel: &Path, error: io::Error) -> SetupError {
    let wheel = wheel.to_owned();
    let why = error.to_string();
    SetupError::Wheel { wheel, why }
}

/// The place in the tree of a wheel's member, if it is needed: PyTorch's headers and libraries, and the libraries of
/// NVIDIA's wheels, all of which find one another in one folder.
fn place_of(member: &str, (platform, cuda): Kind) -> Option<PathBuf> {
    if member.ends_with('/')
        || member
            .split('/')
            .any(|part| part == ".." || part.is_empty())
    {
        return None;
    }
    if member.starts_with("torch/include/") {
        return Some(PathBuf::from(member.strip_prefix("torch/")?));
    }
    let (folder, file) = member.rsplit_once('/')?;
    let (name, _) = file.split_once(platform.library_ending())?;
    let wanted = if folder == "torch/lib" {
        of_torch(name, (platform, cuda))
    } else if folder.starts_with("nvidia/") && folder.ends_with("/lib") {
        cuda || name == "libcudart" || name == "libcupti"
    } else {
        false
    };
    wanted.then(|| Path::new("lib").join(file))
}

/// Whether a library of PyTorch's is wanted: not those that serve Python, and without CUDA not those
/// that need it. Where there is no CUDA at all, PyTorch's own `libtorch` needs none either.
fn of_torch(name: &str, (platform, cuda): Kind) -> bool {
    match name {
        "libtorch_python" | "libtorch_global_deps" | "libshm" => false,
        "libtorch" => cuda || !platform.has_cuda(),
        "libtorch_nvshmem" | "libcaffe2_nvrtc" => cuda,
        _ => cuda || !name.contains("cuda"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::platform::System;

    const LINUX: Platform = Platform {
        system: System::LinuxGnu,
        arch: "x86_64",
    };

    #[test]
    fn of_a_macs_wheel_libtorch_itself_is_taken_too() {
        for (member, is_taken) in [
            ("torch/include/ATen/ATen.h", true),
            ("torch/lib/libtorch.dylib", true),
            ("torch/lib/libtorch_cpu.dylib", true),
            ("torch/lib/libc10.dylib", true),
            ("torch/lib/libomp.dylib", true),
            ("torch/lib/libshm.dylib", false),
            ("torch/lib/libtorch_global_deps.dylib", false),
            ("torch/lib/libtorch_python.dylib", false),
            ("torch/_C.cpython-311-darwin.so", false),
        ] {
            let place = place_of(member, (Platform::MAC, false));
            assert_eq!(place.is_some(), is_taken, "{member}");
        }
    }

    fn placed(member: &str, cuda: bool) -> Option<String> {
        place_of(member, (LINUX, cuda)).map(|it| it.to_string_lossy().into_owned())
    }

    #[test]
    fn headers_and_libraries_are_taken_and_nothing_of_pythons() {
        for (member, place) in [
            ("torch/include/ATen/ATen.h", Some("include/ATen/ATen.h")),
            ("torch/lib/libtorch_cpu.so", Some("lib/libtorch_cpu.so")),
            ("torch/lib/libgomp.so.1", Some("lib/libgomp.so.1")),
            (
                "nvidia/cu13/lib/libcudart.so.13",
                Some("lib/libcudart.so.13"),
            ),
            ("nvidia/cu13/lib/libcupti.so.13", Some("lib/libcupti.so.13")),
            ("nvidia/cu13/lib/libnvperf_host.so", None),
            ("nvidia/cu13/include/cuda.h", None),
            ("torch/lib/libtorch.so", None),
            ("torch/lib/libtorch_cuda.so", None),
            ("torch/lib/libtorch_python.so", None),
            ("torch/_C.cpython-311-x86_64-linux-gnu.so", None),
            ("torch/__init__.py", None),
            ("torch/include/", None),
        ] {
            assert_eq!(placed(member, false).as_deref(), place, "{member}");
        }
    }

    #[test]
    fn with_cuda_its_libraries_are_taken_too() {
        for member in [
            "torch/lib/libtorch.so",
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libc10_cuda.so",
            "nvidia/cudnn/lib/libcudnn.so.9",
        ] {
            assert!(placed(member, true).is_some(), "{member}");
        }
        assert_eq!(placed("torch/lib/libtorch_python.so", true), None);
    }

    #[test]
    fn no_member_leaves_the_tree() {
        for member in [
            "torch/include/../../../x.h",
            "torch/include//etc/x.h",
            "/torch/include/x.h",
            "nvidia/../../lib/x.so",
        ] {
            assert_eq!(placed(member, true), None, "{member}");
        }
    }
}
