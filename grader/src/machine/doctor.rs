//! Checks what the course needs of a machine. For each fault there is one concrete fix.
//!
//! The functions that look at the machine are few and at the end; those that judge take the observations as values.

mod linking;

use sandbox::{Author, Level, Sandbox};
use std::env;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::DecimalBytes;

use crate::machine::checkout;
use crate::machine::libtorch::{
    CPU_LIBRARY, CUDA_LIBRARY, LINK, Libtorch, LibtorchFault, Origin, printable,
};
use crate::machine::setup::{Surroundings, free_bytes, python, room_needed};
use crate::machine::tools::{Toolchain, another_toolchain};
use crate::train::device::DRIVERS;
use hints::hints;

/// The finding on one requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The requirement.
    pub what: &'static str,
    /// Whether it is met.
    pub state: State,
    /// The observation, in one line that is fit to be shown.
    pub detail: String,
    /// The fix. Every fault has one.
    pub fix: Option<String>,
}

/// Whether a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is met.
    Good,
    /// It is met, with a remark.
    Note,
    /// It is not met.
    Fault,
}

/// The standard output of a program, or the reason why there is none of use.
type ProgramOutput = Result<String, Silence>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Silence {
    NotThere,
    Failed(String),
}

/// Looks at everything. It takes a second or two, most of it for loading libtorch.
#[must_use]
pub fn examine(workspace: &Path) -> Vec<Finding> {
    let surroundings = Surroundings::of(workspace);
    let linked = Libtorch::at(&workspace.join(LINK));
    let named = surroundings.named.as_deref().map(Libtorch::at);
    let loads = |library| move |it: &Libtorch| it.load(library);
    let nodes = gpu_nodes();
    let smi = hear(
        Command::new("nvidia-smi")
            .args(["--query-gpu=name,driver_version", "--format=csv,noheader"]),
    );
    let gpu_seen = smi.is_ok() || nodes > 0;

    let mut findings = vec![
        checkout(checkout::check(workspace)),
        rust(&rust_version(workspace)),
        compiler(&compile_and_link()),
    ];
    let found = libtorch(workspace, named, linked.clone(), loads(CPU_LIBRARY));
    let missing = linked.is_err();
    findings.push(found);
    let can_link = findings.iter().all(|it| it.state != State::Fault);
    if let (Ok(linked), true) = (&linked, can_link) {
        findings.push(linking::linking(workspace, linked));
    }
    if missing {
        let mut python = python(&surroundings.python);
        findings.push(pip(&hear(python.args(["-m", "pip", "--version"]))));
    }
    let linked = linked.ok();
    findings.push(cuda(linked.as_ref(), gpu_seen, loads(CUDA_LIBRARY)));
    findings.push(gpu(linked.as_ref(), nodes, &smi));
    findings.push(sandbox(sandbox::reach(Some(Sandbox::Full), Author::Others)));
    findings.push(disk(workspace, free_bytes(workspace), ROOM_FOR_BUILDS));
    if missing && let Some(cache) = &surroundings.cache {
        let cache = cache.ancestors().find(|it| it.exists()).unwrap_or(cache);
        findings.push(disk(cache, free_bytes(cache), room_needed(false)));
    }
    findings
}

/// Bytes that the target folder takes, with some to spare.
const ROOM_FOR_BUILDS: u64 = 3_000_000_000;

impl Finding {
    fn good(what: &'static str, detail: impl Into<String>) -> Self {
        let (state, fix) = (State::Good, None);
        let detail = detail.into();
        Self {
            what,
            state,
            detail,
            fix,
        }
    }

    fn note(what: &'static str, detail: impl Into<String>, fix: Option<&str>) -> Self {
        let (state, fix) = (State::Note, fix.map(str::to_owned));
        let detail = detail.into();
        Self {
            what,
            state,
            detail,
            fix,
        }
    }

    fn fault(what: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        let (state, fix) = (State::Fault, Some(fix.into()));
        let detail = detail.into();
        Self {
            what,
            state,
            detail,
            fix,
        }
    }
}

/// The version of the compiler that is chosen in the workspace.
fn rust_version(workspace: &Path) -> ProgramOutput {
    // The error holds rustup's message about a missing toolchain.
    match Toolchain::of(workspace) {
        Ok(toolchain) => hear(Command::new(toolchain.rustc()).arg("--version")),
        Err(_) => hear(
            Command::new("rustc")
                .arg("--version")
                .current_dir(workspace),
        ),
    }
}

fn checkout(checked: anyhow::Result<()>) -> Finding {
    const WHAT: &str = "checkout";
    match checked {
        Ok(()) => Finding::good(WHAT, "cargo takes its path, and it can be written"),
        Err(error) => Finding::fault(WHAT, format!("{error:#}"), hints(&error).join("; ")),
    }
}

fn rust(version: &ProgramOutput) -> Finding {
    const NEEDED: &str = env!("CARGO_PKG_RUST_VERSION");
    match version {
        Ok(said) if release(said) >= release(NEEDED) => Finding::good("Rust", said),
        Ok(said) => Finding::fault(
            "Rust",
            format!("{said}, and this course needs {NEEDED}"),
            "rustup update stable",
        ),
        Err(Silence::NotThere) => Finding::fault(
            "Rust",
            Silence::NotThere.of("rustc"),
            "install Rust with rustup, as rust-lang.org says",
        ),
        Err(silence) => Finding::fault("Rust", silence.of("rustc"), another_toolchain()),
    }
}

fn sandbox(reached: anyhow::Result<Level>) -> Finding {
    const WHAT: &str = "sandbox";
    match reached {
        Ok(level) => {
            let without = sandbox::why_no_namespaces(level)
                .map(|why| format!(" (no user namespaces: {why:#})"))
                .filter(|_| !level.namespaces)
                .unwrap_or_default();
            Finding::good(
                WHAT,
                format!("{level}: code of others can be graded{without}").replace('\n', " "),
            )
        }
        Err(error) if sandbox::reach(None, Author::Oneself).is_ok() => Finding::note(
            WHAT,
            format!("none, so your own code runs with limits only ({error:#})"),
            Some("grade other people's code on Linux"),
        ),
        Err(error) => Finding::fault(
            WHAT,
            format!("{error:#}"),
            "grade on Linux 5.13 or newer, with Landlock in `cat /sys/kernel/security/lsm`; in a container, allow \
             landlock and seccomp",
        ),
    }
}

/// Major and minor of the first thing in a text that is a version.
fn release(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let mut parts = word.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    })
}

fn compiler(built: &ProgramOutput) -> Finding {
    const WHAT: &str = "C++ compiler";
    match built {
        Ok(name) if OPEN_MP.is_empty() => {
            Finding::good(WHAT, format!("{name} builds and links C++17"))
        }
        Ok(name) => Finding::good(WHAT, format!("{name} builds and links C++17 with OpenMP")),
        Err(silence) => {
            let set = ["CXX", "CXXFLAGS"]
                .into_iter()
                .filter(|name| env::var_os(name).is_some());
            let set = set.collect::<Vec<_>>().join(", ");
            let fix = match set.is_empty() {
                true if cfg!(target_os = "macos") => {
                    "install Apple's command line tools (`xcode-select --install`)".to_owned()
                }
                true => "install GCC for C++ (`sudo apt install g++`, `sudo dnf install gcc-c++`)"
                    .to_owned(),
                false => format!("unset {set}, or set it to a C++ compiler that works"),
            };
            Finding::fault(WHAT, silence.of("the C++ compiler"), fix)
        }
    }
}

/// Judges what is linked in the workspace. What `$LIBTORCH` names besides is passed over by builds and by the grader.
fn libtorch(
    workspace: &Path,
    named: Option<Result<Libtorch, LibtorchFault>>,
    linked: Result<Libtorch, LibtorchFault>,
    load: impl Fn(&Libtorch) -> Result<(), String>,
) -> Finding {
    const WHAT: &str = "libtorch";
    let fault = |detail: String, fix: &str| Finding::fault(WHAT, detail, fix);
    let found = match linked {
        Ok(found) => found,
        Err(unfit) if is_folder(&workspace.join(LINK)) => {
            let fix = format!("move {LINK} away, then `cargo grader setup`");
            return fault(unfit.to_string(), &fix);
        }
        Err(unfit) => return fault(unfit.to_string(), "cargo grader setup"),
    };
    let root = printable(&found.root);
    if let Err(complaint) = load(&found) {
        let detail = format!("{root} does not load: {complaint}");
        return fault(detail, &renewal(&found));
    }
    let whose = match found.origin {
        Origin::Cache => "downloaded into the cache",
        Origin::Python => "of a Python's PyTorch",
        Origin::User => "of your own",
    };
    let detail = format!("{} at {root}, {whose}", found.version);
    match named {
        Some(Ok(named)) if named != found => Finding::note(
            WHAT,
            format!("{detail}; LIBTORCH, which names another, is passed over"),
            Some("cargo grader setup --libtorch \"$LIBTORCH\""),
        ),
        Some(Err(unfit)) => Finding::note(
            WHAT,
            format!("{detail}; LIBTORCH is passed over: {unfit}"),
            None,
        ),
        Some(Ok(_)) | None => Finding::good(WHAT, detail),
    }
}

/// The way to get a tree in place of one that does not load.
fn renewal(broken: &Libtorch) -> String {
    let setup = if broken.cuda {
        "cargo grader setup --cuda"
    } else {
        "cargo grader setup"
    };
    let root = printable(&broken.root);
    match broken.origin {
        Origin::Cache => format!("rm -r '{root}' && {setup}"),
        Origin::Python | Origin::User => {
            format!("remove {LINK}, then `{setup}`")
        }
    }
}

fn pip(version: &ProgramOutput) -> Finding {
    match version {
        Ok(said) => Finding::good("pip", said),
        Err(silence) => Finding::fault(
            "pip",
            silence.of("python3"),
            "install Python 3 with pip (`sudo apt install python3-pip`), by which libtorch is fetched",
        ),
    }
}

/// Judges whether what there is of libtorch can use a GPU.
fn cuda(
    found: Option<&Libtorch>,
    gpu_seen: bool,
    load: impl Fn(&Libtorch) -> Result<(), String>,
) -> Finding {
    const WHAT: &str = "CUDA library";
    let setup = gpu_seen.then_some("cargo grader setup --cuda");
    match found {
        None => Finding::note(WHAT, "there is no libtorch yet", setup),
        Some(found) if !found.cuda => {
            Finding::note(WHAT, "this libtorch is for the CPU only", setup)
        }
        Some(found) => match load(found) {
            Ok(()) => Finding::good(WHAT, format!("{CUDA_LIBRARY} loads")),
            Err(complaint) => {
                let detail = format!("{CUDA_LIBRARY} does not load: {complaint}");
                Finding::fault(WHAT, detail, renewal(found))
            }
        },
    }
}

/// Judges the GPU by its device nodes and by what the driver's `nvidia-smi` says: a line
/// `name, version of the driver` for each.
fn gpu(found: Option<&Libtorch>, nodes: usize, smi: &ProgramOutput) -> Finding {
    const WHAT: &str = "GPU";
    match smi {
        Ok(said) => {
            let seen = said.lines().collect::<Vec<_>>().join("; ");
            let driver = said
                .lines()
                .next()
                .and_then(|it| release(it.rsplit(", ").next()?));
            let Some(needed) = found.filter(|it| it.cuda).map(needed_driver) else {
                return Finding::good(WHAT, seen);
            };
            if driver.is_some_and(|(major, _)| major < needed) {
                let detail = format!("{seen}: the driver is too old for this libtorch");
                let fix = format!("update the NVIDIA driver to {needed} or later");
                return Finding::fault(WHAT, detail, fix);
            }
            Finding::good(WHAT, seen)
        }
        Err(silence) if nodes == 0 => {
            let why = silence.of("nvidia-smi");
            let detail = format!("none is visible ({why}); everything passes on a CPU");
            Finding::note(WHAT, detail, None)
        }
        Err(silence) => Finding::fault(
            WHAT,
            format!("there is a device node, but {}", silence.of("nvidia-smi")),
            "reinstall the NVIDIA driver with its nvidia-smi, and restart",
        ),
    }
}

/// The first driver of NVIDIA's that runs the CUDA that a tree is built for: the newest known, where it does not say.
fn needed_driver(libtorch: &Libtorch) -> u32 {
    let is_for = |cuda: u32| libtorch.version.contains(&format!("+cu{cuda}"));
    let [.., (_, newest)] = DRIVERS;
    let mut known = DRIVERS.into_iter();
    let driver = known.find_map(|(cuda, driver)| is_for(cuda).then_some(driver));
    driver.unwrap_or(newest)
}

fn disk(folder: &Path, free: io::Result<u64>, needed: u64) -> Finding {
    const WHAT: &str = "disk";
    let place = printable(folder);
    match free {
        Ok(free) if free >= needed => {
            Finding::good(WHAT, format!("{} free at {place}", DecimalBytes(free)))
        }
        Ok(free) => {
            let (free, needed) = (DecimalBytes(free), DecimalBytes(needed));
            let detail = format!("{free} free at {place}, and {needed} may be needed");
            let fix = format!("make room at {place} (`cargo clean` removes what builds left)");
            Finding::fault(WHAT, detail, fix)
        }
        Err(error) => {
            let detail = format!("the free space at {place} cannot be seen ({error})");
            Finding::note(WHAT, detail, None)
        }
    }
}

impl Silence {
    fn of(&self, program: &str) -> String {
        match self {
            Self::NotThere => format!("{program} was not found"),
            Self::Failed(why) => format!("{program} fails: {why}"),
        }
    }
}

/// Runs a program that should be done within seconds. Its output, or else its first line of errors, is made fit to be
/// shown.
fn hear(command: &mut Command) -> ProgramOutput {
    const LIMIT: Duration = Duration::from_secs(20); // nvidia-smi can hang on a broken driver
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Silence::NotThere,
        _ => Silence::Failed(error.to_string()),
    };
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().map_err(failed)?;
    // Read while it runs: a pipe that is full would stop it.
    let output = child.stdout.take().map(lines_of);
    let complaints = child.stderr.take().map(lines_of);
    let start = Instant::now();
    while child.try_wait().map_err(failed)?.is_none() {
        if start.elapsed() > LIMIT {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
            return Err(Silence::Failed("it does not answer".to_owned()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    let status = child.wait().map_err(failed)?;
    let joined = |lines: Option<JoinHandle<Vec<String>>>| lines.map(JoinHandle::join);
    let [said, complaints] = [output, complaints].map(|lines| match joined(lines) {
        Some(Ok(lines)) => lines,
        _ => vec![],
    });
    if status.success() {
        return Ok(said.join("\n"));
    }
    let first = complaints.into_iter().chain(said).next();
    Err(Silence::Failed(first.unwrap_or_else(|| status.to_string())))
}

/// The lines of a program's output that are not empty, fit to be shown.
fn lines_of(mut output: impl Read + Send + 'static) -> JoinHandle<Vec<String>> {
    thread::spawn(move || {
        let mut bytes = vec![];
        // Output that cannot be read any more counts as absent.
        let _ = output.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
        lines.map(printable).collect()
    })
}

/// The options by which the binding of libtorch is linked with OpenMP: not on a Mac, where libtorch brings its own.
const OPEN_MP: &[&str] = if cfg!(target_os = "macos") {
    &[]
} else {
    &["-lgomp"]
};

/// Builds and links a program as the binding of libtorch will be built. Returns the compiler's name.
fn compile_and_link() -> ProgramOutput {
    const PROGRAM: &str = "#include <vector>\nint main() { return std::vector<int>().size(); }\n";
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let mut words = compiler.split_whitespace();
    let flags = env::var("CXXFLAGS").unwrap_or_default();
    let failed = |error: io::Error| Silence::Failed(error.to_string());
    let folder = tempfile::tempdir().map_err(failed)?;
    fs::write(folder.path().join("main.cpp"), PROGRAM).map_err(failed)?;
    hear(
        Command::new(words.next().unwrap_or("c++"))
            .args(words)
            .args(["-std=c++17", "main.cpp", "-o", "main"])
            .args(OPEN_MP)
            .args(flags.split_whitespace())
            .current_dir(folder.path()),
    )?;
    Ok(printable(&compiler))
}

/// The number of NVIDIA GPUs that the kernel shows.
fn gpu_nodes() -> usize {
    let names = fs::read_dir("/dev").into_iter().flatten().flatten();
    let numbers = names.filter_map(|it| {
        let name = it.file_name().into_string().ok()?;
        name.strip_prefix("nvidia")?.parse::<u32>().ok()
    });
    numbers.count()
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::platform::Platform;
    use std::path::PathBuf;

    const LOADS: fn(&Libtorch) -> Result<(), String> = |_| Ok(());
    const DOES_NOT: fn(&Libtorch) -> Result<(), String> = |_| Err("libx.so: not found".to_owned());

    fn tree(version: &str, cuda: bool) -> Libtorch {
        Libtorch {
            root: PathBuf::from("/cache/vit-course/tree"),
            version: version.to_owned(),
            origin: Origin::Cache,
            cuda,
            platform: Platform::HERE,
        }
    }

    fn said(text: &str) -> ProgramOutput {
        Ok(text.to_owned())
    }

    fn failed(why: &str) -> ProgramOutput {
        Err(Silence::Failed(why.to_owned()))
    }

    /// The state, and the fix if there is one.
    fn verdict(finding: &Finding) -> (State, &str) {
        (finding.state, finding.fix.as_deref().unwrap_or(""))
    }

    #[test]
    fn rust_has_to_be_new_enough() {
        let good = rust(&said("rustc 1.95.0 (59807616e 2026-04-14)"));
        assert_eq!(good.state, State::Good);
        assert_eq!(rust(&said("rustc 1.100.0-nightly")).state, State::Good);
        let old = rust(&said("rustc 1.70.0"));
        assert_eq!(verdict(&old), (State::Fault, "rustup update stable"));
        assert_eq!(rust(&Err(Silence::NotThere)).detail, "rustc was not found");
    }

    #[test]
    fn the_compiler_has_to_build_and_link() {
        assert_eq!(compiler(&said("c++")).state, State::Good);
        let broken = compiler(&failed("cannot find -lgomp"));
        assert_eq!(broken.state, State::Fault);
        assert!(broken.detail.ends_with("cannot find -lgomp"));
    }

    #[test]
    fn libtorch_is_said_to_be_where_it_is_and_of_which_version() {
        let found = libtorch(Path::new("/ws"), None, Ok(tree("2.11.0", false)), LOADS);
        let detail = "2.11.0 at /cache/vit-course/tree, downloaded into the cache";
        assert_eq!((found.state, found.detail.as_str()), (State::Good, detail));
    }

    #[test]
    fn each_fault_of_libtorch_has_its_own_fix() {
        let ws = Path::new("/ws");
        let absent = || Err(LibtorchFault::Absent(PathBuf::from("/ws/.libtorch")));
        let missing = libtorch(ws, None, absent(), LOADS);
        assert_eq!(verdict(&missing), (State::Fault, "cargo grader setup"));

        let broken = libtorch(ws, None, Ok(tree("2.11.0", true)), DOES_NOT);
        let renew = "rm -r '/cache/vit-course/tree' && cargo grader setup --cuda";
        assert_eq!(verdict(&broken), (State::Fault, renew));
    }

    #[test]
    fn a_variable_that_names_another_libtorch_is_passed_over_and_said_so() {
        let named = |named| {
            let linked = Ok(tree("2.11.0", false));
            libtorch(Path::new("/ws"), Some(named), linked, LOADS)
        };
        let wrong = named(Err(LibtorchFault::Absent(PathBuf::from("/none"))));
        assert_eq!(verdict(&wrong), (State::Note, ""));
        let words = "LIBTORCH is passed over: there is no folder at /none";
        assert!(wrong.detail.ends_with(words), "{}", wrong.detail);
        let setup = "cargo grader setup --libtorch \"$LIBTORCH\"";
        let other = named(Ok(tree("2.11.0", true)));
        assert_eq!(verdict(&other), (State::Note, setup));
        assert_eq!(named(Ok(tree("2.11.0", false))).state, State::Good);
    }

    #[test]
    fn a_folder_in_the_links_place_has_to_be_moved_by_its_owner() {
        let ws = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(ws.path().join(LINK)).expect("a folder");
        let found = libtorch(ws.path(), None, Libtorch::at(&ws.path().join(LINK)), LOADS);
        assert_eq!(
            verdict(&found),
            (
                State::Fault,
                "move .libtorch away, then `cargo grader setup`"
            )
        );
    }

    #[test]
    fn cuda_is_proposed_only_where_there_is_a_gpu() {
        let cpu = tree("2.11.0", false);
        let setup = "cargo grader setup --cuda";
        assert_eq!(
            verdict(&cuda(Some(&cpu), true, LOADS)),
            (State::Note, setup)
        );
        assert_eq!(verdict(&cuda(Some(&cpu), false, LOADS)), (State::Note, ""));
        assert_eq!(verdict(&cuda(None, false, LOADS)), (State::Note, ""));
        let whole = tree("2.11.0", true);
        assert_eq!(cuda(Some(&whole), true, LOADS).state, State::Good);
        let broken = cuda(Some(&whole), true, DOES_NOT);
        assert_eq!(broken.state, State::Fault);
        assert!(broken.detail.ends_with("libx.so: not found"));
    }

    #[test]
    fn a_gpu_needs_a_driver_that_is_new_enough_for_the_libtorch() {
        let cuda = tree("2.11.0", true);
        let cuda12 = tree("2.11.0+cu126", true);
        let (new, old) = (said("NVIDIA H200, 580.65.06"), said("Tesla T4, 535.161.07"));
        assert_eq!(gpu(Some(&cuda), 1, &new).state, State::Good);
        let fix = "update the NVIDIA driver to 580 or later";
        assert_eq!(verdict(&gpu(Some(&cuda), 1, &old)), (State::Fault, fix));
        assert_eq!(gpu(Some(&cuda12), 1, &old).state, State::Good);
        assert_eq!(
            gpu(Some(&tree("2.11.0", false)), 1, &old).state,
            State::Good
        );
    }

    #[test]
    fn no_gpu_is_no_fault_and_one_without_its_driver_is() {
        assert_eq!(gpu(None, 0, &Err(Silence::NotThere)).state, State::Note);
        assert_eq!(
            gpu(None, 0, &failed("no devices were found")).state,
            State::Note
        );
        let broken = gpu(None, 2, &failed("driver/library version mismatch"));
        assert_eq!(broken.state, State::Fault);
        assert!(broken.detail.contains("version mismatch"));
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_a_fault() {
        let place = Path::new("/ws");
        assert_eq!(
            disk(place, Ok(5_000_000_000), ROOM_FOR_BUILDS).state,
            State::Good
        );
        assert_eq!(
            disk(place, Ok(5_000_000), ROOM_FOR_BUILDS).state,
            State::Fault
        );
        let unseen = Err(io::Error::from(ErrorKind::PermissionDenied));
        assert_eq!(disk(place, unseen, ROOM_FOR_BUILDS).state, State::Note);
    }

    #[test]
    fn programs_are_heard_and_what_they_say_is_fit_to_be_shown() {
        let sh = |script: &str| hear(Command::new("sh").args(["-c", script]));
        assert_eq!(sh("printf 'a\\033[31m\\n\\nb'"), said("a\\u{1b}[31m\nb"));
        assert_eq!(sh("echo out; echo bad >&2; exit 3"), failed("bad"));
        assert_eq!(sh("exit 3"), failed("exit status: 3"));
        assert_eq!(
            hear(&mut Command::new("/no/such/program")),
            Err(Silence::NotThere)
        );
    }
}
