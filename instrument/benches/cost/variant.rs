//! What is compared: a runtime that is not watched, and the ways to watch one.

use stallscope_instrument::{Config, Guard, Mode, set_mode};
use tokio::runtime::{Builder, Runtime};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    Plain,
    /// tokio calls a hook at each spawn, before and after each poll and at each end, and it does nothing.
    EmptyHooks,
    Full,
    Lean,
    /// The hooks are set, and do nothing.
    Off,
}

impl Variant {
    /// The first is what the others are compared with.
    pub(crate) const ALL: [Self; 5] = [Self::Plain, Self::EmptyHooks, Self::Full, Self::Lean, Self::Off];
    /// Those in which somebody may run a program.
    pub(crate) const USED: [Self; 3] = [Self::Plain, Self::Full, Self::Lean];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::EmptyHooks => "empty-hooks",
            Self::Full => "full",
            Self::Lean => "lean",
            Self::Off => "off",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|variant| variant.name() == name).unwrap_or_else(|| panic!("there is no variant {name}"))
    }

    /// None when it is not watched.
    fn mode(self) -> Option<Mode> {
        match self {
            Self::Plain | Self::EmptyHooks => None,
            Self::Full => Some(Mode::Full),
            Self::Lean => Some(Mode::Lean),
            Self::Off => Some(Mode::Off),
        }
    }

    pub(crate) fn is_watched(self) -> bool {
        self.mode().is_some()
    }

    /// Builds a runtime, watched with `settings` if it is watched.
    pub(crate) fn build(self, mut builder: Builder, settings: Config) -> (Runtime, Option<Guard>) {
        if self == Self::EmptyHooks {
            builder
                .on_task_spawn(|_| {})
                .on_before_task_poll(|_| {})
                .on_after_task_poll(|_| {})
                .on_task_terminate(|_| {});
        }
        let guard = self.mode().map(|mode| {
            let guard = settings.install(&mut builder).expect("it installs");
            set_mode(mode);
            guard
        });
        (builder.build().expect("the runtime is built"), guard)
    }
}

/// A kind of runtime.
pub(crate) struct Flavor {
    pub(crate) name: &'static str,
    pub(crate) builder: fn() -> Builder,
}

pub(crate) const FLAVORS: [Flavor; 2] = [
    Flavor { name: "current_thread", builder: Builder::new_current_thread },
    Flavor { name: "multi_thread, 2 workers", builder: two_workers },
];

pub(crate) fn two_workers() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    builder
}
