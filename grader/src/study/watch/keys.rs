//! Keys of the watcher, and the letters that stand for them where lines are typed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// An action that the learner asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The next hint.
    Hint,
    /// The comparison with the solution.
    Diff,
    /// The next failure.
    Next,
    /// The one before.
    Previous,
    /// The list of all exercises.
    List,
    /// The exercise's handout.
    Handout,
    /// The check, once more.
    Again,
    /// The exercise's stubs, put back.
    Reset,
    /// The keys.
    Help,
    /// The end, of what is open above the verdict or else of the watcher.
    Quit,
    /// The end of the watcher, whatever is open.
    Stop,
    /// The end of what is open above the verdict.
    Back,
    /// The answer yes to a question.
    Yes,
    /// Lines up or down.
    Scroll(isize),
    /// Pages up or down.
    Page(isize),
    /// The beginning of the text.
    Top,
    /// The end of the text.
    Bottom,
}

/// The keys with their letters, in the order in which they are shown: a short word for the line of keys, and a sentence.
pub(super) const KEYS: [(char, Action, &str, &str); 10] = [
    (
        'h',
        Action::Hint,
        "hint",
        "the next hint about the function to blame for the failure",
    ),
    (
        'd',
        Action::Diff,
        "diff",
        "your code beside the nearest solution",
    ),
    ('n', Action::Next, "next", "the next failure"),
    ('p', Action::Previous, "previous", "the failure before"),
    ('l', Action::List, "list", "all exercises, and what is next"),
    ('o', Action::Handout, "handout", "the exercise's handout"),
    ('r', Action::Again, "again", "check again"),
    (
        'x',
        Action::Reset,
        "reset",
        "put the exercise's stubs back (asks first, keeps a backup)",
    ),
    ('?', Action::Help, "help", "these keys"),
    ('q', Action::Quit, "quit", "close what is open, or end"),
];

/// The action of a letter.
pub(super) fn of_letter(letter: char) -> Option<Action> {
    let known = KEYS.iter().find(|(key, ..)| *key == letter);
    match letter {
        'y' => Some(Action::Yes),
        _ => known.map(|(_, action, ..)| *action),
    }
}

/// The action of a key.
pub(super) fn of_key(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'd') => Some(Action::Stop),
            KeyCode::Char('f') => Some(Action::Page(1)),
            KeyCode::Char('b') => Some(Action::Page(-1)),
            _ => None,
        };
    }
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => Some(Action::Scroll(-1)),
        KeyCode::Down | KeyCode::Char('j') => Some(Action::Scroll(1)),
        KeyCode::PageUp => Some(Action::Page(-1)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(Action::Page(1)),
        KeyCode::Home | KeyCode::Char('g') => Some(Action::Top),
        KeyCode::End | KeyCode::Char('G') => Some(Action::Bottom),
        KeyCode::Right => Some(Action::Next),
        KeyCode::Left => Some(Action::Previous),
        KeyCode::Esc => Some(Action::Back),
        KeyCode::Char(letter) => of_letter(letter),
        _ => None,
    }
}

/// All keys, a line each.
pub(super) fn help() -> String {
    let keys = KEYS
        .iter()
        .map(|(key, _, _, says)| format!("  {key}  {says}\n"));
    format!(
        "{}\n  ↑ ↓ Page-up Page-down  move the text\n  Esc  close what is open\n  Ctrl-C  end\n",
        keys.collect::<String>()
    )
}
