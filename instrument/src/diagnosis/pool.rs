//! What fills a blocking pool: the stacks of its threads, by the line that they are at.

use super::culprit;
use super::origin::{Origins, tokio_module};
use super::owner::Owned;
use super::symbols::Symbols;
use crate::watchdog::PoolReport;
use stallscope_wire::{Frame, PoolSite, PoolWait, Stack};
use std::collections::HashMap;

/// Sites that are told of.
const SITES: usize = 8;

/// What was found of the waits that go on, by their ids.
#[derive(Debug, Default)]
pub(super) struct PoolWaits(HashMap<u64, Vec<PoolSite>>);

impl PoolWaits {
    /// The line to tell of a wait: with what its pool's threads are at, or were when they were looked at last.
    pub(super) fn line(
        &mut self,
        report: PoolReport,
        symbols: &mut Symbols,
        origins: &mut Origins,
    ) -> PoolWait {
        let mut wait = report.wait;
        let named = report.stacks.iter().map(|raw| symbols.name(raw, origins));
        let found = sites(named.collect(), origins);
        let before = self.0.remove(&wait.id).unwrap_or_default();
        wait.sites = if found.is_empty() { before } else { found };
        if wait.ongoing {
            self.0.insert(wait.id, wait.sites.clone());
        }
        wait
    }
}

/// Stacks by culprit, most threads first.
fn sites(stacks: Vec<Stack>, origins: &Origins) -> Vec<PoolSite> {
    let mut sites: Vec<PoolSite> = Vec::new();
    for mut stack in stacks.into_iter().filter(has_job) {
        // What calls the job is no task's poll to look for an owner of.
        culprit::cut_and_find(&mut stack, origins, Owned::Nobody);
        match sites.iter_mut().find(|site| is_same(&site.stack, &stack)) {
            Some(site) => site.threads += 1,
            None => sites.push(PoolSite { threads: 1, stack }),
        }
    }
    sites.sort_by_key(|site| std::cmp::Reverse(site.threads));
    sites.truncate(SITES);
    sites.iter_mut().for_each(|site| origins.show(&mut site.stack));
    sites
}

/// Whether the thread runs a job: not where it waits in the pool for one, or runs a worker, as it may during a
/// `block_in_place`. A stack without names is taken for a job's: when the pool is full there are few other threads.
fn has_job(stack: &Stack) -> bool {
    let modules = |frame: &Frame| {
        tokio_module(frame.function.as_deref(), frame.file.as_deref()).map(std::borrow::Cow::into_owned)
    };
    let within = |paths: &[&str]| {
        let is_below = |module: &String| {
            paths.iter().any(|path| {
                module.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        stack.frames.iter().filter_map(modules).any(|module| is_below(&module))
    };
    let in_pool = within(&["runtime/blocking/pool", "runtime/blocking/sharded"]);
    let in_job = within(&["runtime/blocking/task", "runtime/task"]);
    (in_job || !in_pool) && !within(&["runtime/scheduler"]) && !stack.frames.is_empty()
}

/// Whether two stacks accuse the same place.
fn is_same(a: &Stack, b: &Stack) -> bool {
    let culprit = |stack: &Stack| stack.culprit_frame().or(stack.frames.first()).map(place);
    culprit(a) == culprit(b)
}

/// A generic function has a name for each of its instances: where a line is known, it alone tells.
fn place(frame: &Frame) -> (Option<String>, Option<u32>, Option<String>, u64) {
    match (&frame.file, frame.line, &frame.function) {
        (Some(file), Some(line), _) => (Some(file.clone()), Some(line), None, 0),
        (file, line, Some(function)) => (file.clone(), line, Some(function.clone()), 0),
        (file, line, None) => (file.clone(), line, None, frame.offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::App;

    /// Innermost first; `app::f:7` has a line in the app's file.
    fn stack(frames: &[&str]) -> Stack {
        let frame = |text: &&str| {
            let (function, line) = match text.rsplit_once(':') {
                Some((function, line)) if line.parse::<u32>().is_ok() => (function, line.parse().ok()),
                _ => (*text, None),
            };
            let file = line.map(|_| "src/app.rs".to_owned());
            Frame { function: Some(function.to_owned()), file, line, ..Frame::default() }
        };
        Stack { frames: frames.iter().map(frame).collect(), ..Stack::default() }
    }

    fn found(stacks: &[&[&str]]) -> Vec<(u64, Option<u32>)> {
        let origins = Origins::new(App { crate_name: Some("app"), source_root: None });
        let sites = sites(stacks.iter().map(|frames| stack(frames)).collect(), &origins);
        sites
            .iter()
            .map(|site| (site.threads, site.stack.culprit_frame().and_then(|frame| frame.line)))
            .collect()
    }

    const JOB: [&str; 3] =
        ["tokio::runtime::task::raw::poll", "tokio::runtime::blocking::pool::Inner::run", "std::thread::run"];

    #[test]
    fn stacks_are_counted_by_the_line_of_the_app_and_most_threads_come_first() {
        let at = |inner: &'static [&'static str]| [inner, &JOB[..]].concat();
        let (rare, often) =
            (at(&["libc::fsync", "app::save:7"]), at(&["libc::nanosleep", "app::wait::<u8>:3"]));
        let other = at(&["libc::read", "app::wait::<u16>:3"]);
        assert_eq!(found(&[&rare, &often, &other]), [(2, Some(3)), (1, Some(7))]);
    }

    #[test]
    fn a_thread_without_a_job_fills_nothing() {
        let idle =
            ["syscall", "std::sync::Condvar::wait_timeout", "tokio::runtime::blocking::pool::Inner::run"];
        let sharded = ["syscall", "tokio::runtime::blocking::sharded::ShardedImpl::run_worker", JOB[1]];
        let worker =
            ["app::poll:9", JOB[0], "tokio::runtime::scheduler::multi_thread::worker::run", JOB[0], JOB[1]];
        assert_eq!(found(&[&idle, &sharded, &worker, &[]]), []);
    }

    #[test]
    fn a_stack_without_names_is_a_jobs() {
        let frame = |offset| Frame { offset, ..Frame::default() };
        let nameless = |offset| Stack { frames: vec![frame(offset), frame(1)], ..Stack::default() };
        let origins = Origins::new(App { crate_name: None, source_root: None });
        let sites = sites(vec![nameless(4), nameless(5), nameless(4)], &origins);
        assert_eq!(sites.iter().map(|site| site.threads).collect::<Vec<_>>(), [2, 1]);
    }
}
