use super::observed::Observed;
use super::registry::{alive, close, registry, within};
use super::settle;
#[cfg(tokio_unstable)]
use crate::probe::LagProbe;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
#[cfg(tokio_unstable)]
use tokio::runtime::Handle;

/// Runs a future, and tells which tasks that were spawned in it live on when it is ready: for tests.
///
/// A task counts when it was spawned by the future itself, or by a task that counts: so scopes that run at the same time,
/// in one runtime or several, do not see each other's tasks, and a scope within a scope counts for both. Not seen are tasks
/// that are spawned from a thread that the scope started (`spawn_blocking` among them), and those of a `LocalSet` that are
/// not spawned by Stallscope's own functions.
///
/// When the future is ready, its tasks are given a moment to end: one that was aborted is gone only after a worker has come
/// to it. There is no wait for a scope whose tasks have all ended. Else it lasts until none of them has ended for 100 ms and
/// each worker has had nothing to do since, 5 s at most; so a task that soon ends by itself is no leak.
///
/// Every task is seen in a runtime whose builder was given to `install` in a build with `--cfg tokio_unstable`. In another
/// one only those are that Stallscope's own `spawn` spawned, and [`Observed::coverage`] says so.
///
/// ```
/// let mut builder = tokio::runtime::Builder::new_current_thread();
/// let _guard = stallscope_instrument::install(&mut builder)?;
/// builder.build().unwrap().block_on(async {
///     let observed = stallscope_instrument::observe(async {
///         tokio::spawn(std::future::pending::<()>());
///         7
///     })
///     .await;
///     assert_eq!(observed.output, 7);
/// # #[cfg(tokio_unstable)]
///     assert_eq!(observed.tasks_alive()[0].count, 1);
/// });
/// # Ok::<(), stallscope_instrument::InstallError>(())
/// ```
pub async fn observe<F: Future>(future: F) -> Observed<F::Output> {
    let scope = Scope::open();
    let hooked = scope.is_hooked();
    let output = {
        let mut future = pin!(future);
        poll_fn(|context| within(scope.0, || future.as_mut().poll(context))).await
    };
    settle::settle(&scope).await;
    Observed::new(output, &scope.alive(), hooked)
}

/// A scope that is open; dropping it closes it.
#[derive(Debug)]
pub(super) struct Scope(u64);

impl Scope {
    fn open() -> Self {
        Self(registry().open())
    }

    /// Whether the runtime that this is called in tells of its tasks.
    fn is_hooked(&self) -> bool {
        #[cfg(tokio_unstable)]
        if let Ok(runtime) = Handle::try_current() {
            within(self.0, || drop(LagProbe::send(&runtime, None)));
        }
        registry().is_hooked(self.0)
    }

    /// How many of its tasks have ended.
    pub(super) fn ended(&self) -> u64 {
        registry().ended(self.0)
    }

    /// Where those of its tasks were spawned that live.
    pub(super) fn alive(&self) -> Vec<&'static Location<'static>> {
        alive(self.0)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        close(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{JoinSet, spawn};
    use std::future::pending;
    use tokio::runtime::Builder;

    #[test]
    fn what_our_functions_spawn_is_seen_in_any_runtime() {
        for mut builder in [Builder::new_multi_thread(), Builder::new_current_thread()] {
            builder.build().unwrap().block_on(async {
                let observed = observe(async {
                    spawn(async { drop(spawn(async { pending::<()>().await })) }).await.unwrap();
                    spawn(async {}).await.unwrap();
                    let mut set = JoinSet::new();
                    set.spawn(pending::<()>());
                    drop(set);
                    spawn(pending::<()>()).abort();
                });
                let observed = observed.await;
                let [alive] = observed.tasks_alive() else { panic!("{observed:#?}") };
                assert_eq!(alive.count, 1);
                assert!(alive.spawned_at.contains("observe/scope.rs:"), "{alive:?}");
            });
        }
    }
}
