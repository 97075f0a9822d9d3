use stallscope_wire::{Coverage, Gap};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::Location;

/// What [`observe`](super::observe) saw of a scope.
#[derive(Debug)]
#[must_use = "what was seen is to be looked at: call one of its assertions"]
#[non_exhaustive]
pub struct Observed<T> {
    /// What the future was ready with.
    pub output: T,
    alive: Vec<AliveTasks>,
    coverage: Coverage,
}

/// Tasks of one spawn location that live when their scope ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AliveTasks {
    /// Where they were spawned, `file:line:column`.
    pub spawned_at: String,
    /// How many.
    pub count: usize,
}

impl<T> Observed<T> {
    pub(super) fn new(output: T, alive: &[&'static Location<'static>], hooked: bool) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        alive.iter().for_each(|location| *counts.entry(location.to_string()).or_default() += 1);
        let alive = counts.into_iter().map(|(spawned_at, count)| AliveTasks { spawned_at, count });
        let mut coverage = Coverage::whole();
        if !hooked {
            coverage.add(Gap::new(
                "tasks that were not spawned by Stallscope's own functions: the scope's runtime does not tell of its tasks",
                if cfg!(tokio_unstable) {
                    "give the runtime's builder to stallscope::install right before it is built"
                } else {
                    "build with --cfg tokio_unstable, and give the runtime's builder to stallscope::install"
                },
            ));
        }
        Self { output, alive: alive.collect(), coverage }
    }

    /// The tasks that were spawned in the scope and lived on, by spawn location.
    #[must_use]
    pub fn tasks_alive(&self) -> &[AliveTasks] {
        &self.alive
    }

    /// What could not be seen of the scope.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// What the future was ready with.
    #[must_use]
    pub fn into_output(self) -> T {
        self.output
    }

    /// Asserts that all tasks which were spawned in the scope have ended.
    ///
    /// # Panics
    /// When some live, with their spawn locations; and where not all tasks are seen, since none can be ruled out there.
    #[track_caller]
    pub fn assert_no_leaked_tasks(&self) -> &Self {
        assert!(self.alive.is_empty(), "{}", self.leaked());
        if let Some(gap) = self.coverage.missing.first() {
            panic!("no leaked task was seen, but not seen are {}; cure: {}", gap.what, gap.cure);
        }
        self
    }

    /// One line for each spawn location.
    fn leaked(&self) -> String {
        let count: usize = self.alive.iter().map(|tasks| tasks.count).sum();
        let (tasks, live) = if count == 1 { ("task", "lives on") } else { ("tasks", "live on") };
        let mut text = format!("{count} {tasks} of the scope {live} after its end:");
        for AliveTasks { spawned_at, count } in &self.alive {
            let _ = write!(text, "\n  {count} spawned at {spawned_at}");
        }
        text + "\nawait what they do or abort them before the scope ends (a JoinSet does so when it is dropped)"
    }
}
