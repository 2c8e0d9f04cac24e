//! A program on a terminal of its own, and the screen that a person would see there.

#[path = "pty.rs"]
mod pty;

use crate::common::heeding_signals;
use rustix::termios::{LocalModes, Termios, tcgetattr, tcsetwinsize};
use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use vt100::Parser;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The time after which something that does not come is missed. A busy machine may be slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A program on a terminal.
pub(crate) struct OnTerminal {
    main: File,
    /// The program's end of the terminal, kept open to look at its settings.
    own: Option<File>,
    before: Termios,
    child: Child,
    screen: Arc<Mutex<Parser>>,
    reader: Option<JoinHandle<()>>,
}

fn some(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}

impl OnTerminal {
    /// Starts a program with its arguments on a terminal of this size.
    pub(crate) fn start(
        program: &OsStr,
        arguments: &[&str],
        rows: u16,
        columns: u16,
    ) -> Result<Self> {
        let (main, own) = pty::open(rows, columns)?;
        let before = tcgetattr(&own)?;
        // In a session whose terminal this is, so that it is told of another size.
        let child = heeding_signals("setsid")
            .arg("--ctty")
            .arg(program)
            .args(arguments)
            .current_dir("/")
            .env("TERM", "xterm-256color")
            .env("RUST_BACKTRACE", "0")
            .env_remove("NO_COLOR")
            .stdin(own.try_clone()?)
            .stdout(own.try_clone()?)
            .stderr(own.try_clone()?)
            .spawn()?;
        let screen = Arc::new(Mutex::new(Parser::new(some(rows), some(columns), 0)));
        let (mut from, shown) = (main.try_clone()?, Arc::clone(&screen));
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                let mut screen = shown.lock().unwrap_or_else(PoisonError::into_inner);
                screen.process(&chunk[..count]);
            }
        });
        Ok(Self {
            main,
            own: Some(own),
            before,
            child,
            screen,
            reader: Some(reader),
        })
    }

    fn parser(&self) -> MutexGuard<'_, Parser> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows that are shown.
    pub(crate) fn rows(&self) -> Vec<String> {
        let parser = self.parser();
        let (_, columns) = parser.screen().size();
        parser.screen().rows(0, columns.get()).collect()
    }

    /// Waits until the screen shows this.
    ///
    /// # Panics
    /// Panics with the screen if that does not happen.
    pub(crate) fn shows(&self, expected: &str) {
        self.becomes(expected, |rows| {
            rows.iter().any(|row| row.contains(expected))
        });
    }

    /// Waits until the screen does not show this.
    ///
    /// # Panics
    /// Panics with the screen if that does not happen.
    pub(crate) fn hides(&self, unexpected: &str) {
        let name = format!("no {unexpected}");
        self.becomes(&name, |rows| {
            rows.iter().all(|row| !row.contains(unexpected))
        });
    }

    /// Waits until the rows of the screen are such.
    ///
    /// # Panics
    /// Panics with the screen if that does not happen.
    pub(crate) fn becomes(&self, name: &str, is_such: impl Fn(&[String]) -> bool) {
        let start = Instant::now();
        loop {
            let rows = self.rows();
            if is_such(&rows) {
                return;
            }
            let rows = rows.join("\n");
            assert!(
                start.elapsed() < PATIENCE,
                "the screen does not show {name}:\n{rows}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Types keys.
    pub(crate) fn types(&mut self, keys: &str) -> Result {
        Ok(self.main.write_all(keys.as_bytes())?)
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, rows: u16, columns: u16) -> Result {
        self.parser()
            .screen_mut()
            .set_size(some(rows), some(columns));
        Ok(tcsetwinsize(&self.main, pty::size(rows, columns))?)
    }

    /// The program's process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether the program has the screen for itself.
    pub(crate) fn is_taken(&self) -> Result<bool> {
        let own = self.own.as_ref().ok_or("the terminal")?;
        let is_raw = !tcgetattr(own)?.local_modes.contains(LocalModes::ICANON);
        Ok(is_raw && self.parser().screen().alternate_screen())
    }

    /// Waits for the program's end, and checks that the terminal is as it was before. Returns the exit status and what the
    /// terminal shows.
    pub(crate) fn ends(mut self) -> Result<(ExitStatus, Vec<String>)> {
        let status = self.child.wait()?;
        let own = self.own.take().ok_or("the terminal")?;
        let now = tcgetattr(&own)?;
        let modes = |it: &Termios| (it.input_modes, it.output_modes, it.local_modes);
        assert_eq!(modes(&now), modes(&self.before), "the terminal's settings");
        // The reader ends when nobody has the program's end any more.
        drop(own);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let parser = self.parser();
        let screen = parser.screen();
        let (_, columns) = screen.size();
        let rows: Vec<_> = screen.rows(0, columns.get()).collect();
        assert!(
            !screen.alternate_screen(),
            "the screen is given back: {rows:?}"
        );
        assert!(!screen.hide_cursor(), "the cursor is shown: {rows:?}");
        Ok((status, rows))
    }
}

impl Drop for OnTerminal {
    /// Ends a program that a failed test leaves.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
