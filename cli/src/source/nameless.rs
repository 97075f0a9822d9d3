//! The stalls whose stacks came without names: their process ended, or was killed, before it had found them.

use stallscope::late::{self, Late};
use stallscope_wire::{Coverage, Header, Line, Phase, Stack, Stall};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The newest that are named; the others keep what is known of them.
const REMEMBERED: usize = 1024;

/// The names in the programs whose logs are read together: many processes may have run one, and it may be large.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(Arc<Mutex<late::Names>>);

impl Names {
    fn name(&self, header: &Header, stalls: &[Stall]) -> Late {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).name(header, stalls)
    }
}

/// Follows the lines of a process.
#[derive(Debug)]
pub(super) struct Nameless {
    stalls: BTreeMap<u64, Stall>,
    coverage: Coverage,
}

impl Nameless {
    pub(super) fn new(header: &Header) -> Self {
        Self { stalls: BTreeMap::new(), coverage: header.coverage.clone() }
    }

    /// Takes note of a line.
    pub(super) fn note(&mut self, line: &Line) {
        match line {
            Line::Coverage(coverage) => self.coverage.clone_from(coverage),
            Line::Stall(stall) => self.note_stall(stall),
            _ => {}
        }
    }

    fn note_stall(&mut self, stall: &Stall) {
        match stall.stack.as_ref().map(Stack::is_bare) {
            _ if stall.phase == Phase::Dismissed => drop(self.stalls.remove(&stall.id)),
            Some(true) => drop(self.stalls.insert(stall.id, stall.clone())),
            Some(false) => drop(self.stalls.remove(&stall.id)),
            None => {
                if let Some(known) = self.stalls.get_mut(&stall.id) {
                    *known = Stall { stack: known.stack.take(), ..stall.clone() };
                }
            }
        }
        if self.stalls.len() > REMEMBERED {
            self.stalls.pop_first();
        }
    }

    /// No more lines come: those that name what can be named now, and say what of the rest is missing.
    pub(super) fn name(self, header: &Header, names: &Names) -> Vec<Line> {
        if self.stalls.is_empty() {
            return Vec::new();
        }
        let stalls: Vec<_> = self.stalls.into_values().collect();
        let late = names.name(header, &stalls);
        // Of the others the process itself has found no names.
        let waited = |stall: &&Stall| stall.draft && late.stalls.iter().all(|named| named.id != stall.id);
        let mut coverage = self.coverage;
        let gaps = if stalls.iter().any(|stall| waited(&stall)) { late.gaps } else { Vec::new() };
        let lacks = (!gaps.is_empty()).then(|| {
            gaps.into_iter().for_each(|gap| coverage.add(gap));
            Line::Coverage(coverage)
        });
        late.stalls.into_iter().map(Line::Stall).chain(lacks).collect()
    }
}
