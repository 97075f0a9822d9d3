//! The hooks that the app would set itself.

use super::Config;
#[cfg(tokio_unstable)]
use tokio::runtime::TaskMeta;

impl Config {
    /// The app's own `Builder::on_thread_start`. A builder holds one closure per hook, and Stallscope sets them: one
    /// that the app sets itself, before or after, is lost or replaces ours. Given here, both run.
    #[must_use]
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.thread_start = Some(std::sync::Arc::new(hook));
        self
    }

    /// The app's own `Builder::on_thread_stop`; see [`Config::on_thread_start`].
    #[must_use]
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.thread_stop = Some(std::sync::Arc::new(hook));
        self
    }

    /// The app's own `Builder::on_thread_park`; see [`Config::on_thread_start`].
    #[must_use]
    pub fn on_thread_park(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.thread_park = Some(std::sync::Arc::new(hook));
        self
    }

    /// The app's own `Builder::on_thread_unpark`; see [`Config::on_thread_start`].
    #[must_use]
    pub fn on_thread_unpark(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.thread_unpark = Some(std::sync::Arc::new(hook));
        self
    }

    /// The app's own `Builder::on_task_spawn`; see [`Config::on_thread_start`]. It is not called for Stallscope's own tasks.
    #[cfg(tokio_unstable)]
    #[must_use]
    pub fn on_task_spawn(mut self, hook: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.task_spawn = Some(std::sync::Arc::new(hook));
        self
    }

    /// The app's own `Builder::on_before_task_poll`; see [`Config::on_task_spawn`].
    #[cfg(tokio_unstable)]
    #[must_use]
    pub fn on_before_task_poll(mut self, hook: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.before_poll = Some(std::sync::Arc::new(hook));
        self
    }

    /// The app's own `Builder::on_after_task_poll`; see [`Config::on_task_spawn`].
    #[cfg(tokio_unstable)]
    #[must_use]
    pub fn on_after_task_poll(mut self, hook: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.after_poll = Some(std::sync::Arc::new(hook));
        self
    }

    /// The app's own `Builder::on_task_terminate`; see [`Config::on_task_spawn`].
    #[cfg(tokio_unstable)]
    #[must_use]
    pub fn on_task_terminate(mut self, hook: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.task_terminate = Some(std::sync::Arc::new(hook));
        self
    }
}
