//! The learner's wishes: keys, or letters in lines.

use super::super::aside::Aside;
use super::super::event::Event;
use super::super::keys::{self, Action};
use super::super::model::Pane;
use super::super::plain::LineEvent;
use super::Session;
use crate::exit::Exit;
use crate::terminal::full_width;
use std::fs;
use std::time::Instant;

impl Session {
    /// Does what the learner wishes.
    pub(super) fn take_wish(&mut self, wish: Option<Action>) {
        self.view.touch();
        if self.model.question.take().is_some() && wish != Some(Action::Stop) {
            if wish == Some(Action::Yes) {
                let (_, name) = self.shown();
                self.run_aside(&["reset", &name, "--yes"]);
            } else {
                self.note("nothing was changed");
            }
            return;
        }
        let page = self.drawn.page.saturating_sub(1).max(1).cast_signed();
        match wish {
            None | Some(Action::Yes) => {}
            Some(Action::Stop) => self.end = Some(Exit::Stopped),
            Some(Action::Quit) if self.model.pane.is_some() && self.view.is_screen() => {
                self.close()
            }
            Some(Action::Quit) => self.end = Some(Exit::Success),
            Some(Action::Back) => self.close(),
            Some(Action::Scroll(by)) => self.scroll(by),
            Some(Action::Page(by)) => self.scroll(by * page),
            Some(Action::Top) => *self.model.scroll_mut() = 0,
            Some(Action::Bottom) => *self.model.scroll_mut() = self.drawn.last_scroll,
            Some(Action::Next) => self.step(true),
            Some(Action::Previous) => self.step(false),
            Some(Action::Again) => self.check_again(),
            Some(Action::Help) => self.open("keys", keys::help()),
            Some(Action::Handout) => self.open_handout(),
            Some(Action::Hint) => self.help_with("hint"),
            Some(Action::Diff) => self.help_with("diff"),
            Some(Action::List) => self.run_aside(&["list"]),
            Some(Action::Reset) => self.ask_reset(),
        }
    }

    fn scroll(&mut self, by: isize) {
        let scroll = self.model.scroll_mut();
        *scroll = scroll.saturating_add_signed(by);
    }

    fn step(&mut self, forward: bool) {
        self.close();
        self.model.step(forward);
        self.tell(LineEvent::Failure);
    }

    /// Closes the pane, and ends what fills it.
    fn close(&mut self) {
        self.model.pane = None;
        self.aside = None;
        self.asides += 1;
    }

    fn open(&mut self, title: &str, text: String) {
        self.close();
        self.model.pane = Some(Pane {
            title: title.to_owned(),
            text,
            scroll: 0,
        });
        self.tell(LineEvent::Pane);
    }

    fn open_handout(&mut self) {
        let (folder, _) = self.shown();
        let path = self
            .course
            .root
            .join("exercises")
            .join(&folder)
            .join("README.md");
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| format!("cannot read {}: {error}", path.display()));
        self.open(&format!("exercises/{folder}/README.md"), text);
    }

    fn check_again(&mut self) {
        let (_, name) = self.shown();
        if let Some(running) = &mut self.running {
            running.is_void = true;
            self.runs.stop();
        }
        self.is_scanning = false;
        self.queue.retain(|(queued, _)| *queued != name);
        self.queue.push_front((name, Instant::now()));
    }

    fn ask_reset(&mut self) {
        let (folder, _) = self.shown();
        self.close();
        self.model.question = Some(format!("Put the stubs of {folder} back?"));
        self.tell(LineEvent::Question);
    }

    /// Shows the hint or the diff of what the shown failure is about; of the exercise where that is not known.
    fn help_with(&mut self, command: &str) {
        let (_, name) = self.shown();
        let failure = self.model.failure();
        let item = failure.and_then(|(_, failure)| failure.item.clone());
        let arguments = [command, &name].into_iter().chain(item.as_deref());
        self.run_aside(&arguments.collect::<Vec<_>>());
    }

    /// Runs another command of this program, and shows what it prints.
    fn run_aside(&mut self, arguments: &[&str]) {
        self.close();
        let title = arguments.join(" ");
        let (number, sender) = (self.asides, self.sender.clone());
        let ended = move |text| {
            let _ = sender.send(Event::Aside(number, text));
        };
        let started = Aside::start(
            &self.options.program,
            &self.course.root,
            arguments,
            self.view.is_screen(),
            full_width(),
            ended,
        );
        let text = match started {
            Ok(aside) => {
                self.aside = Some(aside);
                "…".to_owned()
            }
            Err(error) => format!("{error:#}"),
        };
        self.model.pane = Some(Pane {
            title,
            text,
            scroll: 0,
        });
        self.view.touch();
    }
}
