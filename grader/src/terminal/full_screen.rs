//! The whole terminal, for a command that draws on it: the alternate screen, keys as they are typed, and standard error
//! read by the command, which would otherwise be written across the drawing. Whatever ends the command, the terminal is
//! left as it was: it is given back when the guard is dropped, before the message of a panic, and by whoever ends the
//! program at once.

use anyhow::{Context, Result};
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::dup2_stderr;
use std::io::{self, IsTerminal, PipeReader, stderr, stdout};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

/// The terminal as it is to be given back, while it is taken.
static TAKEN: Mutex<Option<TerminalState>> = Mutex::new(None);

struct TerminalState {
    /// The thread that draws. A panic of another one is told there and does not end the program.
    by: ThreadId,
    /// Standard error, if it is a terminal.
    error: Option<OwnedFd>,
}

/// The terminal, taken until this is dropped.
#[derive(Debug)]
pub struct FullScreen(());

impl FullScreen {
    /// Takes the terminal. Also returns the pipe of what is written to standard error meanwhile, by this program or one
    /// that it runs; none where standard error goes elsewhere.
    ///
    /// # Errors
    /// Returns an error if the terminal does not take the settings.
    pub fn enter() -> Result<(Self, Option<PipeReader>)> {
        give_back_before_panics();
        let (error, said) = match stderr().is_terminal() {
            true => {
                let kept = fcntl_dupfd_cloexec(stderr(), 3).map_err(io::Error::from);
                let kept = kept.context("standard error cannot be kept")?;
                let (said, pipe) = io::pipe().context("no pipe can be made")?;
                (Some((kept, pipe)), Some(said))
            }
            false => (None, None),
        };
        enable_raw_mode().context("the terminal does not give out keys as they are typed")?;
        // From here on, all is given back by the guard.
        let guard = Self(());
        let error = error.map(|(kept, pipe)| {
            // An error leaves it where it is: notes are then seen on the drawing.
            let _ = dup2_stderr(&pipe);
            kept
        });
        let by = thread::current().id();
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(TerminalState { by, error });
        execute!(stdout(), EnterAlternateScreen).context("the terminal cannot be written")?;
        Ok((guard, said))
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, if it is taken.
pub fn give_back() {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(taken) = taken else {
        return;
    };
    // Errors mean that the terminal is gone.
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    if let Some(error) = taken.error {
        let _ = dup2_stderr(error);
    }
}

/// Gives the terminal back before a panic of the thread that draws is told.
fn give_back_before_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let draws = |taken: &TerminalState| taken.by == thread::current().id();
            let is_taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            let is_ours = is_taken.as_ref().is_some_and(draws);
            drop(is_taken);
            if is_ours {
                give_back();
            }
            tell(panic);
        }));
    });
}
