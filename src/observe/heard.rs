//! The lines of a runtime, as they are told.

use crate::analysis::History;
use stallscope_wire::{Header, Line};
use std::sync::{Arc, Mutex, PoisonError};

/// A history that another thread writes.
#[derive(Debug, Clone)]
pub(crate) struct Heard(Arc<Mutex<History>>);

impl Heard {
    pub(crate) fn new(header: Header) -> Self {
        Self(Arc::new(Mutex::new(History::new(header))))
    }

    /// Takes in a line.
    pub(crate) fn apply(&self, line: &Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).apply(line.clone());
    }

    /// All that was heard so far.
    pub(crate) fn history(&self) -> History {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
