//! Processors for what works in turn. A judge and its worker never compute at the same time: on one processor, the one wakes the
//! other at once, while waking another processor takes longer than most answers, in a virtual machine above all.

#[cfg(target_os = "linux")]
mod system {
    use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
    use nix::unistd::Pid;
    use std::collections::BTreeSet;
    use std::sync::{Mutex, PoisonError};

    /// The processors that threads of this process are bound to.
    static TAKEN: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

    /// The calling thread, where a thread is named.
    const THIS: Pid = Pid::from_raw(0);

    /// A thread that is bound to one processor until this is dropped.
    #[derive(Debug)]
    pub struct Bound {
        processor: usize,
        before: CpuSet,
    }

    /// Binds this thread, and what it starts, to the processor that it runs on, or to another that no other thread is bound to;
    /// `None` if there is none, or the system does not tell.
    pub fn bind() -> Option<Bound> {
        let before = sched_getaffinity(THIS).ok()?;
        let here = sched_getcpu().ok()?;
        let others = (0..CpuSet::count()).filter(|&it| it != here);
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = |it: &usize| before.is_set(*it) == Ok(true) && !taken.contains(it);
        let processor = std::iter::once(here).chain(others).find(is_free)?;
        let mut one = CpuSet::new();
        one.set(processor).ok()?;
        sched_setaffinity(THIS, &one).ok()?;
        taken.insert(processor);
        Some(Bound { processor, before })
    }

    impl Bound {
        /// Lets this thread, and what it starts from now on, run on all processors that it could before. This one stays taken by
        /// what was started until now.
        pub fn let_go(&self) {
            // A failure leaves the thread where it is: slower, with the same results.
            let _ = sched_setaffinity(THIS, &self.before);
        }
    }

    impl Drop for Bound {
        fn drop(&mut self) {
            self.let_go();
            let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            taken.remove(&self.processor);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::thread;

        /// The processors that this thread may run on.
        fn allowed() -> usize {
            let set = sched_getaffinity(THIS).expect("the processors of a thread");
            let is_allowed = |it: &usize| set.is_set(*it) == Ok(true);
            (0..CpuSet::count()).filter(is_allowed).count()
        }

        #[test]
        fn a_thread_is_bound_until_the_end_and_no_two_to_the_same_processor() {
            let before = allowed();
            let bound = bind().expect("a processor");
            assert_eq!(allowed(), 1);
            // A thread inherits it, as a process does.
            thread::scope(|scope| {
                scope.spawn(|| {
                    assert_eq!(allowed(), 1);
                    assert!(bind().is_none(), "that one is taken");
                });
            });
            bound.let_go();
            assert_eq!(allowed(), before);
            drop(bound);
            assert_eq!(allowed(), before);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    /// Processors cannot be bound on other systems.
    #[derive(Debug)]
    pub struct Bound;

    impl Bound {
        /// As on Linux.
        pub fn let_go(&self) {}
    }

    /// As on Linux; always `None`.
    pub fn bind() -> Option<Bound> {
        None
    }
}

pub use system::{Bound, bind};
