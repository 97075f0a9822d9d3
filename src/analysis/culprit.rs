use super::StallRecord;
use super::history::Place;
use super::place::short_place;
use serde::{Deserialize, Serialize};
use stallscope_wire::{Header, Owner, Stack};
use std::fmt;

/// The place that a finding accuses. Shown as `file:line` where that is known, else by the next best name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Culprit {
    /// Demangled name of the function.
    pub function: Option<String>,
    /// Source file, relative to the process's source root when it lies below it.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// Path of the module that the code lies in, where no symbols are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Offset of the instruction in that module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Where the blocked task was spawned, `file:line:column`, where the code itself is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawned_at: Option<String>,
    /// Whose poll it was, where nothing else is known: `root`, `local`, `runtime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Of connections that came in: the route that they serve, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Of connections that came in, and of those that nobody accepts: the listener's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// Of connections that go out: the other side's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}

impl Culprit {
    /// Whom a stall accuses: the innermost frame of the user's own code, else the task's spawn location, else the
    /// innermost frame at all.
    #[must_use]
    pub fn of(record: &StallRecord) -> Self {
        let stall = &record.stall;
        if let Some(culprit) = stall.stack.as_ref().and_then(|stack| Self::of_frame(stack, stack.culprit?)) {
            return culprit;
        }
        if let Some(task) = stall.task.as_ref().filter(|task| !task.spawned_at.is_empty()) {
            return Self { spawned_at: Some(task.spawned_at.clone()), ..Self::default() };
        }
        if let Some(culprit) = stall.stack.as_ref().and_then(|stack| Self::of_frame(stack, 0)) {
            return culprit;
        }
        let owner = match stall.owner {
            Owner::Root => "root",
            Owner::Local => "local",
            Owner::Runtime => "runtime",
            _ => return Self::default(),
        };
        Self { owner: Some(owner.to_owned()), ..Self::default() }
    }

    /// The place that a text names: `file:line:column`, as spawn locations are told.
    pub(super) fn at(place: &str) -> Self {
        let (file, line) = match place.rsplitn(3, ':').collect::<Vec<_>>()[..] {
            [_, line, file] => (file, line.parse().ok()),
            _ => (place, None),
        };
        Self { file: Some(file.to_owned()), line, ..Self::default() }
    }

    /// Who serves the connections of a group, or makes them.
    pub(super) fn of_connections(place: &Place) -> Self {
        if place.incoming {
            Self { route: place.route.clone(), ..Self::of_listener(&place.address) }
        } else {
            Self { peer: Some(place.address.clone()), ..Self::default() }
        }
    }

    /// Who accepts the connections that come in at an address.
    pub(super) fn of_listener(address: &str) -> Self {
        Self { listener: Some(address.to_owned()), ..Self::default() }
    }

    /// The innermost frame of the user's own code in a stack, else the innermost at all.
    pub(super) fn of_stack(stack: &Stack) -> Option<Self> {
        stack.culprit.and_then(|culprit| Self::of_frame(stack, culprit)).or_else(|| Self::of_frame(stack, 0))
    }

    fn of_frame(stack: &Stack, index: u32) -> Option<Self> {
        let frame = stack.frames.get(index as usize)?;
        let named = frame.function.is_some() || frame.file.is_some();
        let module = frame.module.and_then(|module| stack.modules.get(module as usize));
        let unnamed = module.filter(|_| !named);
        (named || unnamed.is_some()).then(|| Self {
            function: frame.function.clone(),
            file: frame.file.clone(),
            line: frame.line,
            module: unnamed.map(|module| module.path.clone()),
            offset: unnamed.map(|_| frame.offset),
            ..Self::default()
        })
    }

    /// What tells it from others. A generic function has a name for each of its instances, and inlining hides it: where a
    /// line is known, it alone tells.
    #[must_use]
    pub fn place(&self) -> Self {
        let told = self.file.is_some() && self.line.is_some();
        Self {
            function: if told { None } else { self.function.clone() },
            file: self.file.clone(),
            line: self.line,
            module: self.module.clone(),
            offset: self.offset,
            spawned_at: self.spawned_at.clone(),
            owner: self.owner.clone(),
            route: self.route.clone(),
            listener: self.listener.clone(),
            peer: self.peer.clone(),
        }
    }

    /// Whether anything at all is known of the place.
    #[must_use]
    pub fn is_known(&self) -> bool {
        *self != Self::default()
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line, &self.function, &self.module, self.offset) {
            (Some(file), Some(line), ..) => write!(f, "{}:{line}", short_place(file)),
            (_, _, Some(function), ..) => f.write_str(function),
            (Some(file), ..) => f.write_str(short_place(file)),
            (_, _, _, Some(module), Some(offset)) => {
                write!(f, "{}+{offset:#x}", module.rsplit('/').next().unwrap_or(module))
            }
            _ => match (&self.spawned_at, self.owner.as_deref()) {
                (Some(spawned_at), _) => write!(f, "a task spawned at {}", short_place(spawned_at)),
                (None, Some("root")) => f.write_str("the root future"),
                (None, Some("local")) => f.write_str("a task of a LocalSet"),
                (None, Some("runtime")) => f.write_str("the runtime itself"),
                (None, _) => self.fmt_connections(f),
            },
        }
    }
}

impl Culprit {
    fn fmt_connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.route, &self.listener, &self.peer) {
            (Some(route), Some(listener), _) => write!(f, "{route} on {listener}"),
            (None, Some(listener), _) => f.write_str(listener),
            (_, None, Some(peer)) => write!(f, "the client of {peer}"),
            _ => f.write_str("a place that no stack tells"),
        }
    }
}

/// What stalls are grouped by: two with the same key are the same finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// Tells the `src/lib.rs` of one project from that of another.
    root: Option<String>,
    place: Culprit,
    /// The line that allows it.
    allowed: Option<String>,
}

impl Key {
    pub(super) fn new(header: &Header, culprit: &Culprit) -> Self {
        Self::in_stack(header, culprit, None)
    }

    /// Of a culprit in a stack, which may know better than the header where the paths start.
    pub(super) fn in_stack(header: &Header, culprit: &Culprit, stack: Option<&Stack>) -> Self {
        let place = culprit.place();
        let of_stack = || stack.filter(|_| place.file.is_some())?.source_root.clone();
        let root = header.source_root.clone().or_else(of_stack);
        let root = root.filter(|_| place.file.is_some() || place.spawned_at.is_some());
        Self { root, place, allowed: None }
    }

    /// The same, for what the code allows itself in this stall.
    pub(super) fn allowed_by(self, record: &StallRecord) -> Self {
        Self { allowed: record.stall.allowed.as_ref().map(|allowed| allowed.at.clone()), ..self }
    }
}
