//! Work side by side: several lanes, each of which takes the next item when it is done with one.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The number of lanes that keep the machine's processors busy.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Calls `act` on each item, as many at a time as there are lanes, begun in the items' order; returns the results in
/// that order. `act` is given the number of its lane, counted from 0.
///
/// # Panics
/// Panics if `act` panics.
pub fn each<T: Sync, R: Send>(
    items: &[T],
    lanes: usize,
    act: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let (next, act) = (AtomicUsize::new(0), &act);
    let take = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        items.get(number).map(|item| (number, item))
    };
    let walk = |lane: usize| {
        let taken = std::iter::from_fn(take);
        let results = taken.map(|(number, item)| (number, act(lane, item)));
        results.collect::<Vec<_>>()
    };
    let mut results = thread::scope(|scope| {
        let lanes = 0..lanes.clamp(1, items.len().max(1));
        let lanes: Vec<_> = lanes.map(|lane| scope.spawn(move || walk(lane))).collect();
        let results = lanes.into_iter().flat_map(|lane| match lane.join() {
            Ok(results) => results,
            Err(panic) => resume_unwind(panic),
        });
        results.collect::<Vec<_>>()
    });
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// As [`each`], but hands the result of each item to `take` as soon as those before it are done, in the items' order.
/// Once an item fails, no others are begun.
///
/// # Errors
/// Returns the error of the first item for which `act` fails. The results of those before it were handed over.
///
/// # Panics
/// Panics if `act` or `take` panics.
pub fn in_order<'a, T: Sync, R: Send, E: Send>(
    items: &'a [T],
    lanes: usize,
    act: impl Fn(&'a T) -> Result<R, E> + Sync,
    take: impl FnMut(R) + Send,
) -> Result<(), E> {
    let numbered: Vec<_> = items.iter().enumerate().collect();
    let has_failed = AtomicBool::new(false);
    let queue = Mutex::new((0, BTreeMap::new(), take));
    let ended = each(&numbered, lanes, |_, &(number, item)| {
        if has_failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let result = act(item);
        has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, early, take) = &mut *queue;
        // After a failure nothing is left for this turn, and no later result is handed over.
        early.insert(number, result?);
        while let Some(result) = early.remove(next) {
            *next += 1;
            take(result);
        }
        Ok(())
    });
    ended.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::time::Duration;

    #[test]
    fn results_come_in_the_order_of_the_items_and_each_item_once() {
        let items: Vec<_> = (0..50).collect();
        for lanes in [0, 1, 3, 100] {
            let doubled = each(&items, lanes, |_, item| {
                // The later ones overtake the earlier ones.
                thread::sleep(Duration::from_micros(50 - item));
                item * 2
            });
            let expected: Vec<_> = items.iter().map(|item| item * 2).collect();
            assert_eq!(doubled, expected, "{lanes} lanes");
        }
        assert!(each(&[0; 0], 2, |_, item| *item).is_empty());
    }

    #[test]
    fn results_are_handed_over_in_order() {
        let items: Vec<_> = (0..50).collect();
        let mut taken = vec![];
        let late = |item: &u64| {
            // The later ones overtake the earlier ones.
            thread::sleep(Duration::from_micros(50 - item));
            Ok::<_, ()>(*item)
        };
        assert_eq!(in_order(&items, 3, late, |item| taken.push(item)), Ok(()));
        assert_eq!(taken, items);
    }

    #[test]
    fn a_result_is_handed_over_before_the_next_item_is_begun() {
        let seen = Mutex::new(vec![]);
        let see = |what, item| seen.lock().expect("a list").push((what, item));
        let act = |item: &i32| {
            see("begun", *item);
            Ok::<_, ()>(*item)
        };
        let done = in_order(&[1, 2], 1, act, |item| see("taken", item));
        assert_eq!(done, Ok(()));
        let seen = seen.into_inner().expect("a list");
        assert_eq!(
            seen,
            [("begun", 1), ("taken", 1), ("begun", 2), ("taken", 2)]
        );
    }

    #[test]
    fn nothing_is_begun_or_handed_over_after_what_fails() {
        let begun = AtomicUsize::new(0);
        let mut taken = vec![];
        let act = |item: &i32| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 2 { Err("two") } else { Ok(*item) }
        };
        let done = in_order(&[1, 2, 3], 1, act, |item| taken.push(item));
        assert_eq!((done, taken), (Err("two"), vec![1]));
        assert_eq!(begun.into_inner(), 2);
        // The second waits for the third, which is done by then and comes too late all the same.
        let (both, mut taken) = (Barrier::new(2), vec![]);
        let act = |item: &i32| {
            if *item > 1 {
                both.wait();
            }
            if *item == 2 { Err("two") } else { Ok(*item) }
        };
        let done = in_order(&[1, 2, 3], 2, act, |item| taken.push(item));
        assert_eq!((done, taken), (Err("two"), vec![1]));
    }

    #[test]
    fn as_many_run_at_a_time_as_there_are_lanes() {
        // Each waits for the other: on one lane, none would ever end.
        let both = Barrier::new(2);
        let lanes = each(&[(), ()], 2, |lane, ()| {
            both.wait();
            lane
        });
        assert_eq!(lanes.iter().sum::<usize>(), 1);
    }

    #[test]
    #[should_panic(expected = "two")]
    fn a_panic_is_passed_on() {
        each(&[1, 2, 3], 2, |_, item| assert_ne!(*item, 2, "two"));
    }
}
