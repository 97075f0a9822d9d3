//! Why a poll is long.

use crate::capture::Activity;
use stallscope_wire::{Cause, Evidence, Frame};

/// By how much the kernel may say too much of the time that a thread computed in it: it counts in whole ticks.
const TICK_NS: u64 = 10_000_000;

/// A cause and its names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) cause: Cause,
    pub(super) syscall: Option<String>,
    pub(super) lock: Option<&'static str>,
}

/// The part of a stall that the code answers for: without the runtime's grace, and without the time in which the host
/// did not run the thread, which was `running` when it was looked at last.
pub(super) fn attributable_ns(duration_ns: u64, excused_ns: u64, evidence: &Evidence, running: bool) -> u64 {
    (duration_ns - excused_ns.min(duration_ns)).saturating_sub(host_ns(duration_ns, evidence, running))
}

/// The host's part of a time: never any of that in which the thread was on a processor, or surely slept.
///
/// What the hypervisor stole from a running thread the kernel counts neither as its processor time nor as a wait for one,
/// and a wait that a quota causes is booked when it is over: both look like waiting in the kernel. So they count as far as
/// there is such time, and only if the thread was seen running or ready to: one that waits in a call is kept from nothing,
/// however long the processors it does not ask for are taken away.
fn host_ns(duration_ns: u64, evidence: &Evidence, running: bool) -> u64 {
    let not_its_own = duration_ns.saturating_sub(evidence.cpu_ns).saturating_sub(evidence.asleep_ns);
    let nowhere = evidence.blocked_ns.saturating_sub(evidence.asleep_ns);
    let taken = evidence.steal_ns.saturating_add(evidence.throttled_ns).min(nowhere);
    let not_run = evidence.run_queue_ns + if running { taken } else { 0 };
    not_run.max(evidence.watchdog_gap_ns).min(not_its_own)
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) evidence: &'a Evidence,
    /// See [`attributable_ns`].
    pub(super) attributable_ns: u64,
    pub(super) threshold_ns: u64,
    /// The call that the thread was last seen in.
    pub(super) call: Option<&'a Judged>,
    /// It was in a call, or at one, in half of the looks at least.
    pub(super) at_call: bool,
    /// It goes on, and was in that call, or at one, whenever it was looked at: what came before is not known.
    pub(super) still_at_call: bool,
    /// It was on a processor, or ready for one, when it was looked at last.
    pub(super) running: bool,
    /// The poll is over, and with it every wait for a processor is booked.
    pub(super) settled: bool,
    /// It came and went, for so long that it was surely the machine that kept the watchdog, which looks far more often, from
    /// looking.
    pub(super) unseen: bool,
}

/// Judges by where the time went, and by what the thread was seen doing. The host is the cause only of what the code
/// alone would not have made a stall.
pub(super) fn judge(case: Case<'_>) -> Judged {
    let of = |cause| Judged { cause, ..Judged::default() };
    let Case { evidence, call, .. } = case;
    if case.unseen && evidence.cpu_ns < evidence.window_ns.div_ceil(10).max(1) {
        // What it waited for may have been another thread that was not run: all that is known is that the machine was busy.
        return of(Cause::Host);
    }
    if evidence.window_ns == 0 {
        // All that is known is that the watchdog was not run either, for so long that the rest is no stall.
        let paused = evidence.watchdog_gap_ns > 0 && case.attributable_ns < case.threshold_ns;
        return if paused { of(Cause::Host) } else { call.cloned().unwrap_or_default() };
    }
    let host = host_ns(evidence.window_ns, evidence, case.running);
    let blocked = evidence.window_ns.saturating_sub(evidence.cpu_ns + host);
    if host >= evidence.cpu_ns.max(blocked) && case.attributable_ns < case.threshold_ns {
        return of(Cause::Host);
    }
    // What a call computes in the kernel is the call's: not what is computed there for code that has left it, and for one that
    // waits for a lock nothing is.
    let called = |call: &&Judged| {
        if case.still_at_call {
            return true;
        }
        let calls = case.at_call && call.cause == Cause::Syscall;
        let system_ns = if calls { evidence.system_ns.saturating_sub(TICK_NS) } else { 0 };
        evidence.cpu_ns.saturating_sub(system_ns) < blocked + system_ns
    };
    match call.filter(called) {
        Some(call) => call.clone(),
        None if evidence.cpu_ns >= blocked => of(Cause::Cpu),
        // Ready and not run for the rest of the time: the kernel books that wait only when it is over.
        None if case.running && evidence.cpu_ns >= case.threshold_ns => of(Cause::Cpu),
        None if case.running && !case.settled && evidence.cpu_ns < evidence.window_ns / 10 => of(Cause::Host),
        None => of(Cause::Unknown),
    }
}

/// The call that a thread was seen in.
pub(super) fn call(activity: Activity, frames: &[Frame], culprit: Option<u32>) -> Option<Judged> {
    let (cause, name) = match activity {
        Activity::Running | Activity::Unknown => return None,
        Activity::PageFault => (Cause::Syscall, "page fault".to_owned()),
        Activity::Syscall(call) if call.name == Some("futex") => (Cause::Lock, "futex".to_owned()),
        Activity::Syscall(call) => {
            (Cause::Syscall, call.name.map_or_else(|| format!("system call {}", call.number), str::to_owned))
        }
    };
    let lock = (cause == Cause::Lock).then(|| lock(frames, culprit).unwrap_or("futex"));
    Some(Judged { cause, syscall: Some(name), lock })
}

/// What kind of lock the frames inside of the culprit wait in. The outermost that is recognized tells: a barrier waits in
/// a condvar, and a channel in a parked thread.
pub(super) fn lock(frames: &[Frame], culprit: Option<u32>) -> Option<&'static str> {
    const KINDS: [(&str, &str); 22] = [
        ("sync/mpmc", "channel"),
        ("sync/mpsc", "channel"),
        ("crossbeam_channel", "channel"),
        ("crossbeam-channel", "channel"),
        ("flume", "channel"),
        ("sync/barrier", "barrier"),
        ("sync/poison/condvar", "condvar"),
        ("sync/condvar", "condvar"),
        ("sync/poison/mutex", "mutex"),
        ("sync/mutex", "mutex"),
        ("sync/poison/rwlock", "rwlock"),
        ("sync/rwlock", "rwlock"),
        ("sync/once", "once"),
        ("sync/poison/once", "once"),
        ("raw_mutex", "mutex"),
        ("raw_rwlock", "rwlock"),
        ("join_handle", "join"),
        ("JoinHandle", "join"),
        ("pthread_join", "join"),
        ("pthread_cond", "condvar"),
        ("pthread_mutex", "mutex"),
        ("pthread_rwlock", "rwlock"),
    ];
    let inner = &frames[..culprit.map_or(frames.len(), |at| at as usize).min(frames.len())];
    let kind = |frame: &Frame| {
        let function = frame.function.as_deref().unwrap_or("").replace("::", "/").to_ascii_lowercase();
        let file = frame.file.as_deref().unwrap_or("");
        let named = |mark: &str| function.contains(&mark.to_ascii_lowercase()) || file.contains(mark);
        let known = KINDS.iter().find(|(mark, _)| named(mark)).map(|&(_, kind)| kind);
        known.or_else(|| (named("thread/park") || function.ends_with("park")).then_some("park"))
    };
    inner.iter().rev().find_map(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Syscall;

    const MS: u64 = 1_000_000;

    fn evidence(window: u64, cpu: u64, queue: u64) -> Evidence {
        let blocked_ns = (window - cpu - queue) * MS;
        Evidence {
            window_ns: window * MS,
            cpu_ns: cpu * MS,
            run_queue_ns: queue * MS,
            blocked_ns,
            ..Evidence::default()
        }
    }

    fn in_call(name: &'static str) -> Option<Judged> {
        call(Activity::Syscall(Syscall { number: 1, name: Some(name) }), &[], None)
    }

    fn cause(call: Option<&Judged>, evidence: &Evidence) -> Cause {
        let running = call.is_none();
        let attributable_ns = attributable_ns(evidence.window_ns, 0, evidence, running);
        judge(Case {
            evidence,
            attributable_ns,
            threshold_ns: 50 * MS,
            call,
            at_call: call.is_some(),
            still_at_call: false,
            running,
            settled: false,
            unseen: false,
        })
        .cause
    }

    #[test]
    fn the_largest_share_of_the_time_is_the_cause() {
        assert_eq!(cause(None, &evidence(100, 95, 0)), Cause::Cpu);
        assert_eq!(cause(None, &evidence(100, 10, 85)), Cause::Host);
        assert_eq!(cause(in_call("read").as_ref(), &evidence(100, 5, 0)), Cause::Syscall);
        assert_eq!(cause(in_call("futex").as_ref(), &evidence(100, 5, 0)), Cause::Lock);
        assert_eq!(
            cause(in_call("read").as_ref(), &evidence(100, 90, 0)),
            Cause::Cpu,
            "a short call among much computing"
        );
    }

    #[test]
    fn what_a_call_computes_is_the_calls() {
        let copying = Evidence { system_ns: 70 * MS, ..evidence(100, 90, 0) };
        assert_eq!(cause(in_call("pwrite64").as_ref(), &copying), Cause::Syscall);
        assert_eq!(cause(in_call("futex").as_ref(), &copying), Cause::Cpu);
        assert_eq!(cause(None, &copying), Cause::Cpu, "and nobody knows which one");
        let hashing = Evidence { system_ns: 30 * MS, ..evidence(100, 90, 0) };
        assert_eq!(cause(in_call("pwrite64").as_ref(), &hashing), Cause::Cpu);
        let short = Evidence { system_ns: 10 * MS, ..evidence(20, 15, 0) };
        assert_eq!(cause(in_call("pwrite64").as_ref(), &short), Cause::Cpu, "a tick is no measure of it");
        let read = in_call("read");
        let left = Case {
            evidence: &copying,
            attributable_ns: 100 * MS,
            threshold_ns: 50 * MS,
            call: read.as_ref(),
            at_call: false,
            still_at_call: false,
            running: true,
            settled: false,
            unseen: false,
        };
        assert_eq!(judge(left).cause, Cause::Cpu, "it has read, and touches new memory for longer since");
        assert_eq!(judge(Case { at_call: true, ..left }).cause, Cause::Syscall);
    }

    #[test]
    fn what_goes_on_is_told_as_it_is_seen() {
        let (evidence, sleep) = (evidence(100, 80, 0), in_call("clock_nanosleep"));
        let seen = Case {
            evidence: &evidence,
            attributable_ns: 100 * MS,
            threshold_ns: 50 * MS,
            call: sleep.as_ref(),
            at_call: true,
            still_at_call: true,
            running: false,
            settled: false,
            unseen: false,
        };
        assert_eq!(judge(seen).cause, Cause::Syscall, "it computed before, where nobody looked");
        assert_eq!(judge(Case { still_at_call: false, ..seen }).cause, Cause::Cpu);
    }

    #[test]
    fn a_starved_thread_whose_wait_is_not_booked_yet_is_the_hosts() {
        assert_eq!(cause(None, &evidence(100, 0, 0)), Cause::Host);
    }

    #[test]
    fn a_poll_that_is_over_has_no_wait_that_is_not_booked() {
        let slept = evidence(100, 2, 1);
        let settled = |evidence| {
            let attributable_ns = attributable_ns(100 * MS, 0, evidence, true);
            judge(Case {
                evidence,
                attributable_ns,
                threshold_ns: 50 * MS,
                call: None,
                at_call: false,
                still_at_call: false,
                running: true,
                settled: true,
                unseen: false,
            })
        };
        assert_eq!(
            settled(&slept).cause,
            Cause::Unknown,
            "many short calls, between which it was seen running"
        );
        assert_eq!(settled(&evidence(100, 2, 97)).cause, Cause::Host);
    }

    #[test]
    fn nobody_is_accused_of_what_the_watchdog_was_kept_from_seeing() {
        let unseen = |evidence: &Evidence| {
            let case = Case {
                evidence,
                attributable_ns: 100 * MS,
                threshold_ns: 50 * MS,
                call: None,
                at_call: false,
                still_at_call: false,
                running: true,
                settled: true,
                unseen: true,
            };
            judge(case).cause
        };
        assert_eq!(unseen(&Evidence::default()), Cause::Host);
        assert_eq!(unseen(&evidence(100, 0, 0)), Cause::Host, "it waited, and nobody knows for what");
        assert_eq!(unseen(&evidence(100, 90, 0)), Cause::Cpu, "but the kernel saw it compute");
    }

    #[test]
    fn computing_for_longer_than_the_threshold_is_no_less_guilty_on_a_crowded_machine() {
        assert_eq!(cause(None, &evidence(500, 60, 440)), Cause::Cpu);
        assert_eq!(cause(None, &evidence(500, 60, 80)), Cause::Cpu, "with most of the wait not booked yet");
    }

    #[test]
    fn a_gap_of_the_watchdogs_own_is_the_hosts() {
        let stopped = Evidence { watchdog_gap_ns: 95 * MS, ..evidence(100, 2, 0) };
        assert_eq!(cause(in_call("read").as_ref(), &stopped), Cause::Host);
        let computing = Evidence { watchdog_gap_ns: 95 * MS, ..evidence(100, 98, 0) };
        assert_eq!(cause(None, &computing), Cause::Cpu);
        let unread = Evidence { watchdog_gap_ns: 95 * MS, ..Evidence::default() };
        let paused = Case {
            evidence: &unread,
            attributable_ns: 5 * MS,
            threshold_ns: 50 * MS,
            call: None,
            at_call: false,
            still_at_call: false,
            running: false,
            settled: true,
            unseen: false,
        };
        assert_eq!(judge(paused).cause, Cause::Host);
        assert_eq!(judge(Case { attributable_ns: 60 * MS, ..paused }).cause, Cause::Unknown);
    }

    #[test]
    fn what_the_host_took_is_not_attributed() {
        let left =
            |excused, evidence: &Evidence| attributable_ns(100 * MS, excused * MS, evidence, true) / MS;
        assert_eq!(left(0, &evidence(100, 20, 70)), 30);
        assert_eq!(left(40, &evidence(100, 100, 0)), 60);
        assert_eq!(left(200, &evidence(100, 0, 100)), 0);
    }

    #[test]
    fn what_hypervisor_and_quota_took_counts_for_a_thread_that_was_ready() {
        let stolen = Evidence { steal_ns: 70 * MS, ..evidence(100, 20, 0) };
        assert_eq!(cause(None, &stolen), Cause::Host);
        let throttled = Evidence { throttled_ns: 90 * MS, ..evidence(100, 2, 8) };
        assert_eq!(cause(None, &throttled), Cause::Host);
        assert_eq!(attributable_ns(100 * MS, 0, &throttled, true), 2 * MS);
    }

    #[test]
    fn whoever_computes_or_sleeps_is_not_excused_by_a_quota() {
        let computing = Evidence { steal_ns: 90 * MS, throttled_ns: 90 * MS, ..evidence(100, 80, 5) };
        assert_eq!(cause(None, &computing), Cause::Cpu);
        assert_eq!(attributable_ns(100 * MS, 0, &computing, true), 80 * MS);
        let asleep = Evidence { asleep_ns: 90 * MS, watchdog_gap_ns: 80 * MS, ..evidence(100, 1, 2) };
        assert_eq!(cause(in_call("clock_nanosleep").as_ref(), &asleep), Cause::Syscall, "nor by a gap");
        let sleeping = Evidence { throttled_ns: 95 * MS, ..evidence(100, 1, 2) };
        assert_eq!(cause(in_call("clock_nanosleep").as_ref(), &sleeping), Cause::Syscall);
        assert_eq!(attributable_ns(100 * MS, 0, &sleeping, false), 98 * MS);
    }

    #[test]
    fn the_outermost_lock_inside_the_culprit_tells() {
        let frame = |function: &str| Frame { function: Some(function.into()), ..Frame::default() };
        let frames = [
            frame("std::sys::sync::mutex::futex::Mutex::lock_contended"),
            frame("std::sync::poison::condvar::Condvar::wait"),
            frame("std::sync::barrier::Barrier::wait"),
            frame("app::f"),
            frame("std::sync::mpsc::Receiver::recv"),
        ];
        assert_eq!(lock(&frames, Some(3)), Some("barrier"));
        assert_eq!(lock(&frames[..1], None), Some("mutex"));
        assert_eq!(lock(&[frame("std::thread::park")], None), Some("park"));
        assert_eq!(lock(&[frame("__futex_abstimed_wait"), frame("pthread_join")], None), Some("join"));
        assert_eq!(lock(&[frame("app::f")], None), None);
    }
}
