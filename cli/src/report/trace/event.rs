use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// One event of the Trace Event format.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) phase: Phase,
    name: String,
    category: &'static str,
    pid: u64,
    tid: Option<u64>,
    /// On the trace's clock; written in microseconds, as the format has it.
    pub(super) at_ns: u64,
    pub(super) lasts_ns: Option<u64>,
    /// What a begin and its end have in common.
    id: Option<String>,
    args: Value,
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It names a process or a thread.
    Meta,
    /// A time on a thread.
    Complete,
    /// A time that may overlap others begins.
    Begin,
    /// It ends.
    End,
    /// A value changes.
    Counter,
}

impl Event {
    pub(super) fn new(phase: Phase, name: String, category: &'static str, pid: u64, at_ns: u64) -> Self {
        Self { phase, name, category, pid, tid: None, at_ns, lasts_ns: None, id: None, args: Value::Null }
    }

    pub(super) fn meta(name: &str, pid: u64, tid: Option<u64>, args: Value) -> Self {
        let event = Self::new(Phase::Meta, name.to_owned(), "__metadata", pid, 0);
        Self { tid, args, ..event }
    }

    pub(super) fn on(self, tid: u64) -> Self {
        Self { tid: Some(tid), ..self }
    }

    pub(super) fn lasting(self, lasts_ns: u64) -> Self {
        Self { lasts_ns: Some(lasts_ns), ..self }
    }

    pub(super) fn called(self, id: String) -> Self {
        Self { id: Some(id), ..self }
    }

    pub(super) fn with(self, args: Value) -> Self {
        Self { args, ..self }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let phase = match self.phase {
            Phase::Meta => "M",
            Phase::Complete => "X",
            Phase::Begin => "b",
            Phase::End => "e",
            Phase::Counter => "C",
        };
        let mut event = serializer.serialize_map(None)?;
        event.serialize_entry("ph", phase)?;
        event.serialize_entry("name", &self.name)?;
        event.serialize_entry("cat", self.category)?;
        event.serialize_entry("pid", &self.pid)?;
        // Events of a whole process are said to be of the thread that has its id, as the format wants one of each.
        event.serialize_entry("tid", &self.tid.unwrap_or(self.pid))?;
        event.serialize_entry("ts", &micros(self.at_ns))?;
        if self.phase == Phase::Complete {
            event.serialize_entry("dur", &micros(self.lasts_ns.unwrap_or(0)))?;
        }
        if let Some(id) = &self.id {
            event.serialize_entry("id", id)?;
        }
        if !self.args.is_null() {
            event.serialize_entry("args", &self.args)?;
        }
        event.end()
    }
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
