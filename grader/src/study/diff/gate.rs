//! The items whose solution may be shown: those that pass their tests, and those that the learner gave up.

use crate::course::{Course, Exercise};
use crate::study::items::passes;
use crate::study::record::{Record, Versions};
use anyhow::{Result, anyhow};
use hints::WithHint;
use intake::Source;
use interface::Item;

/// The items of an exercise that somebody asks for, by whether their solution is shown.
#[derive(Clone, Debug)]
pub struct Gate<'a> {
    /// Those that are shown.
    pub open: Vec<&'a Item>,
    /// Those that are not, since their tests do not pass.
    pub closed: Vec<&'a Item>,
    /// True if all of the exercise is asked for.
    is_whole: bool,
}

/// Checks that the course shows the solution of an exercise.
///
/// # Errors
/// Returns an error if it is withheld or missing.
pub fn has_solution(course: &Course, exercise: &Exercise) -> Result<()> {
    if course.withholds_solutions {
        return Err(anyhow!("this course withholds its solutions"))
            .hint("its instructor has set `solutions = \"withheld\"` in Cargo.toml");
    }
    course.check_reference(exercise)
}

impl<'a> Gate<'a> {
    /// Asks for an item, its functions included, or for all of an exercise. With `give_up`, those whose tests do not pass are
    /// shown too, and recorded as given up.
    ///
    /// # Errors
    /// Returns an error if none of them is shown, with the reason, or the record cannot be written.
    pub fn open(
        course: &Course,
        exercise: &'a Exercise,
        record: &Record,
        sources: &[Source],
        item: Option<&'a Item>,
        give_up: bool,
    ) -> Result<Self> {
        let is_asked = |it: &&Item| match item {
            Some(item) => it.path == item.path || it.owner() == Some(&item.path),
            // A list of values is no task: it is shown with the whole exercise.
            None => !it.operations.is_empty(),
        };
        let asked: Vec<_> = exercise.items.iter().filter(is_asked).collect();
        let versions = Versions::of(course, exercise, sources)?;
        let of_exercise = record.of(exercise);
        let check = of_exercise.and_then(|it| it.check.as_ref());
        let is_checked = check.is_some_and(|check| check.versions == versions);
        let passing = |it: &Item| passes(of_exercise, exercise, &versions, it);
        let was_given_up = |it: &Item| {
            of_exercise.is_some_and(|record| {
                let given_up = &record.given_up;
                given_up.contains(&it.path) || it.owner().is_some_and(|it| given_up.contains(it))
            })
        };
        let failing: Vec<_> = asked.iter().copied().filter(|it| !passing(it)).collect();
        if give_up {
            let paths: Vec<_> = failing.iter().map(|it| it.path.clone()).collect();
            Record::update(&course.root, |record| {
                record.of_mut(exercise).given_up.extend(paths);
            })?;
        }
        let is_open = |it: &&Item| give_up || passing(it) || was_given_up(it);
        let (open, closed): (Vec<_>, Vec<_>) = asked.into_iter().partition(is_open);
        if open.is_empty() {
            return Err(refusal(exercise, item, is_checked));
        }
        Ok(Self {
            open,
            closed,
            is_whole: item.is_none(),
        })
    }

    /// Returns whether an item of the sources, given by its path, is shown. What the exercise's description does not name is
    /// shown with its type, or with the whole exercise.
    pub fn shows(&self, path: &str) -> bool {
        let is_in = |items: &[&Item], path: &str| items.iter().any(|it| it.path == path);
        let owner = path.rsplit_once("::").map(|(owner, _)| owner);
        let owner = owner.map(|it| {
            it.trim_start_matches('<')
                .split(" as ")
                .next()
                .unwrap_or(it)
        });
        if is_in(&self.open, path) {
            true
        } else if is_in(&self.closed, path) {
            false
        } else if let Some(owner) = owner.filter(|it| is_in(&self.open, it)) {
            is_in(&self.open, owner)
        } else {
            self.is_whole && self.closed.is_empty()
        }
    }
}

/// The error where nothing is shown.
fn refusal(exercise: &Exercise, item: Option<&Item>, is_checked: bool) -> anyhow::Error {
    let name = &exercise.name;
    let what = item.map_or(name.as_str(), |item| item.path.as_str());
    let of_item = item.map_or(String::new(), |item| format!(" {}", item.path));
    let result: Result<()> = match is_checked {
        false => Err(anyhow!("the present code of {name} has not been checked"))
            .hint(format!("run `cargo grader check {name}` first: a solution is shown once its tests pass")),
        true => Err(anyhow!("{what} does not pass its tests yet")).hint(format!(
            "`cargo grader check {name}` says why, and `cargo grader hint {name}{of_item}` helps; `--give-up` shows the \
             solution anyway, and is recorded"
        )),
    };
    result
        .err()
        .unwrap_or_else(|| anyhow!("{what} is not shown"))
}
