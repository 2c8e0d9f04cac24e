//! Fetches wheels with the user's own pip, so that the user's own configuration names the index.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use indicatif::{DecimalBytes, MultiProgress, ProgressBar};
use zip::ZipArchive;

use super::{SetupError, bar, python};
use crate::machine::libtorch::{VERSION, printable};
use crate::machine::platform::{Platform, System};
use crate::terminal::{ProgressLog, logs_progress, running};

/// The paths and progress bars that pip needs to fetch.
pub(super) struct Pip<'a> {
    pub(super) python: &'a Path,
    pub(super) platform: Platform,
    pub(super) staging: &'a Path,
    pub(super) progress: &'a MultiProgress,
}

impl Pip<'_> {
    /// Fetches PyTorch's wheel and then, by what that wheel says of itself, those of the libraries
    /// that its own need. PyTorch's is the first.
    pub(super) fn libtorch(&self, cuda: bool) -> Result<Vec<PathBuf>, SetupError> {
        let torch = format!("torch=={VERSION}");
        let mut wheels = self.download("torch", &["--no-deps"], &[torch])?;
        let needed = requirements(&metadata(&wheels[0])?, cuda, self.platform);
        if cuda && needed.is_empty() {
            let wheel = wheels.swap_remove(0);
            let why = "it was built without CUDA".to_owned();
            return Err(SetupError::Wheel { wheel, why });
        }
        if !needed.is_empty() {
            wheels.extend(self.download("libraries", &[], &needed)?);
        }
        Ok(wheels)
    }

    /// Has pip put wheels into a folder of the given name, and returns those it put there: one or
    /// more.
    fn download(
        &self,
        name: &str,
        options: &[&str],
        wanted: &[String],
    ) -> Result<Vec<PathBuf>, SetupError> {
        let folder = self.staging.join(name);
        let temporary = self.staging.join("tmp");
        for it in [&folder, &temporary] {
            fs::create_dir_all(it).map_err(SetupError::io("make the folder", it))?;
        }
        let cannot_run = |why| SetupError::NoPython {
            python: self.python.to_owned(),
            why,
        };
        let mut command = python(self.python);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(changes_what_is_fetched) {
                command.env_remove(name);
            }
        }
        command
            .args(["-m", "pip", "download", "--no-input", "--no-cache-dir"])
            .args(["--progress-bar", "off", "--disable-pip-version-check"])
            // A wheel for a Python of its own choice, whichever Python runs pip.
            .args(["--only-binary=:all:", "--python-version", "3.11"])
            .args(["--implementation", "cp"])
            .args(platforms(self.platform)?)
            .arg("--dest")
            .arg(&folder)
            .args(options)
            .args(wanted)
            .current_dir(self.staging)
            .env("TMPDIR", &temporary)
            .env("PYTHONUNBUFFERED", "1")
            // Also where a file of pip's says otherwise.
            .env("PIP_REQUIRE_VIRTUALENV", "0")
            .stdin(Stdio::null());
        if env::var_os("PIP_RESUME_RETRIES").is_none() {
            command.env("PIP_RESUME_RETRIES", "5"); // a pip before 25.1 passes it over
        }

        let bar = self.progress.add(bar(&format!("fetching {name}")));
        self.progress.suspend(|| running(&command));
        let (said, succeeded) = watch(command, &temporary, &bar).map_err(cannot_run)?;
        bar.finish_and_clear();
        fs::remove_dir_all(&temporary).ok(); // it goes with the staging folder at the latest
        if !succeeded {
            return Err(self.fault(wanted, said));
        }
        let wheels = wheels_in(&folder).map_err(SetupError::io("read", &folder))?;
        if wheels.is_empty() {
            return Err(self.fault(wanted, said));
        }
        Ok(wheels)
    }

    /// The error that pip's last output stands for.
    fn fault(&self, wanted: &[String], said: String) -> SetupError {
        const NO_NETWORK: [&str; 11] = [
            "Connection broken",
            "Connection aborted",
            "NewConnectionError",
            "NameResolutionError",
            "ConnectTimeoutError",
            "ReadTimeoutError",
            "ProxyError",
            "Name or service not known",
            "Temporary failure in name resolution",
            "Network is unreachable",
            "Connection refused",
        ];
        if said.contains("No module named pip") {
            SetupError::NoPip(self.python.to_owned())
        } else if said.contains("No space left on device") {
            SetupError::DiskFull(self.staging.to_owned())
        } else if NO_NETWORK.iter().any(|it| said.contains(it)) {
            SetupError::NoNetwork(said)
        } else {
            let what = wanted.join(" ");
            SetupError::Pip { what, said }
        }
    }
}

/// Options of pip that say where packages are and how to reach them, as its variables name them: a user's own hold. All others
/// might have it fetch other wheels, or put them elsewhere.
const OF_THE_INDEX: [&str; 16] = [
    "CERT",
    "CLIENT_CERT",
    "CONFIG_FILE",
    "DEFAULT_TIMEOUT",
    "EXTRA_INDEX_URL",
    "FIND_LINKS",
    "INDEX_URL",
    "KEYRING_PROVIDER",
    "NO_INDEX",
    "PROXY",
    "RESUME_RETRIES",
    "RETRIES",
    "TIMEOUT",
    "TRUSTED_HOST",
    "USE_DEPRECATED",
    "USE_FEATURE",
];

/// Returns whether a variable changes what pip fetches, and not only from where.
fn changes_what_is_fetched(variable: &str) -> bool {
    let option = variable.strip_prefix("PIP_");
    option.is_some_and(|option| !OF_THE_INDEX.contains(&option))
}

/// Runs pip and shows the bytes that it has written below `temporary`, out of those that it announces. Returns its last
/// lines and whether it succeeded.
fn watch(mut command: Command, temporary: &Path, bar: &ProgressBar) -> io::Result<(String, bool)> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    drop(command); // and with it the writing ends of the pipe

    let announced = AtomicU64::new(0);
    let ended = AtomicBool::new(false);
    let said = thread::scope(|scope| {
        scope.spawn(|| {
            let log = logs_progress().then(ProgressLog::later);
            while !ended.load(Ordering::Relaxed) {
                let announced = announced.load(Ordering::Relaxed);
                let written = bytes_below(temporary);
                if log.as_ref().is_some_and(ProgressLog::is_due) {
                    let [so_far, all] = [written, announced.max(written)].map(DecimalBytes);
                    note!("{}: {so_far} of {all}", bar.message());
                }
                if announced > 0 {
                    bar.set_length(announced.max(written));
                }
                bar.set_position(written);
                thread::sleep(Duration::from_millis(100));
            }
        });
        let said = last_lines(BufReader::new(reader), |line| {
            announced.fetch_add(announced_bytes(line), Ordering::Relaxed);
        });
        ended.store(true, Ordering::Relaxed);
        said
    });
    let succeeded = child.wait()?.success();
    Ok((said, succeeded))
}

/// Keeps the last lines of pip's output, fit to be shown, and passes each line to `see`.
fn last_lines(reader: impl BufRead, mut see: impl FnMut(&str)) -> String {
    const KEPT: usize = 8;
    const WIDEST: usize = 300;
    let mut kept = Vec::new();
    for line in reader.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        see(&line);
        let shown: String = printable(line.trim_end());
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(format!(
            "  {}",
            shown.chars().take(WIDEST).collect::<String>()
        ));
    }
    kept.join("\n")
}

/// The size in pip's `Downloading torch-….whl (530.6 MB)`.
fn announced_bytes(line: &str) -> u64 {
    let size = || {
        let line = line.trim().strip_prefix("Downloading ")?;
        let (_, size) = line.strip_suffix(')')?.rsplit_once('(')?;
        let (number, unit) = size.split_once(' ')?;
        let unit = match unit {
            "bytes" => 1.0,
            "kB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            _ => return None,
        };
        Some(number.parse::<f64>().ok()? * unit)
    };
    size().map_or(0, |it| it as u64) // which saturates
}

/// The bytes of all files below a folder, as far as they can be seen.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(it) if it.is_dir() => bytes_below(&entry.path()),
        Ok(it) => it.len(),
        Err(_) => 0, // gone in the meantime
    });
    bytes.sum()
}

/// The wheels that run on a platform, as pip's options.
fn platforms(platform: Platform) -> Result<Vec<String>, SetupError> {
    let tags = platform.wheel_tags();
    if tags.is_empty() {
        return Err(SetupError::Platform(platform.name()));
    }
    let options = tags.iter().map(|tag| format!("--platform={tag}"));
    Ok(options.collect())
}

fn wheels_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let paths = entries.iter().map(fs::DirEntry::path);
    Ok(paths
        .filter(|it| it.extension().is_some_and(|it| it == "whl"))
        .collect())
}

/// The text of a wheel's `METADATA`.
fn metadata(wheel: &Path) -> Result<String, SetupError> {
    let unfit = |why: String| SetupError::Wheel {
        wheel: wheel.to_owned(),
        why,
    };
    let file = File::open(wheel).map_err(SetupError::io("read", wheel))?;
    let mut archive = ZipArchive::new(file).map_err(|error| unfit(error.to_string()))?;
    let mut names = archive.file_names().flatten();
    let name = names.find(|it| it.ends_with(".dist-info/METADATA"));
    let name = name
        .ok_or_else(|| unfit("it has no METADATA".to_owned()))?
        .into_owned();
    drop(names);
    let member = archive
        .by_name(&name)
        .map_err(|error| unfit(error.to_string()))?;
    let mut text = String::new();
    let mut start = member.take(1 << 20);
    start
        .read_to_string(&mut text)
        .map_err(|error| unfit(error.to_string()))?;
    Ok(text)
}

/// The packages that have to be fetched besides PyTorch, by its own metadata: with CUDA, all of NVIDIA's libraries;
/// without, the two that even `libtorch_cpu.so` links, which are parts of the CUDA toolkit. All of them are Linux's.
fn requirements(metadata: &str, cuda: bool, platform: Platform) -> Vec<String> {
    if platform.system != System::LinuxGnu {
        return vec![];
    }
    let required = metadata
        .lines()
        .filter_map(|line| line.strip_prefix("Requires-Dist: "));
    // The part after the semicolon is Linux, which this is, or an extra that is not wanted.
    let required = required.filter(|it| !it.contains("extra =="));
    let required = required.filter_map(|it| Some(it.split(';').next()?.trim()));
    let wanted = required.filter_map(|it| match it.split_once('[') {
        Some(("cuda-toolkit", rest)) if !cuda => {
            let (_, version) = rest.split_once(']')?;
            Some(format!("cuda-toolkit[cudart,cupti]{version}"))
        }
        Some(("cuda-toolkit", _)) => Some(it.to_owned()),
        _ => (cuda && it.starts_with("nvidia-")).then(|| it.to_owned()),
    });
    wanted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "Name: torch\n\
        Requires-Dist: sympy>=1.13.3\n\
        Requires-Dist: cuda-toolkit[cublas,cudart,cupti]==13.0.2; platform_system == \"Linux\"\n\
        Requires-Dist: cuda-bindings<14,>=13.0.3; platform_system == \"Linux\"\n\
        Requires-Dist: nvidia-cudnn-cu13==9.19.0.56; platform_system == \"Linux\"\n\
        Requires-Dist: triton==3.6.0; platform_system == \"Linux\"\n\
        Requires-Dist: nvidia-extra; extra == \"x\"\n";

    const LINUX: Platform = Platform {
        system: System::LinuxGnu,
        arch: "x86_64",
    };

    #[test]
    fn a_mac_needs_no_library_besides_pytorchs() {
        assert!(requirements(METADATA, false, Platform::MAC).is_empty());
    }

    #[test]
    fn a_cpu_tree_needs_two_libraries_of_the_version_of_the_toolkit_that_the_wheel_names() {
        assert_eq!(
            requirements(METADATA, false, LINUX),
            ["cuda-toolkit[cudart,cupti]==13.0.2"]
        );
    }

    #[test]
    fn a_cuda_tree_needs_all_of_nvidias_libraries_and_nothing_of_pythons() {
        let whole = [
            "cuda-toolkit[cublas,cudart,cupti]==13.0.2",
            "nvidia-cudnn-cu13==9.19.0.56",
        ];
        assert_eq!(requirements(METADATA, true, LINUX), whole);
    }

    #[test]
    fn an_index_of_the_users_own_holds_and_what_changes_the_wheels_does_not() {
        for name in ["PIP_INDEX_URL", "PIP_CERT", "PIP_FIND_LINKS", "PATH"] {
            assert!(!changes_what_is_fetched(name), "{name}");
        }
        for name in ["PIP_REQUIRE_VIRTUALENV", "PIP_CONSTRAINT", "PIP_PRE"] {
            assert!(changes_what_is_fetched(name), "{name}");
        }
    }

    #[test]
    fn a_wheel_built_without_cuda_needs_nothing() {
        assert!(requirements("Requires-Dist: sympy>=1.13.3\n", false, LINUX).is_empty());
    }

    #[test]
    fn the_size_that_pip_announces_is_read() {
        let torch = "  Downloading torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl (530.6 MB)";
        assert_eq!(announced_bytes(torch), 530_600_000);
        assert_eq!(announced_bytes("Downloading x.whl (2.4 kB)"), 2400);
        for other in [
            "",
            "Saved ./x (1).whl",
            "Downloading x.whl",
            "Downloading x (y z)",
        ] {
            assert_eq!(announced_bytes(other), 0, "{other}");
        }
    }

    #[test]
    fn of_what_pip_says_the_last_lines_are_kept_and_made_fit_to_be_shown() {
        let text = (0..20).map(|i| format!("line {i}\r\n")).collect::<String>() + "\x1b[31mred";
        let kept = last_lines(text.as_bytes(), |_| {});
        assert!(kept.starts_with("  line 13\n  line 14\n"), "{kept}");
        assert!(kept.ends_with("\n  \\u{1b}[31mred"), "{kept}");
    }
}
