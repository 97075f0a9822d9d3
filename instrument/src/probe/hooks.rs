//! The hooks on a runtime's builder, ours and the app's.

#[cfg(tokio_unstable)]
use super::LagProbe;
#[cfg(tokio_unstable)]
use crate::observe;
use crate::recorder;
#[cfg(tokio_unstable)]
use crate::task::panics;
use stallscope_wire::Tier;
use std::fmt;
use std::sync::Arc;
use tokio::runtime::Builder;
#[cfg(tokio_unstable)]
use tokio::runtime::TaskMeta;

/// How the runtimes are seen whose builders we set hooks on: exactly, where tokio was built with its task hooks.
pub(crate) const TIER: Tier = if cfg!(tokio_unstable) { Tier::Exact } else { Tier::Sampled };

type ThreadHook = Arc<dyn Fn() + Send + Sync>;
#[cfg(tokio_unstable)]
type TaskHook = Arc<dyn Fn(&TaskMeta<'_>) + Send + Sync>;

/// The app's own hooks. A builder holds one closure per hook, so ours call them.
#[derive(Clone, Default)]
pub(crate) struct AppHooks {
    pub(crate) thread_start: Option<ThreadHook>,
    pub(crate) thread_stop: Option<ThreadHook>,
    pub(crate) thread_park: Option<ThreadHook>,
    pub(crate) thread_unpark: Option<ThreadHook>,
    #[cfg(tokio_unstable)]
    pub(crate) task_spawn: Option<TaskHook>,
    #[cfg(tokio_unstable)]
    pub(crate) before_poll: Option<TaskHook>,
    #[cfg(tokio_unstable)]
    pub(crate) after_poll: Option<TaskHook>,
    #[cfg(tokio_unstable)]
    pub(crate) task_terminate: Option<TaskHook>,
}

impl fmt::Debug for AppHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppHooks").finish_non_exhaustive()
    }
}

/// Sets the app's hooks, and ours, which run before them, when the runtime is to be watched.
pub(crate) fn set(builder: &mut Builder, probe: Option<u32>, app: AppHooks) {
    let start = app.thread_start;
    match probe {
        Some(probe) if TIER == Tier::Sampled => {
            builder.on_thread_start(joined(move || recorder::enlist_worker(probe), start));
        }
        Some(_) => drop(builder.on_thread_start(joined(recorder::join_pool, start))),
        None => drop(start.map(|hook| builder.on_thread_start(move || hook()))),
    }
    match probe {
        None => set_app_thread_hooks(builder, app.thread_park, app.thread_unpark, app.thread_stop),
        Some(probe) if TIER == Tier::Exact => {
            let park = joined(move || recorder::finish(probe), app.thread_park);
            let unpark = joined(move || recorder::begin_other(probe, None), app.thread_unpark);
            let stop = joined(move || recorder::retire(probe), app.thread_stop);
            builder.on_thread_park(park).on_thread_unpark(unpark).on_thread_stop(stop);
        }
        Some(probe) => {
            let park = joined(move || recorder::rest(probe), app.thread_park);
            let unpark = joined(recorder::rise, app.thread_unpark);
            builder.on_thread_park(park).on_thread_unpark(unpark);
            set_app_thread_hooks(builder, None, None, app.thread_stop);
        }
    }
    #[cfg(tokio_unstable)]
    {
        #[cfg(feature = "schedule-latency")]
        if probe.is_some() {
            builder.track_task_schedule_latency();
        }
        set_before_poll(builder, probe, app.before_poll);
        set_spawn_and_terminate(builder, probe, app.task_spawn, app.task_terminate);
        if let Some(hook) = app.after_poll {
            builder.on_after_task_poll(for_the_app(hook));
        }
    }
}

/// Ours, then the app's.
fn joined(
    ours: impl Fn() + Send + Sync + 'static,
    app: Option<ThreadHook>,
) -> impl Fn() + Send + Sync + 'static {
    move || {
        ours();
        if let Some(app) = &app {
            app();
        }
    }
}

fn set_app_thread_hooks(
    builder: &mut Builder,
    park: Option<ThreadHook>,
    unpark: Option<ThreadHook>,
    stop: Option<ThreadHook>,
) {
    if let Some(hook) = park {
        builder.on_thread_park(move || hook());
    }
    if let Some(hook) = unpark {
        builder.on_thread_unpark(move || hook());
    }
    if let Some(hook) = stop {
        builder.on_thread_stop(move || hook());
    }
}

/// The one hook that every poll pays for: without a hook of the app's it does nothing but record.
#[cfg(tokio_unstable)]
fn set_before_poll(builder: &mut Builder, probe: Option<u32>, app: Option<TaskHook>) {
    match (probe, app) {
        (None, None) => {}
        (None, Some(hook)) => {
            builder.on_before_task_poll(move |meta| hook(meta));
        }
        (Some(probe), None) => {
            builder.on_before_task_poll(move |meta| begin_poll(probe, meta));
        }
        (Some(probe), Some(hook)) => {
            let hook = for_the_app(hook);
            builder.on_before_task_poll(move |meta| {
                begin_poll(probe, meta);
                hook(meta);
            });
        }
    }
}

#[cfg(tokio_unstable)]
#[inline]
fn begin_poll(probe: u32, meta: &TaskMeta<'_>) {
    recorder::begin_poll(probe, meta.id(), meta.spawned_at());
    #[cfg(feature = "schedule-latency")]
    if let Some(waited) = meta.schedule_latency().filter(|_| !LagProbe::is_at(meta.spawned_at())) {
        recorder::scheduled(probe, meta.spawned_at(), waited);
    }
}

/// Both or neither of ours: a task is counted when it comes and when it goes.
#[cfg(tokio_unstable)]
fn set_spawn_and_terminate(
    builder: &mut Builder,
    probe: Option<u32>,
    spawn: Option<TaskHook>,
    terminate: Option<TaskHook>,
) {
    if let Some(probe) = probe {
        builder.on_task_spawn(move |meta| {
            if LagProbe::is_at(meta.spawned_at()) {
                return observe::hooked();
            }
            observe::spawned(meta.id(), meta.spawned_at());
            recorder::spawned(probe, meta.id(), meta.spawned_at());
            if let Some(app) = &spawn {
                app(meta);
            }
        });
        builder.on_task_terminate(move |meta| {
            let own = LagProbe::is_at(meta.spawned_at());
            recorder::end_job(probe, meta.id(), own);
            if own {
                return;
            }
            observe::ended(meta.id());
            recorder::ended(meta.id(), meta.spawned_at());
            panics::ended(recorder::task_bits(meta.id()), meta.spawned_at());
            if let Some(app) = &terminate {
                app(meta);
            }
        });
        return;
    }
    if let Some(hook) = spawn {
        builder.on_task_spawn(for_the_app(hook));
    }
    if let Some(hook) = terminate {
        builder.on_task_terminate(for_the_app(hook));
    }
}

/// The app's hook, which is not told of our own tasks.
#[cfg(tokio_unstable)]
fn for_the_app(hook: TaskHook) -> impl Fn(&TaskMeta<'_>) + Send + Sync {
    move |meta| {
        if !LagProbe::is_at(meta.spawned_at()) {
            hook(meta);
        }
    }
}
