use crate::{Serving, counted};
use serde::{Deserialize, Serialize};

/// A poll that is, or was, longer than the threshold. Lines with the same `id` tell of the same poll; the last one holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stall {
    /// Unique in the process.
    pub id: u64,
    /// When this was written, in nanoseconds since the start.
    pub at_ns: u64,
    /// Where in its life.
    pub phase: Phase,
    /// When the poll began, in nanoseconds since the start.
    pub started_ns: u64,
    /// How long it has lasted; at the end, its length, in nanoseconds.
    pub duration_ns: u64,
    /// The part of `duration_ns` that the code answers for: without the time the host did not run it.
    pub attributable_ns: u64,
    /// The thread that is blocked.
    pub thread: Thread,
    /// Whose poll it is, by the captured stack.
    pub owner: Owner,
    /// The task, where a task it is.
    pub task: Option<Task>,
    /// Whether it is known to be one poll.
    pub certainty: Certainty,
    /// The names of its stack are still looked for. They may show that the thread waits for work, and that this is none; the line
    /// that comes with them settles it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// Why.
    pub cause: Cause,
    /// Name of the system call, for the cause `syscall` and `lock`.
    pub syscall: Option<String>,
    /// What kind of lock, for the cause `lock`: `mutex`, `rwlock`, `condvar`, `channel`, `join`, `park`, `barrier`, `once`.
    pub lock: Option<String>,
    /// What the cause was judged by.
    pub evidence: Evidence,
    /// Where the thread was when it was last seen at the cause; none where that is what was told last.
    pub stack: Option<Stack>,
    /// The request that the poll belongs to, where the tower layer knows it.
    pub serving: Option<Serving>,
    /// What it cost others so far.
    pub victims: Victims,
    /// What of it the code allows itself; none where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowed>,
}

/// The part of a stall that the code allows itself, by `stallscope::allow`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Allowed {
    /// For how long the thread was under it, in nanoseconds.
    pub ns: u64,
    /// It still is.
    pub ongoing: bool,
    /// Why, as the code says; of several, that which most of the time is due to.
    pub reason: String,
    /// Where the code says so, `file:line:column`.
    pub at: String,
}

impl Stall {
    /// Whether it is a stall, of what takes so many nanoseconds, only by what the code allows itself.
    #[must_use]
    pub fn is_allowed(&self, threshold_ns: u64) -> bool {
        let with_it = |allowed: &Allowed| self.attributable_ns.saturating_add(allowed.ns) >= threshold_ns;
        self.attributable_ns < threshold_ns && self.allowed.as_ref().is_some_and(with_it)
    }

    /// Whether it is only probable that it was one poll, or a stall at all, since its names were never found.
    #[must_use]
    pub fn is_probable(&self) -> bool {
        self.certainty == Certainty::Probable || self.draft
    }

    /// Whether nothing was seen of what the thread was at, neither a stack nor a call, and for a part of that time it was the
    /// machine that kept the thread, or the watchdog, from running. Of one that goes on more may be seen yet.
    #[must_use]
    pub fn lacks_evidence(&self) -> bool {
        let not_run_ns = self.evidence.run_queue_ns.max(self.evidence.watchdog_gap_ns);
        self.cause == Cause::Unknown && self.stack.is_none() && not_run_ns >= (self.duration_ns / 10).max(1)
    }

    /// How long it lasted without what the code allows itself, in nanoseconds.
    #[must_use]
    pub fn outside_ns(&self) -> u64 {
        self.duration_ns.saturating_sub(self.allowed.as_ref().map_or(0, |allowed| allowed.ns))
    }
}

/// Where a stall is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// It has just passed the threshold and goes on.
    #[default]
    Begin,
    /// It has passed 2, 4, 8, … times the threshold and goes on.
    Progress,
    /// It is over.
    End,
    /// It was none after all: the names in its stack, which came later, show that the thread may block there.
    Dismissed,
}

/// How sure it is that a stall is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Certainty {
    /// The thread was at one thing all the time.
    #[default]
    Exact,
    /// Its samples agree; several shorter polls of the same code may look so too.
    Probable,
}

/// A thread of the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thread {
    /// tokio's id of the runtime it works for.
    pub runtime: u64,
    /// Index among the runtime's workers; absent for a thread that only runs a root future.
    pub worker: Option<u32>,
    /// Its name.
    pub name: String,
    /// Kernel thread id.
    pub tid: i32,
}

/// Whose code a thread runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Owner {
    /// A spawned task.
    Task,
    /// The future given to `block_on`.
    Root,
    /// A task of a `LocalSet`.
    Local,
    /// The runtime itself.
    Runtime,
    /// No stack tells.
    #[default]
    Unknown,
}

/// A tokio task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// tokio's id.
    pub id: u64,
    /// Where it was spawned, `file:line:column`.
    pub spawned_at: String,
}

/// Why a poll is long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Cause {
    /// It computes.
    Cpu,
    /// It is in a system call: it waits there, or has the kernel compute.
    Syscall,
    /// It waits for another thread.
    Lock,
    /// The machine did not run it.
    Host,
    /// It could not be told.
    #[default]
    Unknown,
}

/// What a cause was judged by: where the thread's time went during the part of the poll that was watched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Length of that part, in nanoseconds.
    pub window_ns: u64,
    /// On a processor, in nanoseconds.
    pub cpu_ns: u64,
    /// The part of `cpu_ns` in the kernel, for a call or for a page of memory, in nanoseconds. Coarse: the kernel shares out a
    /// thread's processor time by where its timer found it, and tells it in ticks of 10 ms. 0 where it does not.
    pub system_ns: u64,
    /// Ready to run and not run, in nanoseconds.
    pub run_queue_ns: u64,
    /// Neither: waiting in the kernel, in nanoseconds.
    pub blocked_ns: u64,
    /// The part of `blocked_ns` in which it surely slept: it did at two looks, and had not run in between. In nanoseconds.
    pub asleep_ns: u64,
    /// The longest time for which the watchdog itself, though due, was neither run nor ready to, in nanoseconds.
    pub watchdog_gap_ns: u64,
    /// What the hypervisor took from that processor of the machine from which it took most, in nanoseconds.
    pub steal_ns: u64,
    /// For how long the quota of the process's control group kept it from running, in nanoseconds.
    pub throttled_ns: u64,
}

/// What a stall costs others: the tasks in the queues behind it, and what nobody reads from the sockets meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Victims {
    /// The most tasks that were ready and waited behind it at one time.
    pub tasks: u64,
    /// The most sockets with something that had come since and that no thread was free to take, at one time: a
    /// connection with data, or one that waits to be accepted. Absent where they cannot be counted.
    pub sockets: Option<u64>,
    /// The waiting times of both added up, in nanoseconds.
    pub delay_ns: u64,
    /// The routes whose requests were in flight behind it, most first, as far as the tower layer knows them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteVictims>,
}

/// Requests of one route that could not get on while a thread was blocked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteVictims {
    /// Method and route template: `GET /users/{id}`.
    pub route: String,
    /// How many.
    pub requests: u64,
}

impl Victims {
    /// Who waits, for people: `14 tasks and 3 connections`; none when nobody does.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        let some = |count: u64, noun: &str| (count > 0).then(|| counted(count, noun));
        match (some(self.tasks, "task"), some(self.sockets.unwrap_or(0), "connection")) {
            (Some(tasks), Some(connections)) => Some(format!("{tasks} and {connections}")),
            (tasks, connections) => tasks.or(connections),
        }
    }

    /// Whose requests wait, for people: `GET / ×14, GET /users/{id} ×3`; none when none is known.
    #[must_use]
    pub fn routes_in_words(&self) -> Option<String> {
        let words: Vec<_> =
            self.routes.iter().map(|victims| format!("{} ×{}", victims.route, victims.requests)).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// How many wait.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.tasks.saturating_add(self.sockets.unwrap_or(0))
    }
}

/// A captured stack, innermost frame first, the runtime's own outer frames cut away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stack {
    /// How far it can be believed.
    pub quality: Quality,
    /// Index into `frames` of the culprit: the innermost frame of the user's own code.
    pub culprit: Option<u32>,
    /// The frames; an inlined function has one of its own, before the function it was inlined into.
    pub frames: Vec<Frame>,
    /// The files that the frames lie in.
    pub modules: Vec<Module>,
    /// The thread was, or may have been, under what the code allows itself: another part of the stall is to be blamed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allowed: bool,
    /// The folder that relative source paths start from, where the header does not say: the one that the compiler was run in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_root: Option<String>,
}

impl Stack {
    /// The innermost frame of the user's own code.
    #[must_use]
    pub fn culprit_frame(&self) -> Option<&Frame> {
        self.frames.get(self.culprit? as usize)
    }

    /// Whether it tells less of a stall than another one: by what is not allowed, then by the culprit, then by whether it is
    /// exact. The last capture may have caught the poll on its way out, or with more stack than is copied.
    #[must_use]
    pub fn tells_less_than(&self, other: &Self) -> bool {
        let tells = |stack: &Self| (!stack.allowed, stack.culprit.is_some(), stack.quality == Quality::Exact);
        tells(self) < tells(other)
    }

    /// Of two stacks of one stall the one to show: the later, unless it tells less.
    #[must_use]
    pub fn more_telling(earlier: Option<Self>, later: Option<Self>) -> Option<Self> {
        match (earlier, later) {
            (Some(earlier), Some(later)) if later.tells_less_than(&earlier) => Some(earlier),
            (earlier, later) => later.or(earlier),
        }
    }

    /// Whether none of its frames has a name.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.frames.iter().all(|frame| frame.function.is_none() && frame.file.is_none())
    }
}

/// How far a stack can be believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Quality {
    /// Unwound from the thread's registers, or checked call by call.
    Exact,
    /// A frame had to be guessed.
    #[default]
    Uncertain,
    /// Exact as far as it goes; the outer part was not captured.
    Truncated,
}

/// One function of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// Index into the stack's modules.
    pub module: Option<u32>,
    /// Offset of the instruction in the module's file address space.
    pub offset: u64,
    /// Demangled name, where symbols are known.
    pub function: Option<String>,
    /// Source file, relative to the header's or the stack's `source_root` when it lies below it.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// The crate that the function belongs to, where it is known.
    #[serde(rename = "crate")]
    pub krate: Option<String>,
    /// The user's own code: not the standard library, tokio, or a dependency from a registry.
    pub user: bool,
}

/// A file mapped into the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Module {
    /// Its path.
    pub path: String,
    /// Its GNU build id in lower-case hexadecimal digits, where it has one.
    pub build_id: Option<String>,
}
