//! The same work on many things, by a few threads.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// Does `work` on each of the items with at most `threads` threads. `take` gets the results one by one, in any order; if
/// it breaks, nothing more is begun.
pub(crate) fn each<T: Send, R: Send, B>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<B>,
) -> Option<B> {
    let threads = threads.min(items.len());
    let left = Mutex::new(items.into_iter());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        // A slow taker holds the workers up, so that results do not pile up.
        let (done, results) = mpsc::sync_channel(threads.max(1));
        for _ in 0..threads {
            let (done, next, work) = (done.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(item) = next() {
                    // Nobody takes results any more.
                    if done.send(work(item)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        results.into_iter().find_map(|result| take(result).break_value())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn everything_is_done_once_and_several_at_a_time() {
        // Each worker waits for the other: one thread alone would never end.
        let together = Barrier::new(2);
        let mut taken = Vec::new();
        let work = |item: u32| {
            together.wait();
            item * 2
        };
        let broken = each((0..10).collect(), 2, work, |result| {
            taken.push(result);
            ControlFlow::<()>::Continue(())
        });
        taken.sort_unstable();
        assert_eq!(taken, (0..10).map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(broken, None);
        assert_eq!(each(Vec::<u8>::new(), 4, |item| item, ControlFlow::Break), None);
    }

    #[test]
    fn after_a_break_nothing_more_is_begun() {
        let begun = AtomicUsize::new(0);
        let work = |item: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            item
        };
        let broken = each((0..100_000).collect(), 2, work, ControlFlow::Break);
        assert!(broken.is_some());
        // What was at work, and what waits in the channel.
        assert!(begun.into_inner() <= 8, "it went on");
    }
}
