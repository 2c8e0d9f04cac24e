//! Set-up against a Python and a pip of the tests' own, which behave well or badly as told.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use grader::machine::libtorch::{Libtorch, LibtorchFault, Origin};
use grader::machine::platform::Platform;
use grader::machine::setup::{SetupError, Surroundings};
use indicatif::{MultiProgress, ProgressDrawTarget};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const TORCH: &str = "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl";
const CUDART: &str = "nvidia_cuda_runtime-13.0.96-py3-none-any.whl";
const TOOLKIT: &str = "Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.2; sys_platform\n";

/// The commands of the tests' pip, with the folder for wheels in `$dest`, the folder of its own in `$wheels`, and all
/// of its arguments in `$all`.
const GOOD_PIP: &str = r#"case "$all" in
    *torch==2.11.0*) echo "Downloading torch.whl (1.5 kB)"; cp "$wheels"/torch-* "$dest" ;;
    *cuda-toolkit*) cp "$wheels"/nvidia* "$dest" ;;
esac"#;

/// A machine of a user's: a workspace, a cache, a Python, and what its index would hand out.
struct Machine {
    home: TempDir,
    surroundings: Surroundings,
}

impl Machine {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        for folder in ["ws", "wheels"] {
            fs::create_dir(home.path().join(folder)).expect("a folder");
        }
        let surroundings = Surroundings {
            chosen: None,
            named: None,
            python: home.path().join("python3"),
            cache: Some(home.path().join("cache")),
            platform: Platform::HERE,
        };
        let machine = Self { home, surroundings };
        machine.pip_does(GOOD_PIP);
        machine.make_wheels();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn link(&self) -> PathBuf {
        self.path("ws/.libtorch")
    }

    fn ensure(&self, cuda: bool) -> Result<Libtorch, SetupError> {
        let hidden = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        self.surroundings.ensure(&self.path("ws"), cuda, &hidden)
    }

    /// Writes a Python without PyTorch whose pip runs the given lines.
    fn pip_does(&self, lines: &str) {
        self.python_is(&format!(
            r#"#!/bin/sh
            home={home}; wheels=$home/wheels; all="$*"
            [ -z "$PYTHONHOME$PYTHONPATH" ] || {{ echo 'No module named encodings'; exit 1; }}
            [ "$1" = -c ] && exit 1
            [ "$PIP_REQUIRE_VIRTUALENV" = 0 ] || {{ echo 'no virtualenv'; exit 3; }}
            [ -z "$PIP_CONSTRAINT" ] || {{ echo 'no such constraints'; exit 1; }}
            [ -z "$TESTED_INDEX" ] || [ "$PIP_INDEX_URL" = "$TESTED_INDEX" ] || {{ echo 'another index'; exit 1; }}
            echo "$all" >> $home/calls
            while [ $# -gt 0 ]; do [ "$1" = --dest ] && dest=$2; shift; done
            {lines}
            "#,
            home = self.home.path().display()
        ));
    }

    /// Has another process write the script: one that this process had open for writing could not be
    /// run while a test beside it is starting a program.
    fn python_is(&self, script: &str) {
        let script = script.trim_start();
        let write = "printf %s \"$1\" > \"$2\" && chmod +x \"$2\"";
        let mut command = Command::new("sh");
        command.args(["-c", write, "sh", script]);
        command.arg(&self.surroundings.python);
        assert!(command.status().expect("a shell").success());
    }

    /// The requests that pip got.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// Makes the wheels of a PyTorch whose `libtorch_cpu.so` needs a `libcudart.so.13`, as the real
    /// one does.
    fn make_wheels(&self) {
        let [cudart, c10, cpu] = libraries();
        let metadata = format!("Name: torch\n{TOOLKIT}");
        self.make_wheel(
            TORCH,
            &[
                ("torch-2.11.0.dist-info/METADATA", metadata.as_bytes()),
                ("torch/include/ATen/ATen.h", b""),
                ("torch/include/torch/csrc/api/include/torch/torch.h", b""),
                (
                    "torch/include/torch/headeronly/version.h",
                    b"#define TORCH_VERSION \"2.11.0\"",
                ),
                ("torch/lib/libc10.so", c10),
                ("torch/lib/libtorch_cpu.so", cpu),
                ("torch/lib/libtorch.so", b"needs CUDA"),
            ],
        );
        self.make_wheel(CUDART, &[("nvidia/cu13/lib/libcudart.so.13", cudart)]);
    }

    fn make_wheel(&self, name: &str, members: &[(&str, &[u8])]) {
        let file = File::create(self.path("wheels").join(name)).expect("a file");
        let mut wheel = ZipWriter::new(file);
        for (name, bytes) in members {
            let start = wheel.start_file(*name, SimpleFileOptions::default());
            start.expect("a member");
            wheel.write_all(bytes).expect("its bytes");
        }
        wheel.finish().expect("a wheel");
    }

    /// Changes the bytes of the wheel of PyTorch.
    fn spoil_torch(&self, spoil: impl FnOnce(&mut Vec<u8>)) {
        let path = self.path("wheels").join(TORCH);
        let mut bytes = fs::read(&path).expect("the wheel");
        spoil(&mut bytes);
        fs::write(&path, bytes).expect("the wheel");
    }

    /// Writes a tree of the given version that is whole but empty.
    fn tree_at(&self, root: &Path, version: &str) {
        for file in [
            "lib/libtorch.so",
            "lib/libtorch_cpu.so",
            "lib/libc10.so",
            "include/ATen/ATen.h",
            "include/torch/csrc/api/include/torch/torch.h",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        let [loads_alone, ..] = libraries();
        fs::write(root.join("lib/libtorch_cpu.so"), loads_alone).expect("a file");
        fs::write(root.join("build-version"), version).expect("a file");
    }

    /// Set-up fails, leaves nothing half-done, and succeeds once the cause is gone.
    fn fails_and_recovers(self, cuda: bool) -> SetupError {
        let error = self.ensure(cuda).expect_err("set-up cannot succeed");
        assert!(fs::symlink_metadata(self.link()).is_err(), "a link is left");
        let left: Vec<_> = fs::read_dir(self.path("cache/vit-course"))
            .into_iter()
            .flatten()
            .map(|it| it.expect("an entry").file_name())
            .filter(|it| !it.to_string_lossy().ends_with(".lock"))
            .collect();
        assert!(left.is_empty(), "{left:?} are left in the cache");

        self.make_wheels();
        self.pip_does(GOOD_PIP);
        self.ensure(false).expect("set-up succeeds afterwards");
        error
    }
}

/// A `libcudart.so.13`, a `libc10.so`, and a `libtorch_cpu.so` that needs the first, all of them empty.
fn libraries() -> &'static [Vec<u8>; 3] {
    static LIBRARIES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let link = |name: &str, needed: &[&str]| {
            let mut compiler = Command::new("cc");
            compiler
                .args(["-shared", "-x", "c", "/dev/null", "-x", "none"])
                .args(["-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN", "-o", name])
                .arg(format!("-Wl,-soname,{name}"))
                .args(needed)
                .current_dir(folder.path());
            assert!(compiler.status().expect("a C compiler").success());
            fs::read(folder.path().join(name)).expect("it was linked")
        };
        let cudart = link("libcudart.so.13", &[]);
        let c10 = link("libc10.so", &[]);
        [cudart, c10, link("libtorch_cpu.so", &["libcudart.so.13"])]
    })
}

#[test]
fn what_is_missing_is_fetched_once_and_linked() {
    let machine = Machine::new();
    let made = machine.ensure(false).expect("a tree");
    assert_eq!(
        (made.version.as_str(), made.origin, made.cuda),
        ("2.11.0", Origin::Cache, false)
    );
    assert_eq!(made.load("libtorch_cpu.so"), Ok(()));
    assert_eq!(Libtorch::at(&machine.link()), Ok(made.clone()));
    let asked = machine.calls();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].ends_with("--no-deps torch==2.11.0"), "{asked:?}");
    assert!(asked[0].contains("--only-binary=:all: --python-version 3.11"));
    assert!(
        asked[1].ends_with(" cuda-toolkit[cudart,cupti]==13.0.2"),
        "{asked:?}"
    );

    assert_eq!(machine.ensure(false).expect("the tree"), made);
    fs::remove_file(machine.link()).expect("the link"); // as in a second clone
    assert_eq!(machine.ensure(false).expect("the tree"), made);
    assert_eq!(machine.calls().len(), 2, "the cache was passed over");
}

#[test]
fn a_mac_is_given_its_own_wheel_and_no_library_of_nvidias() {
    let mut machine = Machine::new();
    machine.surroundings.platform = Platform::MAC;
    let wheels = fs::read_dir(machine.path("wheels")).expect("the wheels");
    for wheel in wheels {
        fs::remove_file(wheel.expect("an entry").path()).expect("a wheel of Linux's");
    }
    let metadata = format!("Name: torch\n{TOOLKIT}");
    machine.make_wheel(
        "torch-2.11.0-cp311-cp311-macosx_11_0_arm64.whl",
        &[
            ("torch-2.11.0.dist-info/METADATA", metadata.as_bytes()),
            ("torch/include/ATen/ATen.h", b""),
            ("torch/include/torch/csrc/api/include/torch/torch.h", b""),
            (
                "torch/include/torch/headeronly/version.h",
                b"#define TORCH_VERSION \"2.11.0\"",
            ),
            ("torch/lib/libc10.dylib", b"c10"),
            ("torch/lib/libomp.dylib", b"omp"),
            ("torch/lib/libtorch.dylib", b"torch"),
            ("torch/lib/libtorch_cpu.dylib", b"cpu"),
            ("torch/lib/libtorch_python.dylib", b"python"),
        ],
    );
    let made = machine.ensure(false).expect("a tree");
    assert_eq!((made.origin, made.cuda), (Origin::Cache, false));
    let libraries = fs::read_dir(machine.link().join("lib")).expect("the libraries");
    let mut libraries: Vec<_> = libraries
        .map(|it| it.expect("an entry").file_name())
        .collect();
    libraries.sort();
    let expected = ["libc10", "libomp", "libtorch", "libtorch_cpu"];
    assert_eq!(
        libraries,
        expected
            .map(|name| Platform::MAC.library(name))
            .map(OsString::from)
    );
    let asked = machine.calls();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(
        asked[0].contains("--platform=macosx_11_0_arm64 "),
        "{asked:?}"
    );
    assert!(!asked[0].contains("manylinux"), "{asked:?}");

    // It is no tree of this machine's.
    assert!(matches!(
        Libtorch::at(&machine.link()),
        Err(LibtorchFault::Incomplete { .. })
    ));
    let error = machine.ensure(true).expect_err("no Mac has CUDA");
    assert!(matches!(error, SetupError::NoCuda(_)), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--cuda")));
}

#[test]
fn variables_of_python_and_pip_change_nothing_but_the_index() {
    let index = "https://index.example/simple";
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "what_is_missing_is_fetched_once_and_linked"])
        .envs([("PYTHONHOME", "/none"), ("PYTHONPATH", "/none")])
        .envs([("PIP_REQUIRE_VIRTUALENV", "1"), ("PIP_CONSTRAINT", "/none")])
        .envs([("PIP_INDEX_URL", index), ("TESTED_INDEX", index)])
        .output()
        .expect("this program, once more");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
fn a_good_link_is_enough_without_any_python() {
    let mut machine = Machine::new();
    machine.tree_at(&machine.path("own"), "2.11.0");
    symlink(machine.path("own"), machine.link()).expect("a link");
    machine.surroundings.python = machine.path("no python");
    machine.surroundings.cache = None;
    assert_eq!(
        machine.ensure(false).expect("the tree").origin,
        Origin::User
    );
}

#[test]
fn a_dangling_link_and_one_to_another_version_are_mended() {
    let machine = Machine::new();
    machine.tree_at(&machine.path("old"), "2.3.1");
    for target in ["gone", "old"] {
        fs::remove_file(machine.link()).ok();
        symlink(machine.path(target), machine.link()).expect("a link");
        machine.ensure(false).expect("a tree");
        assert!(Libtorch::at(&machine.link()).is_ok());
    }
    assert!(machine.path("old/build-version").exists());
}

#[test]
fn a_folder_of_the_users_is_used_or_refused_and_never_touched() {
    let machine = Machine::new();
    machine.tree_at(&machine.link(), "2.3.1");
    let error = machine.ensure(false).expect_err("an old version");
    assert!(matches!(error, SetupError::InTheWay { .. }), "{error}");
    assert!(
        error.to_string().contains("holds libtorch 2.3.1"),
        "{error}"
    );

    machine.tree_at(&machine.link(), "2.11.0");
    assert_eq!(machine.ensure(false).expect("a tree").origin, Origin::User);
    let error = machine.ensure(true).expect_err("no CUDA in it");
    assert!(
        error.to_string().contains("has no libtorch_cuda.so"),
        "{error}"
    );
    assert!(machine.calls().is_empty());
}

#[test]
fn a_chosen_libtorch_comes_before_all_others() {
    let mut machine = Machine::new();
    machine.ensure(false).expect("a fetched tree");
    machine.tree_at(&machine.path("own"), "2.11.0+cpu");
    machine.surroundings.chosen = Some(machine.path("own"));
    for _ in 0..2 {
        assert_eq!(machine.ensure(false).expect("a tree").version, "2.11.0+cpu");
    }
    let linked = Libtorch::at(&machine.link()).expect("a tree");
    assert_eq!(linked.version, "2.11.0+cpu");
    let error = machine.ensure(true).expect_err("no CUDA in it");
    assert!(matches!(error, SetupError::ChosenWithoutCuda(_)), "{error}");

    // It was asked for: so a wrong one is an error.
    machine.tree_at(&machine.path("own"), "2.3.1");
    let error = machine.ensure(false).expect_err("an old version");
    let wrong = matches!(
        error,
        SetupError::Chosen(LibtorchFault::WrongVersion { .. })
    );
    assert!(wrong, "{error}");
}

#[test]
fn what_the_variable_names_is_taken_where_nothing_is_linked_and_it_will_do() {
    let mut machine = Machine::new();
    machine.tree_at(&machine.path("old"), "2.3.1");
    machine.surroundings.named = Some(machine.path("old"));
    let fetched = machine.ensure(false).expect("a fetched tree");
    assert_eq!(fetched.origin, Origin::Cache);
    machine.surroundings.named = Some(machine.path("own"));
    machine.tree_at(&machine.path("own"), "2.11.0");
    assert_eq!(machine.ensure(false).expect("what is linked"), fetched);
}

#[test]
fn a_pythons_pytorch_comes_before_fetching() {
    let machine = Machine::new();
    let root = machine.path("venv/lib/python3.13/site-packages/torch");
    let origin = root.join("__init__.py");
    machine.tree_at(&root, "2.11.0");
    machine.python_is(&format!("#!/bin/sh\necho {}\n", origin.display()));
    assert_eq!(
        machine.ensure(false).expect("a tree").origin,
        Origin::Python
    );

    // One that does not load, or is of another version, is passed over.
    fs::remove_file(machine.link()).expect("the link");
    fs::write(root.join("lib/libtorch_cpu.so"), "rubbish").expect("a file");
    let error = machine.ensure(false).expect_err("this Python has no pip");
    assert!(matches!(error, SetupError::Pip { .. }), "{error}");
}

#[test]
fn two_at_once_fetch_once() {
    let machine = Machine::new();
    machine.pip_does(&format!("sleep 0.3\n{GOOD_PIP}"));
    thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| machine.ensure(false)));
        for one in both {
            one.join().expect("no panic").expect("a tree");
        }
    });
    assert_eq!(machine.calls().len(), 2, "PyTorch once, its libraries once");
    let left = fs::read_dir(machine.path("ws")).expect("the workspace");
    assert_eq!(left.count(), 1, "nothing but the link");
}

#[test]
fn what_a_killed_set_up_left_is_cleared_away() {
    let machine = Machine::new();
    let partial = machine.path("cache/vit-course/libtorch-2.11.0-cpu.partial");
    let half = machine.path("cache/vit-course/libtorch-2.11.0-cpu");
    for folder in [&partial, &half] {
        fs::create_dir_all(folder.join("tree/lib")).expect("a folder");
        fs::create_dir_all(folder.join("torch")).expect("a folder");
        fs::write(folder.join("torch/old.whl"), "half").expect("a file");
    }
    machine.ensure(false).expect("a tree");
    assert!(!partial.exists());
    assert!(!half.join("torch").exists());
}

#[test]
fn a_release_that_the_index_does_not_have() {
    let machine = Machine::new();
    machine.pip_does(
        "printf 'Looking around\\n\\033[31mERROR: No matching distribution found\\n' >&2; exit 1",
    );
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::Pip { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("\\u{1b}[31mERROR: No matching distribution"),
        "{said}"
    );
}

#[test]
fn a_download_that_breaks_off() {
    let machine = Machine::new();
    machine.pip_does(
        "echo half > $TMPDIR/half.whl; echo 'Downloading x.whl (2.0 MB)'
        echo \"ERROR: ('Connection broken: IncompleteRead(5 bytes read)')\"; exit 2",
    );
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::NoNetwork(_)), "{error}");
}

#[test]
fn no_network() {
    let machine = Machine::new();
    machine.pip_does(
        "echo \"WARNING: Retrying after connection broken by 'NewConnectionError(': Failed')'\"
        echo 'ERROR: No matching distribution found for torch==2.11.0'; exit 1",
    );
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::NoNetwork(_)), "{error}");
}

#[test]
fn a_pip_that_is_killed_between_the_two_fetches() {
    let machine = Machine::new();
    machine.pip_does(&format!(
        "{GOOD_PIP}\ncase \"$all\" in *toolkit*) kill -9 $$ ;; esac"
    ));
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::Pip { .. }), "{error}");
}

#[test]
fn a_pip_that_brings_nothing() {
    let machine = Machine::new();
    machine.pip_does("exit 0");
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::Pip { .. }), "{error}");
}

#[test]
fn a_disk_that_becomes_full() {
    let machine = Machine::new();
    machine.pip_does("echo 'ERROR: [Errno 28] No space left on device'; exit 1");
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::DiskFull(_)), "{error}");
}

#[test]
fn a_python_without_pip_and_no_python() {
    let machine = Machine::new();
    machine.pip_does("echo \"$0: No module named pip\" >&2; exit 1");
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::NoPip(_)), "{error}");

    let machine = Machine::new();
    fs::remove_file(&machine.surroundings.python).expect("the script");
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::NoPython { .. }), "{error}");
}

#[test]
fn a_wheel_that_is_rubbish_cut_short_or_changed() {
    let spoil: [fn(&mut Vec<u8>); 4] = [
        |bytes| *bytes = b"<html>not found</html>".to_vec(),
        |bytes| bytes.clear(),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes[2000..2100].fill(7),
    ];
    for (which, spoil) in spoil.into_iter().enumerate() {
        let machine = Machine::new();
        machine.spoil_torch(spoil);
        let error = machine.fails_and_recovers(false);
        assert!(
            matches!(error, SetupError::Wheel { .. }),
            "{which}: {error}"
        );
    }
}

#[test]
fn a_wheel_of_another_version_or_without_its_headers() {
    let metadata = ("torch.dist-info/METADATA", &b"Name: torch\n"[..]);
    let machine = Machine::new();
    let cpu = ("torch/lib/libtorch_cpu.so", &b""[..]);
    let c10 = ("torch/lib/libc10.so", &b""[..]);
    machine.make_wheel(TORCH, &[metadata, cpu, c10]);
    let error = machine.fails_and_recovers(false);
    assert!(
        error.to_string().contains("has no include/ATen/ATen.h"),
        "{error}"
    );
}

#[test]
fn a_library_that_lacks_another_does_not_load() {
    let machine = Machine::new();
    machine.make_wheel(CUDART, &[("nvidia/cu13/lib/other.so", b"")]);
    let error = machine.fails_and_recovers(false);
    assert!(matches!(error, SetupError::DoesNotLoad { .. }), "{error}");
    assert!(error.to_string().contains("libcudart.so.13"), "{error}");
}

#[test]
fn cuda_from_a_wheel_without_it() {
    let machine = Machine::new();
    machine.make_wheel(TORCH, &[("torch.dist-info/METADATA", b"Name: torch\n")]);
    let error = machine.fails_and_recovers(true);
    assert!(error.to_string().contains("built without CUDA"), "{error}");
}

#[test]
fn no_folder_for_caches() {
    let mut machine = Machine::new();
    machine.surroundings.cache = None;
    let error = machine.ensure(false).expect_err("nowhere to put it");
    assert!(matches!(error, SetupError::NoCache), "{error}");
}
