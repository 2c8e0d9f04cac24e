//! The confinement of each kind of process: the compiler, a judge, a worker.

use crate::course::Exercise;
use crate::machine::libtorch::CUDA_LIBRARY;
use crate::train::device::Device;
use crate::worker::linker::{self, TOOLS};
use crate::worker::workshop::Workshop;
use anyhow::Result;
use sandbox::{Confinement, Layer, Sandbox, confining_program};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use wire::words::LINES_VARIABLE;

/// The folders in which systems keep the libraries that programs load. Those that a system lacks are passed over.
const LIBRARIES: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/nix/store",
    "/gnu/store",
];

/// The files that name the folders of libraries to the loader and the linker.
const LOADER_FILES: &[&str] = &[LOADER_CACHE, "/etc/ld.so.conf", "/etc/ld.so.conf.d"];

/// The list of libraries that the loader reads.
const LOADER_CACHE: &str = "/etc/ld.so.cache";

/// The files that libtorch reads when it starts: the number of processors, their features, and random bytes.
const MACHINE: &[&str] = &["/proc/cpuinfo", "/sys/devices/system/cpu", "/dev/urandom"];

/// The files that CUDA reads when it starts: the driver, the buses and the layout of memory.
const GPU_FACTS: &[&str] = &[
    "/proc/driver/nvidia",
    "/proc/devices",
    "/proc/modules",
    "/proc/meminfo",
    "/sys/bus/pci",
    "/sys/devices",
    "/sys/module/nvidia",
    "/sys/module/nvidia_uvm",
];

/// Has glibc keep what is freed, up to 1 GiB, for the next time it is asked. Calls and training steps free as much as they
/// took, and without this give most of it back to the kernel, which then fills it with zeros for the next one. 32 MiB is the
/// most that every glibc takes for a single block.
const KEEPS_MEMORY: [&str; 2] = [
    "MALLOC_TRIM_THRESHOLD_=1073741824",
    "MALLOC_MMAP_THRESHOLD_=33554432",
];

/// Has the threads of libgomp spin for some ten microseconds at the end of a parallel part, not for milliseconds, before they
/// sleep. On an idle machine the others have arrived by then. On a busy one, a thread that spins takes the processor from the
/// one that it waits for: beside eight busy processes on two processors, a step of a small model took five to eight times as
/// long with libgomp's own count, 300,000. `solutions/05-vit/examples/step.py` measures it.
const SPINS_BRIEFLY: &str = "GOMP_SPINCOUNT=5000";

/// Has glibc take memory in huge pages. With what it keeps, this saves a quarter of a small model's time of training:
/// `solutions/05-vit/examples/step.py` measures it.
const HUGE_PAGES: &str = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1";

/// The file in which glibc finds whether there are huge pages.
const HUGE_PAGES_FILE: &str = "/sys/kernel/mm/transparent_hugepage";

/// The time limit on a training.
const TRAINING: Duration = Duration::from_secs(24 * 60 * 60);

/// The sandbox that a worker is told to put on itself.
fn sealed(workshop: &Workshop) -> Sandbox {
    if workshop.level.seal {
        Sandbox::Full
    } else {
        Sandbox::None
    }
}

fn paths(places: &[&[&str]]) -> Vec<PathBuf> {
    places.concat().into_iter().map(PathBuf::from).collect()
}

/// Tells a worker to give up, when it seals itself, what it read to start.
const FILES_VARIABLE: &str = "WORKER_FILES=given-up";

/// The variable from which libtorch reads the number of threads that it may use.
const THREADS_VARIABLE: &str = "OMP_NUM_THREADS";

/// The compiler of a submission's sources. No line of a submission runs in it, but what it reads may end up in the worker or
/// in a message: so it reads its toolchain, the libraries that it loads, those that were built for the class, and the sources.
pub fn of_compiler(workshop: &Workshop, exercise: &Exercise, folder: &Path) -> Confinement {
    let shelf = workshop.shelf(exercise);
    let mut run = match workshop.compilers_libraries.as_slice() {
        // The system does not tell which they are.
        [] => paths(&[LIBRARIES]),
        libraries => libraries.to_vec(),
    };
    run.push(workshop.sysroot.clone());
    let mut read = paths(&[&[LOADER_CACHE, "/dev/urandom"]]);
    read.extend(shelf.files(exercise).map(Path::to_owned));
    Confinement {
        level: workshop.level,
        folder: folder.to_owned(),
        memory: 4096,
        cpu: 60,
        file: 128,
        gpu: false,
        judged: false,
        environment: vec![
            // A submission reads these with `option_env!`, and so they name nothing of this machine. The linker is
            // given by an option; what it starts is in PATH, or beside it. It writes its temporary files to TMPDIR,
            // which is the folder that it starts in.
            format!("PATH={}", TOOLS.join(":")),
            "TMPDIR=.".to_owned(),
            // A nightly compiler, too, takes no `#![feature]`.
            "RUSTC_BOOTSTRAP=-1".to_owned(),
        ],
        list: shelf.folders().map(Path::to_owned).collect(),
        read,
        run,
        write: vec![folder.to_owned(), "/dev/null".into()],
    }
}

/// The compiler of a worker, which it links with a library that was compiled before: it also reads the system's libraries and
/// libtorch, and runs the linker. It reads no source of a submission.
pub fn of_linker(workshop: &Workshop, exercise: &Exercise, folder: &Path) -> Confinement {
    let mut confinement = of_compiler(workshop, exercise, folder);
    confinement.run.extend(paths(&[LIBRARIES, TOOLS]));
    confinement.run.extend(linker::homes());
    confinement.read.extend(paths(&[LOADER_FILES]));
    confinement.read.push(workshop.worker_source(exercise));
    confinement.read.push(workshop.torch.clone());
    confinement
}

/// A worker: it reads and runs itself and its libraries, and writes nowhere. It starts where libtorch is, and goes away
/// from there before any line of a submission runs.
pub fn of_worker(workshop: &Workshop, worker: &Path) -> Confinement {
    let mut run = paths(&[LIBRARIES]);
    run.extend([worker.to_owned(), workshop.torch.clone()]);
    let mut read = paths(&[LOADER_FILES, MACHINE]);
    let mut environment = vec![
        // The course's tensors are small: a second thread would only be waited for.
        format!("{THREADS_VARIABLE}=1"),
        format!("WORKER_SANDBOX={}", sealed(workshop)),
    ];
    environment.extend(KEEPS_MEMORY.map(str::to_owned));
    if workshop.level.landlock > 0 {
        environment.push(FILES_VARIABLE.to_owned());
    }
    if workshop.keeps_lines {
        environment.push(format!("{LINES_VARIABLE}=kept"));
    }
    read.push("/proc/self".into());
    Confinement {
        level: workshop.level,
        folder: if workshop.torch.is_dir() {
            workshop.torch.clone()
        } else {
            "/".into()
        },
        memory: 2048,
        cpu: 120,
        file: 0,
        gpu: false,
        judged: false,
        environment,
        list: vec![],
        read,
        run,
        write: vec![],
    }
}

/// A worker that trains: it has all cores, and more time and memory; and the GPU, if `device` is one.
pub fn of_trainer(workshop: &Workshop, worker: &Path, device: Device) -> Confinement {
    let mut confinement = of_worker(workshop, worker);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    confinement.memory = device.memory() >> 20;
    confinement.cpu = TRAINING.as_secs() * cores as u64;
    let is_about_threads = |variable: &String| variable.starts_with(THREADS_VARIABLE);
    confinement.environment.retain(|it| !is_about_threads(it));
    let threads = format!("{THREADS_VARIABLE}={cores}");
    confinement.environment.push(threads);
    let others = [HUGE_PAGES, SPINS_BRIEFLY].map(str::to_owned);
    confinement.environment.extend(others);
    confinement.read.push(HUGE_PAGES_FILE.into());
    if device == Device::Cuda {
        add_gpu(&mut confinement);
    }
    confinement
}

/// Adds what CUDA takes: the driver's devices, the files that it reads, and its part of libtorch. Linkers drop that
/// part, since no symbol of it is named; so the loader loads it before the first time that libtorch looks for a
/// GPU, which it does only once.
fn add_gpu(confinement: &mut Confinement) {
    confinement.gpu = true;
    // The driver is not known to work from within.
    confinement.level = confinement.level.without(&[Layer::Namespaces]);
    confinement
        .environment
        .push(format!("LD_PRELOAD={CUDA_LIBRARY}"));
    confinement.environment.push("WORKER_GPU=1".to_owned());
    // It asks the machine all along.
    confinement.environment.retain(|it| it != FILES_VARIABLE);
    confinement.read.extend(paths(&[GPU_FACTS]));
    let nodes = fs::read_dir("/dev").into_iter().flatten().flatten();
    let nodes = nodes.filter(|node| node.file_name().to_string_lossy().starts_with("nvidia"));
    confinement.write.extend(nodes.map(|node| node.path()));
}

/// A judge. It is the course's own code, but it reads what a worker sends, and so it is confined too. It starts
/// the worker, whose confinement is added to this one: all that a worker may, the judge must be allowed.
///
/// # Errors
/// Returns an error if the file of the [`confining_program`] cannot be found.
pub fn of_judge(
    workshop: &Workshop,
    judge: &Path,
    worker: &Path,
    folder: &Path,
) -> Result<Confinement> {
    let mut confinement = of_worker(workshop, worker);
    confinement.folder = folder.to_owned();
    confinement
        .run
        .extend([judge.to_owned(), confining_program()?]);
    // The worker's own folder there is another than the judge's.
    confinement.read.push("/proc".into());
    confinement.write.push("/dev/null".into());
    confinement.environment = KEEPS_MEMORY.map(str::to_owned).to_vec();
    Ok(confinement)
}

/// Has a judge keep what was asked and answered, in a folder that its worker has no right to.
pub fn keep_calls_in(judge: &mut Confinement, folder: &Path) {
    judge.write.push(folder.to_owned());
    // The judge itself keeps 64 MiB in all.
    judge.file = 128;
    let folder = folder.display();
    judge
        .environment
        .push(format!("JUDGE_CALLS_FOLDER={folder}"));
}
