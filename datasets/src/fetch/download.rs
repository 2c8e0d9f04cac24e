//! The download of one file: the part that is here, and the requests for the rest.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;

use sha2::{Digest, Sha256};
use ureq::http::{Response, Uri, header};
use ureq::{Agent, Body, Proxy};

use super::{Fault, FetchError, FetchEvent, Patience, RemoteFile, io_error};
use crate::idx::hex;

/// A file that is not complete yet. It lies beside its place, and stays there when the process ends.
pub(super) struct Download<'a> {
    file: &'a RemoteFile,
    place: &'a Path,
    partial: PathBuf,
    content: File,
    /// The number of bytes that are here.
    here: u64,
    patience: Patience,
}

/// The end of an attempt: a mirror's fault, or one of this machine, which no mirror can fix.
enum Stop {
    Mirror(Fault),
    Here(FetchError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Mirror(fault)
    }
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Self {
        Self::Here(error)
    }
}

impl<'a> Download<'a> {
    /// Goes on with what an earlier one left.
    pub(super) fn new(
        file: &'a RemoteFile,
        place: &'a Path,
        patience: Patience,
    ) -> Result<Self, FetchError> {
        let mut partial = place.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let content = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&partial)
            .map_err(io_error("open", &partial))?;
        let metadata = content.metadata();
        let here = metadata.map_err(io_error("see", &partial))?.len();
        let mut download = Self {
            file,
            place,
            partial,
            content,
            here,
            patience,
        };
        if here > file.bytes {
            download.start_over()?;
        }
        Ok(download)
    }

    /// Asks one mirror after the other for what is missing, round after round, as long as there is
    /// hope.
    pub(super) fn fetch_from_any(
        mut self,
        mirrors: &[String],
        progress: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<(), FetchError> {
        let mut urls: Vec<String> = mirrors
            .iter()
            .map(|it| format!("{it}{}", self.file.name))
            .collect();
        let mut faults: Vec<(String, Fault)> = Vec::new();
        let mut most = self.here;
        let mut idle_rounds = 0;
        while idle_rounds < self.patience.rounds && !urls.is_empty() {
            if idle_rounds > 0 {
                thread::sleep(self.patience.pause);
            }
            let most_before = most;
            let mut hopeful = Vec::new();
            for url in urls {
                let fault = match self.fetch_from(&url, progress) {
                    Ok(()) => return self.put_in_place(),
                    Err(Stop::Here(error)) => return Err(error),
                    Err(Stop::Mirror(fault)) => fault,
                };
                progress(FetchEvent::Failed {
                    url: &url,
                    fault: &fault,
                });
                most = most.max(self.here);
                if !fault.is_final() {
                    hopeful.push(url.clone());
                }
                faults.retain(|(other, _)| *other != url);
                faults.push((url, fault));
            }
            urls = hopeful;
            idle_rounds = if most > most_before {
                0
            } else {
                idle_rounds + 1
            };
        }
        let file = self.file.name.clone();
        Err(FetchError::NoMirror { file, faults })
    }

    /// Requests the missing bytes from a mirror and checks the whole file. If the checksum is wrong and only the end is
    /// this mirror's, the fault may be the beginning's, so the whole file is requested.
    fn fetch_from(
        &mut self,
        url: &str,
        progress: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<(), Stop> {
        let kept = self.here;
        if kept < self.file.bytes {
            self.receive(url, progress)?;
        }
        match self.check() {
            Err(Stop::Mirror(_)) if kept > 0 => {
                self.receive(url, progress)?;
                self.check()
            }
            checked => checked,
        }
    }

    /// Has the mirror send what is missing.
    fn receive(
        &mut self,
        url: &str,
        progress: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<(), Stop> {
        let response = self.ask(url)?;
        match response.status().as_u16() {
            200 => {
                // The whole file, asked for or not. What is here stays if it cannot be the file.
                if let Some(found) = length(&response) {
                    self.check_size(found)?;
                }
                self.start_over()?;
            }
            206 => self.check_range(&response)?,
            status => return Err(Fault::Status(status).into()),
        }
        self.write_down(response.into_body(), progress)
    }

    fn ask(&self, url: &str) -> Result<Response<Body>, Fault> {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(self.patience.silence))
            .timeout_recv_response(Some(self.patience.silence))
            .timeout_per_read(Some(self.patience.silence))
            .proxy(proxy_for(url))
            .build()
            .new_agent();
        let mut request = agent.get(url).header(header::ACCEPT_ENCODING, "identity");
        if self.here > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.here));
        }
        request.call().map_err(|error| match error {
            ureq::Error::Timeout(_) => Fault::Silent { bytes: self.here },
            other => Fault::Unreachable(shown(&other.to_string())),
        })
    }

    fn check_size(&self, found: u64) -> Result<(), Fault> {
        let expected = self.file.bytes;
        if found == expected {
            return Ok(());
        }
        Err(Fault::Size { expected, found })
    }

    /// Checks a partial answer's range, `bytes 500-999/1000` or `bytes 500-999/*`, against the requested one.
    fn check_range(&self, response: &Response<Body>) -> Result<(), Fault> {
        let asked = self.here;
        let range = response.headers().get(header::CONTENT_RANGE);
        let range = range.and_then(|it| it.to_str().ok());
        let parts = range
            .and_then(|it| it.strip_prefix("bytes ")?.split_once('/'))
            .and_then(|(part, size)| Some((part.split_once('-')?.0, size)));
        if let Some((start, size)) = parts {
            let size_fits = size == "*" || size.parse() == Ok(self.file.bytes);
            if asked > 0 && start.parse() == Ok(asked) && size_fits {
                return Ok(());
            }
        }
        let got = shown(range.unwrap_or("a part of no named range"));
        Err(Fault::Range { asked, got })
    }

    /// Writes down what comes until the file is whole.
    fn write_down(
        &mut self,
        body: Body,
        progress: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<(), Stop> {
        let expected = self.file.bytes;
        let mut body = body.into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let bytes = self.here;
            let read = match body.read(&mut buffer) {
                Ok(0) if bytes == expected => return Ok(()),
                Ok(0) => return Err(Fault::BrokeOff { bytes }.into()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_silence(&error) => return Err(Fault::Silent { bytes }.into()),
                Err(_) => return Err(Fault::BrokeOff { bytes }.into()),
            };
            let found = bytes + read as u64;
            if found > expected {
                self.start_over()?; // what is here is the beginning of something else
                return Err(Fault::Size { expected, found }.into());
            }
            let end = SeekFrom::Start(bytes);
            let written = self.content.seek(end);
            let written = written.and_then(|_| self.content.write_all(&buffer[..read]));
            written.map_err(io_error("write", &self.partial))?;
            self.here = found;
            progress(FetchEvent::Received {
                file: self.file,
                bytes: found,
            });
        }
    }

    /// Holds what is here against the published checksum, and throws it away where it is not the
    /// file.
    fn check(&mut self) -> Result<(), Stop> {
        let mut sum = Sha256::new();
        let read = self.content.rewind();
        let read = read.and_then(|()| io::copy(&mut self.content, &mut sum));
        read.map_err(io_error("read", &self.partial))?;
        let found = hex(&sum.finalize());
        if found == self.file.sha256 {
            return Ok(());
        }
        self.start_over()?;
        let expected = self.file.sha256.clone();
        Err(Fault::Checksum { expected, found }.into())
    }

    fn start_over(&mut self) -> Result<(), FetchError> {
        let emptied = self.content.set_len(0);
        emptied.map_err(io_error("empty", &self.partial))?;
        self.here = 0;
        Ok(())
    }

    fn put_in_place(self) -> Result<(), FetchError> {
        let synced = self.content.sync_all();
        synced.map_err(io_error("write", &self.partial))?;
        fs::rename(&self.partial, self.place).map_err(io_error("put in place", self.place))
    }
}

/// The proxy that the environment names. This very machine is never behind one.
fn proxy_for(url: &str) -> Option<Proxy> {
    let uri: Option<Uri> = url.parse().ok();
    let local = uri.is_some_and(|it| it.host() == Some("127.0.0.1"));
    if local { None } else { Proxy::try_from_env() }
}

fn length(response: &Response<Body>) -> Option<u64> {
    let length = response.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn is_silence(error: &io::Error) -> bool {
    let timeout = |it: &ureq::Error| matches!(it, ureq::Error::Timeout(_));
    let inner = error.get_ref().and_then(|it| it.downcast_ref());
    error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(timeout)
}

/// A server's text, fit to be shown.
fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    let start = text.chars().take(LONGEST);
    start.flat_map(char::escape_debug).collect()
}
