//! The alarm: events of the file system that may mean that an exercise was saved.

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::ffi::OsStr;
use std::path::Path;

/// A report of the alarm.
#[derive(Debug)]
pub(super) enum AlarmEvent {
    /// Something in the folder may have changed.
    Change,
    /// Events are no longer available, for this reason.
    Fault(String),
}

/// Events of a folder, as long as this is kept.
#[derive(Debug)]
pub(super) struct Alarm {
    _watcher: RecommendedWatcher,
}

impl Alarm {
    /// Has `ring` be called at each event below a folder.
    ///
    /// # Errors
    /// Returns an error if the system gives no events.
    pub(super) fn set(
        folder: &Path,
        ring: impl Fn(AlarmEvent) + Send + 'static,
    ) -> Result<Self, notify::Error> {
        let hear = move |event: notify::Result<Event>| match event {
            Ok(event) if is_a_change(&event) => ring(AlarmEvent::Change),
            Ok(_) => {}
            Err(error) => ring(AlarmEvent::Fault(error.to_string())),
        };
        let mut watcher = notify::recommended_watcher(hear)?;
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(Self { _watcher: watcher })
    }
}

/// Returns whether an event can mean that sources or tests changed. Reads do not count: this program reads them, too.
fn is_a_change(event: &Event) -> bool {
    let changes = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    // Events without a path say that some were lost.
    changes && (event.paths.is_empty() || !event.paths.iter().all(|path| is_an_editors(path)))
}

/// Returns whether a file is an editor's own and not what is edited: backups, swap files, locks and the file `4913`, with
/// which vim tries whether it may write.
pub(super) fn is_an_editors(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    name == "4913"
        || name.starts_with(['.', '#'])
        || name.ends_with(['~', '#'])
        || matches!(end, "swp" | "swo" | "swx" | "tmp" | "bak" | "orig" | "new")
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, ModifyKind, RenameMode};

    #[test]
    fn a_save_is_a_change_and_what_an_editor_keeps_for_itself_is_none() {
        let event = |kind, name: &str| Event::new(kind).add_path(format!("/c/src/{name}").into());
        let made = EventKind::Create(CreateKind::File);
        for name in ["lib.rs", "heads.rs", "shape.rs", "Cargo.toml"] {
            assert!(is_a_change(&event(made, name)), "{name}");
        }
        for name in [
            "4913",
            ".lib.rs.swp",
            ".lib.rs.swx",
            "lib.rs~",
            "#lib.rs#",
            ".#lib.rs",
            "lib.rs.bak",
            ".goutputstream-X1",
            "lib.rs.tmp",
            "a.snap.new",
        ] {
            assert!(!is_a_change(&event(made, name)), "{name}");
        }
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::Both));
        let over = event(renamed, "lib.rs.tmp").add_path("/c/src/lib.rs".into());
        assert!(is_a_change(&over));
    }

    #[test]
    fn that_a_file_is_read_is_no_change_and_that_events_were_lost_is_one() {
        let of = |kind| Event::new(EventKind::Access(kind)).add_path("/c/src/lib.rs".into());
        assert!(!is_a_change(&of(AccessKind::Open(AccessMode::Read))));
        assert!(!is_a_change(&of(AccessKind::Close(AccessMode::Read))));
        assert!(is_a_change(&of(AccessKind::Close(AccessMode::Write))));
        assert!(is_a_change(&Event::new(EventKind::Other)));
    }
}
