//! What the tower layer knows of requests, for the watchdog and the diagnosis: nothing where there is none.

#[cfg(feature = "http")]
pub(crate) use crate::http::{any, behind, serving as by};

#[cfg(not(feature = "http"))]
mod absent {
    use stallscope_wire::{RouteVictims, Serving};

    pub(crate) fn by(_tid: i32, _started_ns: u64) -> Option<Serving> {
        None
    }

    pub(crate) fn behind(
        _tid: i32,
        _started_ns: u64,
        _ended_ns: u64,
        _unread: Option<u64>,
    ) -> Vec<RouteVictims> {
        Vec::new()
    }

    pub(crate) fn any() -> bool {
        false
    }
}
#[cfg(not(feature = "http"))]
pub(crate) use absent::{any, behind, by};
