//! The events of a session.

use super::alarm::AlarmEvent;
use super::keys::Action;
use super::runs::Report;

/// An event that a session receives.
#[derive(Debug)]
pub(super) enum Event {
    /// From the file system.
    Alarm(AlarmEvent),
    /// From the run.
    Run(Report),
    /// A wish of the learner's; nothing for a key or line that is none.
    Wish(Option<Action>),
    /// The terminal has another size.
    Resized,
    /// The terminal is gone.
    Gone,
    /// Standard error: what is built says how far it is.
    Said(String),
    /// Another command of this program ended: its number and what it printed.
    Aside(u64, String),
}
