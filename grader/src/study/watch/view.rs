//! The view: a screen that is drawn, or lines of text; and the keys that it receives.

use super::event::Event;
use super::keys;
use super::model::Model;
use super::plain::{self, LineEvent};
use super::screen::{self, SMALLEST, ScrollExtent};
use crate::terminal::full_screen::FullScreen;
use crate::terminal::{Stream, keep_fault};
use anyhow::{Context, Result};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::{event, terminal};
use std::io::{self, BufRead, ErrorKind, IsTerminal, PipeReader, Read, Stdout, Write};
use std::sync::mpsc::Sender;
use std::thread;

/// The view of a session.
pub(super) enum View {
    /// Drawn on the whole terminal.
    Screen(Box<Drawing>),
    /// Written line by line.
    Lines,
}

/// A screen that is drawn.
pub(super) struct Drawing {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    /// True if the drawing is out of date.
    is_stale: bool,
    /// Gives the terminal back.
    _taken: FullScreen,
}

impl View {
    /// Opens the view that fits the terminal, and has what comes in from it be sent on.
    ///
    /// # Errors
    /// Returns an error if the terminal cannot be used.
    pub(super) fn open(is_plain: bool, sender: &Sender<Event>) -> Result<Self> {
        if is_plain || !can_draw() {
            let sender = sender.clone();
            thread::Builder::new().spawn(move || send_lines(&sender))?;
            return Ok(Self::Lines);
        }
        let (taken, said) = FullScreen::enter()?;
        if let Some(said) = said {
            let sender = sender.clone();
            thread::Builder::new().spawn(move || send_said(said, &sender))?;
        }
        let sender = sender.clone();
        thread::Builder::new().spawn(move || send_keys(&sender))?;
        let backend = CrosstermBackend::new(io::stdout());
        // It is not cleared: that would ask the terminal for its cursor, while keys are read. A screen just taken is empty.
        let terminal = Terminal::new(backend).context("cannot draw on the terminal")?;
        Ok(Self::Screen(Box::new(Drawing {
            terminal,
            is_stale: true,
            _taken: taken,
        })))
    }

    /// Returns whether it is a screen.
    pub(super) fn is_screen(&self) -> bool {
        matches!(self, Self::Screen(_))
    }

    /// Marks the drawing as out of date.
    pub(super) fn touch(&mut self) {
        if let Self::Screen(drawing) = self {
            drawing.is_stale = true;
        }
    }

    /// Shows news. Returns false if the output's reader is gone.
    pub(super) fn tell(&mut self, model: &Model, news: &LineEvent) -> bool {
        self.touch();
        if self.is_screen() {
            return true;
        }
        let text = plain::told(model, news);
        let mut output = anstream::stdout().lock();
        let written = output.write_all(text.as_bytes());
        let written = written.and_then(|()| output.flush());
        let is_read = !matches!(&written, Err(error) if error.kind() == ErrorKind::BrokenPipe);
        keep_fault(Stream::Output, written);
        is_read
    }

    /// Draws, if that is needed.
    ///
    /// # Errors
    /// Returns an error if the terminal cannot be written.
    pub(super) fn redraw(
        &mut self,
        model: &Model,
        is_needed: bool,
    ) -> Result<Option<ScrollExtent>> {
        match self {
            Self::Screen(drawing) if drawing.is_stale || is_needed => {
                drawing.is_stale = false;
                screen::draw(&mut drawing.terminal, model).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Returns whether there is a terminal that can be drawn on, large enough.
fn can_draw() -> bool {
    let term = std::env::var_os("TERM").unwrap_or_default();
    let is_large = |(width, height)| width >= SMALLEST.0 && height >= SMALLEST.1;
    io::stdin().is_terminal()
        && io::stdout().is_terminal()
        && !term.is_empty()
        && term != "dumb"
        && terminal::size().is_ok_and(is_large)
}

/// Sends on the first letter of each line. That there are no more lines ends nothing.
fn send_lines(sender: &Sender<Event>) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let action = line.trim().chars().next().and_then(keys::of_letter);
        if sender.send(Event::Wish(action)).is_err() {
            return;
        }
    }
}

/// Sends on keys and sizes.
fn send_keys(sender: &Sender<Event>) {
    loop {
        let event = match event::read() {
            Ok(event::Event::Key(key)) if key.kind != event::KeyEventKind::Release => {
                Event::Wish(keys::of_key(key))
            }
            Ok(event::Event::Resize(..)) => Event::Resized,
            Ok(_) => continue,
            Err(_) => Event::Gone,
        };
        let is_gone = matches!(event, Event::Gone);
        if sender.send(event).is_err() || is_gone {
            return;
        }
    }
}

/// Sends on the last line of what is written to standard error, as it comes.
fn send_said(mut said: PipeReader, sender: &Sender<Event>) {
    let mut chunk = [0; 8 << 10];
    let mut line = String::new();
    while let Ok(count @ 1..) = said.read(&mut chunk) {
        line += &String::from_utf8_lossy(&chunk[..count]);
        let plain = anstream::adapter::strip_str(&line).to_string();
        let mut lines = plain.split(['\n', '\r']).rev().map(str::trim);
        let last = lines.find(|line| !line.is_empty()).unwrap_or_default();
        if sender.send(Event::Said(last.to_owned())).is_err() {
            return;
        }
        // The beginning of a line whose end is still to come.
        let start = line.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        line.drain(..start);
        if line.len() > 4 * chunk.len() {
            line.clear();
        }
    }
}
