//! Work side by side: several lanes, each of which takes the next item when it is done with one.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many lanes the machine's processors keep busy.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does something with each item, as many at a time as there are lanes, begun in the items' order; gives what came of
/// them in that order. `act` is told the number of its lane, counted from 0.
///
/// # Panics
/// Where `act` does.
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
