//! The hooks on a runtime's builder, ours and the app's.

#[cfg(tokio_unstable)]
use super::LagProbe;
use crate::recorder;
use std::fmt;
use std::sync::Arc;
use tokio::runtime::Builder;
#[cfg(tokio_unstable)]
use tokio::runtime::TaskMeta;

/// Whether tokio was built with its task hooks.
pub(crate) const AVAILABLE: bool = cfg!(tokio_unstable);

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

/// Sets our hooks, which call the app's.
pub(crate) fn set(builder: &mut Builder, probe: u32, app: AppHooks) {
    if let Some(hook) = app.thread_start {
        builder.on_thread_start(move || hook());
    }
    // Before the app's own: what it does while parking is not the task's.
    match app.thread_park {
        None => builder.on_thread_park(move || recorder::finish(probe)),
        Some(hook) => builder.on_thread_park(move || {
            recorder::finish(probe);
            hook();
        }),
    };
    match app.thread_unpark {
        None => builder.on_thread_unpark(move || recorder::begin_other(probe, None)),
        Some(hook) => builder.on_thread_unpark(move || {
            recorder::begin_other(probe, None);
            hook();
        }),
    };
    match app.thread_stop {
        None => builder.on_thread_stop(move || recorder::retire(probe)),
        Some(hook) => builder.on_thread_stop(move || {
            recorder::retire(probe);
            hook();
        }),
    };
    #[cfg(tokio_unstable)]
    set_task_hooks(builder, probe, app.task_spawn, app.before_poll, app.after_poll, app.task_terminate);
}

#[cfg(tokio_unstable)]
fn set_task_hooks(
    builder: &mut Builder,
    probe: u32,
    spawn: Option<TaskHook>,
    before_poll: Option<TaskHook>,
    after_poll: Option<TaskHook>,
    terminate: Option<TaskHook>,
) {
    match before_poll {
        None => {
            builder.on_before_task_poll(move |meta| recorder::begin_poll(probe, meta.id(), meta.spawned_at()))
        }
        Some(hook) => {
            let hook = for_the_app(hook);
            builder.on_before_task_poll(move |meta| {
                recorder::begin_poll(probe, meta.id(), meta.spawned_at());
                hook(meta);
            })
        }
    };
    if let Some(hook) = spawn {
        builder.on_task_spawn(for_the_app(hook));
    }
    if let Some(hook) = after_poll {
        builder.on_after_task_poll(for_the_app(hook));
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
