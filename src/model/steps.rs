//! Counts work, such as octets read or comparisons made, for tests of complexity that do not depend on time.

#[cfg(test)]
thread_local! {
    #[allow(clippy::missing_const_for_thread_local, reason = "it is const: clippy does not see it for windows-gnu")]
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts work of this thread; does nothing outside of tests.
#[cfg_attr(
    not(test),
    allow(clippy::missing_const_for_fn, unused_variables, reason = "it counts in tests")
)]
pub(super) fn count(steps: usize) {
    #[cfg(test)]
    STEPS.with(|all| all.set(all.get() + steps));
}

/// The steps that `work` takes.
#[cfg(test)]
pub(super) fn of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    STEPS.with(std::cell::Cell::take);
    let done = work();
    (STEPS.with(std::cell::Cell::take), done)
}
