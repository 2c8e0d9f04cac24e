//! A session: events of files, keys and runs come in one after the other; checks begin and end; the view shows it.

mod checks;
mod looks;
mod wishes;

use super::alarm::{Alarm, AlarmEvent};
use super::aside::Aside;
use super::event::Event;
use super::model::Model;
use super::plain::LineEvent;
use super::runs::{Prepare, Runs};
use super::screen::ScrollExtent;
use super::sources::{self, Code, Sources};
use super::verdict::Results;
use super::view::View;
use crate::course::{Course, Exercise};
use crate::exit::Exit;
use crate::study::record::{CheckResult, Record, Versions};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Options of a session.
#[derive(Clone, Debug)]
pub struct Options {
    /// The crates of the exercises that are watched; all if empty.
    pub exercises: Vec<String>,
    /// True for lines of text even on a terminal.
    pub is_plain: bool,
    /// The time between two looks at the files, instead of events.
    pub poll: Option<Duration>,
    /// The path of this program.
    pub program: PathBuf,
    /// The request that the session end.
    pub stop: &'static AtomicBool,
}

/// The time without another event after which a save is taken as done: some editors write a file twice.
const QUIET: Duration = Duration::from_millis(60);

/// The time after which files are looked at though events go on.
const PATIENCE: Duration = Duration::from_millis(400);

/// The time between two looks at the files where events work, to notice if they do not.
const SELDOM: Duration = Duration::from_secs(2);

/// The time between two looks at the files where events do not work.
const OFTEN: Duration = Duration::from_millis(400);

/// The time between two looks at the terminal, where nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// Watches a course until the learner ends it; the exit code tells whether that was Ctrl-C or a signal.
///
/// # Errors
/// Returns an error if the course cannot be watched, or the terminal not written.
pub fn run(course: Course, options: Options, prepare: Prepare) -> Result<Exit> {
    let (sender, events) = channel();
    let view = View::open(options.is_plain, &sender)?;
    let reports = sender.clone();
    let runs = Runs::start(prepare, move |report| {
        // Nobody receives it at the end.
        let _ = reports.send(Event::Run(report));
    })?;
    let mut session = Session {
        version: sources::version_of_course(&course.root),
        judged: digests_of_judges(&course),
        generation: 1,
        course: Arc::new(course),
        options,
        sources: Sources::new(),
        runs,
        running: None,
        checked_code: None,
        queue: VecDeque::new(),
        before: BTreeMap::new(),
        model: Model::default(),
        view,
        drawn: ScrollExtent::default(),
        alarm: None,
        rung: None,
        last_look: Instant::now(),
        poll: SELDOM,
        is_scanning: false,
        aside: None,
        asides: 0,
        end: None,
        sender,
    };
    session.begin()?;
    session.go(&events)
}

fn digests_of_judges(course: &Course) -> BTreeMap<String, String> {
    let exercises = course.exercises.iter();
    let digest = |it: &Exercise| (it.name.clone(), sources::digest_of_judge(course, it));
    exercises.map(digest).collect()
}

/// The times of the first and the last event since the files were last compared.
#[derive(Clone, Copy, Debug)]
struct AlarmTimes {
    first: Instant,
    last: Instant,
    /// True if a comparison of the files, not an event, noticed the change.
    by_look: bool,
}

/// The check that runs.
#[derive(Debug)]
struct Current {
    /// The exercise's crate.
    name: String,
    /// True if a save has made it void.
    is_void: bool,
    /// True if a verdict has come, to which only explanations are added.
    has_verdict: bool,
}

struct Session {
    course: Arc<Course>,
    /// The version of the course's tests, and of each exercise's.
    version: String,
    judged: BTreeMap<String, String>,
    /// The number of that version.
    generation: u64,
    options: Options,
    sources: Sources,
    runs: Runs,
    /// The check that runs, and the code that it checks.
    running: Option<Current>,
    checked_code: Option<Code>,
    /// The exercises that are to be checked, by crate, with the moment of the save.
    queue: VecDeque<(String, Instant)>,
    /// The last results of each exercise's tests, by crate.
    before: BTreeMap<String, Results>,
    model: Model,
    view: View,
    drawn: ScrollExtent,
    alarm: Option<Alarm>,
    rung: Option<AlarmTimes>,
    last_look: Instant,
    poll: Duration,
    /// True while the first exercise that is not done is still looked for.
    is_scanning: bool,
    aside: Option<Aside>,
    asides: u64,
    /// The exit code, once the session is to end.
    end: Option<Exit>,
    sender: Sender<Event>,
}

impl Session {
    /// Sets the alarm, and checks the first exercise.
    fn begin(&mut self) -> Result<()> {
        match self.options.poll {
            Some(every) => self.poll = every,
            None => self.set_alarm(),
        }
        self.sources = sources::read(&self.course).map_err(anyhow::Error::msg)?;
        let first = self.first()?;
        self.is_scanning = self.options.exercises.is_empty();
        self.focus(&first);
        self.queue.push_back((first, Instant::now()));
        Ok(())
    }

    /// The first exercise whose last check was not of the same code, or not perfect; and the last results of all.
    fn first(&mut self) -> Result<String> {
        let record = Record::open(&self.course.root)?;
        let mut first = None;
        let mut before = BTreeMap::new();
        for exercise in self.watched() {
            let check = record.of(exercise).and_then(|it| it.check.as_ref());
            let versions = match self.sources.get(&exercise.folder) {
                Some(Code::Sources(sources)) => {
                    Some(Versions::of(&self.course, exercise, sources)?)
                }
                _ => None,
            };
            if let Some(check) = check.filter(|it| it.result == CheckResult::Tested) {
                let tests = check.tests.iter();
                let results = tests.map(|(name, test)| (name.clone(), test.passed));
                before.insert(exercise.name.clone(), results.collect());
            }
            let is_done =
                check.is_some_and(|it| it.is_perfect() && Some(&it.versions) == versions.as_ref());
            if first.is_none() && !is_done {
                first = Some(exercise.name.clone());
            }
        }
        self.before = before;
        let last = self.watched().last().map(|it| it.name.clone());
        first.or(last).context("no exercise is watched")
    }

    fn set_alarm(&mut self) {
        let sender = self.sender.clone();
        let ring = move |rung| {
            let _ = sender.send(Event::Alarm(rung));
        };
        match Alarm::set(&self.course.root.join("exercises"), ring) {
            Ok(alarm) => self.alarm = Some(alarm),
            Err(error) => self.give_up_events(&error.to_string()),
        }
    }

    /// Compares the files often from now on, instead of waiting for events.
    fn give_up_events(&mut self, why: &str) {
        self.alarm = None;
        self.poll = OFTEN;
        self.note(&format!(
            "no events of the file system ({why}): files are compared every {:.1} s instead",
            OFTEN.as_secs_f64()
        ));
    }

    /// The exercises that are watched, in the course's order.
    fn watched(&self) -> impl Iterator<Item = &Exercise> {
        let names = &self.options.exercises;
        let exercises = self.course.exercises.iter();
        exercises.filter(move |it| names.is_empty() || names.contains(&it.name))
    }

    fn exercise(&self, name: &str) -> Option<&Exercise> {
        self.course.exercises.iter().find(|it| it.name == name)
    }

    /// Takes events until the end.
    fn go(&mut self, events: &Receiver<Event>) -> Result<Exit> {
        let mut seconds = None;
        loop {
            self.begin_next();
            let running = self.model.running.as_ref();
            let now = running.map(|running| running.since.elapsed().as_secs());
            if let Err(error) = self.redraw(seconds != now) {
                // A terminal that is closed says so by a signal, too.
                let is_stopped = self.options.stop.load(Ordering::Relaxed);
                return if is_stopped {
                    Ok(Exit::Stopped)
                } else {
                    Err(error)
                };
            }
            seconds = now;
            let first = match events.recv_timeout(self.patience()) {
                Err(RecvTimeoutError::Disconnected) => return Ok(Exit::Internal),
                first => first.ok(),
            };
            // All that is there already, before anything is drawn.
            let rest: Vec<_> = events.try_iter().take(1000).collect();
            for event in first.into_iter().chain(rest) {
                self.take(event);
            }
            if self.options.stop.load(Ordering::Relaxed) {
                return Ok(Exit::Stopped);
            }
            if let Some(exit) = self.end {
                return Ok(exit);
            }
            self.look_if_due();
        }
    }

    /// The time until something is to be done, whatever comes in.
    fn patience(&self) -> Duration {
        self.rung.map_or(TICK, |_| Duration::from_millis(10))
    }

    fn redraw(&mut self, is_needed: bool) -> Result<()> {
        if let Some(drawn) = self.view.redraw(&self.model, is_needed)? {
            self.drawn = drawn;
            let scroll = self.model.scroll_mut();
            *scroll = (*scroll).min(drawn.last_scroll);
        }
        Ok(())
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Alarm(AlarmEvent::Change) => self.ring(false),
            Event::Alarm(AlarmEvent::Fault(why)) => {
                self.give_up_events(&why);
                self.ring(false);
            }
            Event::Run(report) => self.take_report(report),
            Event::Wish(wish) => self.take_wish(wish),
            Event::Resized => self.view.touch(),
            Event::Gone => self.end = Some(Exit::Stopped),
            Event::Said(line) => {
                self.model.progress = line;
                self.view.touch();
            }
            Event::Aside(number, text) if number == self.asides => {
                self.aside = None;
                if let Some(pane) = &mut self.model.pane {
                    pane.text = text;
                    self.tell(LineEvent::Pane);
                }
            }
            Event::Aside(..) => {}
        }
    }

    fn tell(&mut self, news: LineEvent) {
        if !self.view.tell(&self.model, &news) {
            self.end = Some(Exit::Stopped);
        }
    }

    fn note(&mut self, note: &str) {
        if self.model.notes.last().is_none_or(|last| last != note) {
            self.model.note(note);
            self.tell(LineEvent::Note(note.to_owned()));
        }
    }
}
