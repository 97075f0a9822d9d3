use super::{Heard, Observed};
use crate::analysis::History;
use crate::analysis::limits::{Conduct, Gaps, alive};
use stallscope_instrument::__private::{Limits, Seen, Wants, hear, scope, told};
use stallscope_wire::{Gap, Header, Line, Snapshot};
use std::future::Future;

/// Runs a future, and tells what it blocked, and what of it is left when it is ready: for tests.
///
/// A task counts when it was spawned by the future itself, or by a task that counts: so scopes that run at the same time,
/// in one runtime or several, do not see each other's tasks, and a scope within a scope counts for both. Not seen are tasks
/// that are spawned from a thread that the scope started (`spawn_blocking` among them), and those of a `LocalSet` that are
/// not spawned by Stallscope's own functions.
///
/// A **stall** counts that was in such a task, or in a poll of the future itself; it is told from the threshold on that the
/// runtime was installed with. **Lag** is the runtime's, whoever makes others wait. A watched **future** counts where it was
/// made in the scope. A **socket** counts that the runtime's I/O driver looks after at the end, and did not at the beginning,
/// so that there must be no other scope in the runtime meanwhile.
///
/// When the future is ready, its tasks are given a moment to end: one that was aborted is gone only after a worker has come
/// to it. There is no wait for a scope whose tasks have all ended. Else it lasts until none of them has ended for 100 ms and
/// each worker has had nothing to do since, 5 s at most; so a task that soon ends by itself is no leak. A clock that is paused
/// stands still meanwhile: a task that sleeps lives on.
///
/// What cannot be seen is told by [`Observed::coverage`], and an assertion that rests on it fails. Everything is seen in a
/// runtime of [`main`](macro@crate::main) or [`test`](macro@crate::test) in a build with `--cfg tokio_unstable`.
///
/// ```
/// # #[stallscope::main] async fn main() {
/// let observed = stallscope::observe(async {
///     tokio::spawn(std::future::pending::<()>());
///     7
/// })
/// .await;
/// assert_eq!(observed.output, 7);
/// # #[cfg(tokio_unstable)]
/// assert_eq!(observed.tasks_alive()[0].count, 1);
/// # }
/// ```
pub async fn observe<F: Future>(future: F) -> Observed<F::Output> {
    let heard = Heard::new(Header::default());
    let hearing = hear({
        let heard = heard.clone();
        move |line: &Line| heard.apply(line)
    });
    let wants = Wants { tasks: true, sockets: true, lag: true, own_runtime: false };
    let seen = scope(wants, future).await;
    let answered = hearing.is_some() && told().await;
    drop(hearing);
    observed(seen, &heard.history(), answered)
}

fn observed<T>(seen: Seen<T>, heard: &History, answered: bool) -> Observed<T> {
    let limits = seen.runtime.unwrap_or(Limits { stall_ns: 0, lag_ns: 0 });
    let header =
        Header { threshold_ns: limits.stall_ns, lag_limit_ns: limits.lag_ns, ..heard.header().clone() };
    let mut history = History::new(header);
    for record in heard.stalls().filter(|record| seen.whose.is_of_scope(&record.stall)) {
        history.apply(Line::Stall(record.stall.clone()));
    }
    let lags = heard.lags().filter_map(|lag| seen.whose.part_in_scope(lag));
    for lag in lags.filter(|lag| lag.wait_ns >= limits.lag_ns) {
        history.apply(Line::Lag(lag));
    }
    heard.pauses().for_each(|pause| history.apply(Line::Pause(pause.clone())));
    history.apply(Line::Lost(heard.lost().clone()));
    history.apply(Line::Snapshot(Snapshot { watched: seen.futures, ..Snapshot::default() }));

    let unanswered = || {
        let cure = "use #[stallscope::main] or #[stallscope::test], or give the runtime's builder to stallscope::install";
        Gap::new("the scope's stalls and lags: nothing was told of its runtime", cure).hiding_stalls()
    };
    let untold = (!answered).then(unanswered);
    let told_gap = || heard.coverage().missing.iter().find(|gap| gap.hides_stalls).cloned();
    let gaps = Gaps {
        stalls: seen.stalls_gap.or_else(|| untold.clone()).or_else(told_gap),
        lags: untold,
        tasks: seen.tasks_gap,
        sockets: seen.sockets_gap,
    };
    let conduct = Conduct { history, tasks: alive(&seen.tasks, seen.unplaced), sockets: seen.sockets, gaps };
    Observed::new(seen.output, conduct)
}
