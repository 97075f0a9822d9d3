//! The stalls that ended last, for what is known of them only afterwards.

use stallscope_wire::{Phase, RouteVictims, Stall};
use std::collections::VecDeque;

/// As many as the watchdog may still tell something of.
const REMEMBERED: usize = 64;

/// What was told last of each, without the stack.
#[derive(Debug, Default)]
pub(super) struct Ended(VecDeque<Stall>);

impl Ended {
    /// Takes note of a line that is told.
    pub(super) fn note(&mut self, stall: &Stall) {
        if stall.phase == Phase::End {
            self.0.drain(..self.0.len().saturating_sub(REMEMBERED - 1));
            self.0.push_back(Stall { stack: None, ..stall.clone() });
        }
    }

    /// The line that tells of the routes that waited behind a stall; none of one that was dismissed.
    pub(super) fn with_routes(&mut self, id: u64, routes: Vec<RouteVictims>) -> Option<Stall> {
        let at = self.0.iter().position(|stall| stall.id == id)?;
        let mut stall = self.0.remove(at)?;
        stall.victims.routes = routes;
        Some(stall)
    }
}
