//! Sets libtorch up: finds a suitable tree, or fetches one, and links it at `.libtorch`.

mod cache;
mod fetch;
mod unpack;

use std::env;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::{DecimalBytes, MultiProgress, ProgressBar, ProgressStyle};

pub(crate) use cache::{free_bytes, room_needed};

use crate::machine::libtorch::{
    CPU_LIBRARY, CUDA_LIBRARY, LINK, Libtorch, LibtorchFault, VERSION, printable,
};
use crate::machine::platform::Platform;
use crate::machine::tools::all_on_path;
use crate::terminal;

/// Sees to it that `.libtorch` in `workspace` leads to a libtorch that will do, and with `want_cuda`
/// to one that has CUDA. Where it already does, this is a few looks at the disk.
///
/// Otherwise it takes, in this order, what `$LIBTORCH` names if that will do, a Python's PyTorch, and what pip
/// fetches into the user's cache. A `chosen` tree comes before all others.
///
/// # Errors
/// Says what is at fault and what to do about it.
pub fn ensure(
    workspace: &Path,
    want_cuda: bool,
    chosen: Option<&Path>,
    progress: &MultiProgress,
) -> Result<Libtorch, SetupError> {
    let mut surroundings = Surroundings::of(workspace);
    surroundings.chosen = chosen.map(Path::to_owned);
    let made = surroundings.ensure(workspace, want_cuda, progress);
    // The first one may be of an environment without pip: another will do as well.
    let mut others = all_on_path(PYTHON).skip(1);
    match made {
        Err(SetupError::NoPip(_)) => others
            .find_map(|python| {
                surroundings.python = python;
                surroundings.ensure(workspace, want_cuda, progress).ok()
            })
            .map_or(made, Ok),
        made => made,
    }
}

/// The name of Python in PATH.
const PYTHON: &str = "python3";

/// A command that runs a Python as it is installed: what the environment says of Python is meant for other programs.
pub(crate) fn python(program: &Path) -> Command {
    let mut python = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PYTHON") {
            python.env_remove(name);
        }
    }
    python
}

/// The reason why libtorch cannot be set up.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each message says what it is, and its fields are what the message shows
pub enum SetupError {
    #[error("{0}")]
    Chosen(LibtorchFault),
    #[error("{} has no {CUDA_LIBRARY}", printable(.0))]
    ChosenWithoutCuda(PathBuf),
    #[error("{} is not a link that set-up made, and {why}", printable(.path))]
    InTheWay { path: PathBuf, why: String },
    #[error("there is no libtorch to fetch for {0}")]
    Platform(String),
    #[error("there is no CUDA for {0}")]
    NoCuda(String),
    #[error("neither XDG_CACHE_HOME nor HOME says where to keep libtorch")]
    NoCache,
    #[error("{} cannot be run: {why}", printable(.python))]
    NoPython { python: PathBuf, why: io::Error },
    #[error("{} has no pip", printable(.0))]
    NoPip(PathBuf),
    #[error("pip cannot reach its package index, or lost it:\n{0}")]
    NoNetwork(String),
    #[error("pip could not fetch {what}:\n{said}")]
    Pip { what: String, said: String },
    #[error("pip brought {}, which will not do: {why}", printable(.wheel))]
    Wheel { wheel: PathBuf, why: String },
    #[error("the disk that holds {} has {} free, and set-up needs {}", printable(.path), DecimalBytes(*.free), DecimalBytes(*.needed))]
    NoRoom {
        path: PathBuf,
        free: u64,
        needed: u64,
    },
    #[error("the disk that holds {} became full", printable(.0))]
    DiskFull(PathBuf),
    #[error("the loader does not take the libtorch in {} ({complaint})", printable(.root))]
    DoesNotLoad { root: PathBuf, complaint: String },
    #[error("cannot {doing} {} ({why})", printable(.path))]
    Io {
        doing: &'static str,
        path: PathBuf,
        why: io::Error,
    },
}

/// The command by which a user's own libtorch is taken.
const CHOOSE: &str = "`cargo grader setup --libtorch DIR`";

impl SetupError {
    /// The hint for it, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let own = format!("install libtorch {VERSION} and name its folder: {CHOOSE}");
        let hint = match self {
            Self::Chosen(_) | Self::ChosenWithoutCuda(_) => {
                "leave --libtorch out to have libtorch downloaded".to_owned()
            }
            Self::InTheWay { .. } => "move it away".to_owned(),
            Self::Platform(_) => own,
            Self::NoCuda(_) => "leave --cuda out: everything passes on a CPU".to_owned(),
            Self::NoCache => "set one of them".to_owned(),
            Self::NoPython { .. } => format!("install Python 3 with pip, or {own}"),
            Self::NoPip(_) => {
                "install it (`python3 -m ensurepip`, or your system's package python3-pip)"
                    .to_owned()
            }
            Self::NoNetwork(_) => "check the network and any proxy, and run this again".to_owned(),
            Self::Pip { .. } => "`python3 -m pip config list` shows where it looks".to_owned(),
            Self::Wheel { .. } => {
                "run this again; if it stays so, look at `python3 -m pip config list`".to_owned()
            }
            Self::NoRoom { .. } | Self::DiskFull(_) => {
                "make room, or set XDG_CACHE_HOME to a folder on another disk".to_owned()
            }
            Self::DoesNotLoad { .. } => format!(
                "it takes a Linux with glibc 2.28 or later; elsewhere, name a libtorch {VERSION} built for it: {CHOOSE}"
            ),
            Self::Io { .. } => return None,
        };
        Some(hint)
    }

    /// For `map_err`: an error of the file system at `path`.
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |why| match why.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull(path.to_owned()),
            _ => Self::Io {
                doing,
                path: path.to_owned(),
                why,
            },
        }
    }
}

/// The variables, programs and folders of the user that set-up depends on.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The libtorch that the user has chosen for the course.
    pub chosen: Option<PathBuf>,
    /// The user's own `$LIBTORCH`, which may be meant for other programs.
    pub named: Option<PathBuf>,
    /// The Python that is looked at and whose pip fetches.
    pub python: PathBuf,
    /// The folder for the user's caches.
    pub cache: Option<PathBuf>,
    /// The platform that libtorch is for.
    pub platform: Platform,
}

impl Surroundings {
    /// Reads the environment. Cargo itself sets `LIBTORCH` to the link of `workspace`, which is not
    /// the user's choice and is passed over.
    #[must_use]
    pub fn of(workspace: &Path) -> Self {
        let path = |name| {
            env::var_os(name)
                .filter(|it| !it.is_empty())
                .map(PathBuf::from)
        };
        Self {
            chosen: None,
            named: path("LIBTORCH").filter(|it| !is_link_of(it, workspace)),
            python: PathBuf::from(PYTHON),
            cache: path("XDG_CACHE_HOME")
                .filter(|it| it.is_absolute())
                .or_else(|| Some(path("HOME")?.join(".cache"))),
            platform: Platform::HERE,
        }
    }

    /// As [`ensure`], with these surroundings.
    ///
    /// # Errors
    /// As [`ensure`].
    pub fn ensure(
        &self,
        workspace: &Path,
        want_cuda: bool,
        progress: &MultiProgress,
    ) -> Result<Libtorch, SetupError> {
        if want_cuda && !self.platform.has_cuda() {
            return Err(SetupError::NoCuda(self.platform.name()));
        }
        let will_do = |it: &Libtorch| it.cuda || !want_cuda;
        let link = workspace.join(LINK);
        let linked = self.tree_at(&link);

        if let Some(root) = &self.chosen {
            let own = self.tree_at(root).map_err(SetupError::Chosen)?;
            if !will_do(&own) {
                return Err(SetupError::ChosenWithoutCuda(root.clone()));
            }
            if linked.as_ref() == Ok(&own) {
                return Ok(own);
            }
            return self.relink(&link, own);
        }
        if let Ok(linked) = linked
            && will_do(&linked)
        {
            return Ok(linked);
        }
        self.refuse_to_replace_a_folder(&link)?;
        let named = self.named_libtorch().filter(will_do);
        let found = match named.or_else(|| self.libtorch_of_python().filter(will_do)) {
            Some(found) => found,
            None => cache::ensure(self, want_cuda, progress)?,
        };
        self.relink(&link, found)
    }

    /// The tree at `root`, judged for this platform.
    fn tree_at(&self, root: &Path) -> Result<Libtorch, LibtorchFault> {
        Libtorch::of(self.platform, root)
    }

    /// The libtorch that `$LIBTORCH` names, where it will do.
    fn named_libtorch(&self) -> Option<Libtorch> {
        let named = self.tree_at(self.named.as_deref()?);
        match named {
            Ok(found) => check_loads(&found).is_ok().then_some(found),
            Err(unfit) => {
                warn!("LIBTORCH is passed over: {unfit}");
                None
            }
        }
    }

    /// The libtorch of the PyTorch that `python` would import, where it will do. PyTorch is only
    /// looked up, because importing it takes seconds.
    fn libtorch_of_python(&self) -> Option<Libtorch> {
        const LOOK_UP: &str = "from importlib.util import find_spec\n\
            print(find_spec('torch').origin)";
        let output = python(&self.python)
            .args(["-c", LOOK_UP])
            .current_dir("/") // Python would import what lies in the current folder
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let origin = String::from_utf8(output.stdout).ok()?;
        let found = self.tree_at(Path::new(origin.trim()).parent()?).ok()?;
        check_loads(&found).ok()?;
        Some(found)
    }

    /// A folder at the link's place is the user's: it is never touched.
    fn refuse_to_replace_a_folder(&self, link: &Path) -> Result<(), SetupError> {
        let in_the_way = fs::symlink_metadata(link).is_ok_and(|it| !it.is_symlink());
        if !in_the_way {
            return Ok(());
        }
        let why = match self.tree_at(link) {
            Ok(_) => format!("it has no {CUDA_LIBRARY}"),
            Err(unfit) => unfit.to_string(),
        };
        let path = link.to_owned();
        Err(SetupError::InTheWay { path, why })
    }

    /// Makes `link` lead to `libtorch` in one step, whatever link was there before.
    fn relink(&self, link: &Path, libtorch: Libtorch) -> Result<Libtorch, SetupError> {
        let own_folder = fs::symlink_metadata(link).is_ok_and(|it| it.is_dir());
        if own_folder && let Ok(own) = self.tree_at(link) {
            return Ok(own); // as good, and it cannot be replaced
        }
        self.refuse_to_replace_a_folder(link)?;
        let workspace = link.parent().unwrap_or(Path::new("."));
        tempfile::Builder::new()
            .prefix(".libtorch.")
            .make_in(workspace, |fresh| symlink(&libtorch.root, fresh))
            .and_then(|fresh| Ok(fresh.into_temp_path().persist(link)?))
            .map_err(SetupError::io("make the link", link))?;
        Ok(libtorch)
    }
}

/// Has the loader take the largest library of a tree.
fn check_loads(libtorch: &Libtorch) -> Result<(), SetupError> {
    let library = if libtorch.cuda {
        CUDA_LIBRARY
    } else {
        CPU_LIBRARY
    };
    let does_not = |complaint| SetupError::DoesNotLoad {
        root: libtorch.root.clone(),
        complaint,
    };
    libtorch.load(library).map_err(does_not)
}

/// Whether `path` is the link that set-up makes in `workspace`, whatever it leads to.
fn is_link_of(path: &Path, workspace: &Path) -> bool {
    let parent = path.parent().and_then(|it| it.canonicalize().ok());
    path.file_name().is_some_and(|name| name == LINK)
        && parent.is_some_and(|it| workspace.canonicalize().is_ok_and(|ours| it == ours))
}

/// A bar for bytes; until a length is known it only turns.
fn bar(what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, terminal::progress());
    bar.set_message(what.to_owned());
    let template = "{spinner} {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
