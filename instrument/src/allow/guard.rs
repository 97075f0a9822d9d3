use super::seat;
use super::site::{self, Site};
use crate::clock;
use crate::engine;
use crate::recorder::{Allowances, Scope, own_scope};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

thread_local! {
    /// The scope that the thread is allowed something in, and how many guards of it live.
    static DEPTH: Cell<Option<(Scope, usize)>> = const { Cell::new(None) };
}

/// Allows the code to block the thread while the guard lives.
///
/// A stall of this thread that came about under the guard is still told of, with the reason and the line of this call, and is
/// counted and listed in every report; but thresholds leave it out, as far as the guard lived: a poll that blocks for long
/// before or after it is a stall of that length.
///
/// ```
/// # fn load() -> u32 { 7 }
/// let _allow = stallscope_instrument::allow("reads its settings once");
/// let settings = load();
/// # assert_eq!(settings, 7);
/// ```
///
/// The guard is for one poll. It is not [`Send`], so that a task which is spawned cannot hold it over an `await`, where
/// the thread would go on with other tasks, which nobody has allowed anything. Where it can be held all the same, in the root
/// future or in a `LocalSet`, it excuses nothing beyond the poll that it was made in; in the tier sampled, where polls are not
/// known, nothing beyond the next time that the thread has nothing to do. Let it live around the blocking code alone, or give that to
/// [`Allow::during`]:
///
/// ```
/// # async fn later() {}
/// # fn load() -> u32 { 7 }
/// async fn start() -> u32 {
///     let settings = stallscope_instrument::allow("reads its settings once").during(load);
///     later().await;
///     settings
/// }
/// # fn is_send(_: &impl Send) {}
/// # is_send(&start());
/// ```
///
/// ```compile_fail
/// # async fn later() {}
/// # fn is_send(_: &impl Send) {}
/// is_send(&async {
///     let _allow = stallscope_instrument::allow("reads its settings once");
///     later().await;
/// });
/// ```
///
/// Of guards within guards the outermost tells why. An empty reason allows nothing, and where this process is not watched the
/// guard does nothing. A guard costs two readings of the counter and some twenty stores to memory of the thread's own; it never
/// waits. Of more than 512 lines with a guard, the reasons of the last ones are not told.
#[track_caller]
pub fn allow(reason: &'static str) -> Allow {
    let unheld = Allow { held: None, not_send: PhantomData };
    if !engine::is_started() || reason.trim().is_empty() {
        return unheld;
    }
    let Some(allowances) = seat::mine() else { return unheld };
    let scope = own_scope();
    // Inaccessible only while the thread ends.
    let Ok(depth) = DEPTH.try_with(Cell::get) else { return unheld };
    // A guard of a poll that is over, and that lives on, is as good as gone.
    let within = depth.filter(|&(open, _)| open == scope).map_or(0, |(_, guards)| guards);
    if within == 0 {
        let site = site::number(Site { location: Location::caller(), reason });
        allowances.begin(scope, site, clock::ticks());
    }
    let _ = DEPTH.try_with(|depth| depth.set(Some((scope, within + 1))));
    Allow { held: Some((allowances, scope)), ..unheld }
}

/// While it lives, its thread may block: see [`allow`].
#[must_use = "what is allowed is over as soon as this is dropped: let _allow = …"]
pub struct Allow {
    held: Option<(&'static Allowances, Scope)>,
    /// It is about the thread that made it.
    not_send: PhantomData<*const ()>,
}

impl Allow {
    /// Runs what is allowed to block, and no more.
    ///
    /// ```
    /// let sum: u64 = stallscope_instrument::allow("once, at the start").during(|| (0..1000).sum());
    /// # assert_eq!(sum, 499_500);
    /// ```
    pub fn during<T>(self, blocking: impl FnOnce() -> T) -> T {
        blocking()
    }
}

impl Drop for Allow {
    fn drop(&mut self) {
        let Some((allowances, scope)) = self.held else { return };
        let _ = DEPTH.try_with(|depth| match depth.get() {
            Some((open, 1)) if open == scope => {
                allowances.end(clock::ticks());
                depth.set(None);
            }
            Some((open, guards)) if open == scope => depth.set(Some((scope, guards - 1))),
            // Its poll is over, and another guard has come since.
            _ => {}
        });
    }
}

impl fmt::Debug for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allow").finish_non_exhaustive()
    }
}
