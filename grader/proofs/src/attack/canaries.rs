//! Things that no submission may touch, set up so that it is seen when one does: a file, a variable of the
//! environment, and sockets that listen on this machine alone.

use super::submission::Mark;
use anyhow::{Context, Result};
use rustix::fs::inotify;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::TempDir;

/// The variable of the environment, set for the grader.
pub(super) const VARIABLE: &str = "COURSE_CANARY";

pub(super) struct Canaries {
    /// The text in the file and the variable, which must be found nowhere else.
    pub(super) secret: String,
    file: PathBuf,
    watch: OwnedFd,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    socket: PathBuf,
    _sockets: TempDir,
    abstract_unix: UnixListener,
    abstract_name: String,
}

impl Canaries {
    /// Sets them up in an empty folder.
    pub(super) fn set(folder: &Path) -> Result<Self> {
        let secret = secret();
        let file = folder.join("gradebook.csv");
        fs::write(&file, format!("ada,100\n{secret}\n"))?;
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)
            .context("the canary file cannot be watched")?;
        inotify::add_watch(&watch, folder, inotify::WatchFlags::ALL_EVENTS)
            .context("the canary file cannot be watched")?;
        // Elsewhere, or connecting to it would be told as an event of the folder; and a socket's path is short.
        let sockets = tempfile::tempdir()?;
        let socket = sockets.path().join("socket");
        let abstract_name = format!("course-{}", &secret[..16]);
        let canaries = Self {
            file,
            tcp: TcpListener::bind("127.0.0.1:0")?,
            udp: UdpSocket::bind("127.0.0.1:0")?,
            unix: UnixListener::bind(&socket)?,
            socket,
            _sockets: sockets,
            abstract_unix: UnixListener::bind_addr(&SocketAddr::from_abstract_name(
                &abstract_name,
            )?)?,
            abstract_name,
            watch,
            secret,
        };
        canaries.tcp.set_nonblocking(true)?;
        canaries.udp.set_nonblocking(true)?;
        canaries.unix.set_nonblocking(true)?;
        canaries.abstract_unix.set_nonblocking(true)?;
        canaries.file_events();
        Ok(canaries)
    }

    /// The placeholders of an attack's text, with their values.
    pub(super) fn marks(&self) -> Result<Vec<Mark>> {
        let text = |path: &Path| path.display().to_string();
        Ok(vec![
            ("{{gradebook}}", text(&self.file)),
            ("{{variable}}", VARIABLE.to_owned()),
            ("{{tcp}}", self.tcp.local_addr()?.to_string()),
            ("{{udp}}", self.udp.local_addr()?.to_string()),
            ("{{socket}}", text(&self.socket)),
            ("{{abstract}}", self.abstract_name.clone()),
        ])
    }

    /// The disturbances since the last call, each described in words; empty if nothing was touched.
    pub(super) fn disturbed(&self) -> Vec<String> {
        let mut signs = vec![];
        if self.file_events() > 0 {
            signs.push("a file outside was opened".to_owned());
        }
        let mut connected = |what: &str, is: Result<(), std::io::Error>| {
            if !is.is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
                signs.push(format!("{what} was contacted"));
            }
        };
        connected("a TCP port", self.tcp.accept().map(drop));
        connected("a UDP port", self.udp.recv(&mut [0; 16]).map(drop));
        connected("a Unix socket", self.unix.accept().map(drop));
        connected(
            "an abstract Unix socket",
            self.abstract_unix.accept().map(drop),
        );
        signs
    }

    fn file_events(&self) -> usize {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.watch, &mut buffer);
        let mut count = 0;
        while let Ok(event) = events.next() {
            // Listing the folder, which anybody may do to find the sockets, tells nothing.
            count += usize::from(!event.events().contains(inotify::ReadFlags::ISDIR));
        }
        count
    }
}

/// Letters that stand nowhere else.
fn secret() -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seed = format!("{}-{}", std::process::id(), now.as_nanos());
    format!("{:x}", Sha256::digest(seed))
}
