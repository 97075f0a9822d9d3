//! A request on its way, and where its time goes.

use super::id::RequestId;
use super::routes::{Route, Routes};
use super::seat::{self, LONG};
use super::wakes::Wakened;
use crate::{clock, engine};
use http::StatusCode;
use stallscope_wire::{Doing, Spent, Step};
use std::task::Context;

/// Steps that are told of a request.
const STEPS: usize = 16;

/// What takes fewer ticks is told with the step before it: 13 µs at 5 GHz, 65 µs of a clock that counts nanoseconds.
const BRIEF: u64 = 1 << 16;

/// A request on its way; dropped, it had no response.
#[derive(Debug)]
pub(super) struct Flight {
    routes: &'static Routes,
    route: &'static Route,
    id: RequestId,
    /// When it came, in ticks.
    started: u64,
    /// Up to when its time is booked, in ticks.
    until: u64,
    own: u64,
    behind: u64,
    awaiting: u64,
    steps: Vec<(Doing, u64)>,
    cut: bool,
    wakened: Wakened,
    /// Of the response; none until it has one.
    status: Option<StatusCode>,
}

impl Flight {
    /// Counts a request in; what becomes of it is told when this is dropped.
    pub(super) fn begin(routes: &'static Routes, route: &'static Route, id: RequestId) -> Self {
        let now = clock::ticks();
        route.came();
        if let Some(since) = super::turn::late_since(now) {
            seat::arrived_late(route, since, now);
        }
        Self {
            routes,
            route,
            id,
            started: now,
            until: now,
            own: 0,
            behind: 0,
            awaiting: 0,
            steps: Vec::new(),
            cut: false,
            wakened: Wakened::default(),
            status: None,
        }
    }

    /// Does something of the request's own on this thread.
    pub(super) fn visit<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _sits = seat::sit(self.route, &self.id, self.started, self.until);
        let done = work();
        self.book_own();
        done
    }

    /// Polls it.
    pub(super) fn poll<T>(&mut self, cx: &Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let now = clock::ticks();
        self.book_wait(now);
        let sits = seat::sit(self.route, &self.id, self.started, now);
        let polled = poll(&mut self.wakened.context(cx));
        drop(sits);
        self.book_own();
        polled
    }

    fn book_own(&mut self) {
        let now = clock::ticks();
        let ticks = now.saturating_sub(self.until);
        if ticks >= LONG {
            seat::was_long(self.until, now);
        }
        self.own += ticks;
        self.step(Doing::Own, ticks);
        self.until = now;
    }

    /// Books the time since it was left, at the end of which somebody comes to poll or to drop it.
    fn book_wait(&mut self, now: u64) {
        let now = now.max(self.until);
        // Before its first poll it is ready.
        let polled = self.wakened.is_known();
        let ready = if polled { self.wakened.take().unwrap_or(now) } else { self.until };
        let ready = ready.clamp(self.until, now);
        let (awaited, waited) = (ready - self.until, now - ready);
        self.awaiting += awaited;
        self.behind += waited;
        self.step(Doing::Awaiting, awaited);
        self.step(Doing::Behind, waited);
        if waited >= LONG {
            seat::waited(self.route, ready, now);
        }
        self.until = now;
    }

    fn step(&mut self, doing: Doing, ticks: u64) {
        if ticks == 0 || self.cut {
            return;
        }
        let full = self.steps.len() == STEPS;
        match self.steps.last_mut() {
            Some((last, lasted)) if *last == doing || ticks < BRIEF => *lasted += ticks,
            _ if full => self.cut = true,
            _ => self.steps.push((doing, ticks)),
        }
    }

    /// It has a response.
    pub(super) fn answered(mut self, status: StatusCode) {
        self.status = Some(status);
    }

    pub(super) fn route(&self) -> &'static Route {
        self.route
    }

    pub(super) fn id(&self) -> &str {
        self.id.as_str()
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.status.map(|status| status.as_u16())
    }

    /// When it came, in nanoseconds since the start.
    pub(super) fn started_ns(&self) -> u64 {
        clock::tick_to_at_ns(self.started)
    }

    /// What it did one after the other, and whether there was more.
    pub(super) fn timeline(&self) -> (Vec<Step>, bool) {
        let step = |&(doing, ticks): &(Doing, u64)| Step { doing, for_ns: clock::span_ns(ticks) };
        (self.steps.iter().map(step).collect(), self.cut)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if engine::is_forked() {
            return;
        }
        if self.status.is_none() {
            self.book_wait(clock::ticks());
        }
        let spent = Spent {
            own_ns: clock::span_ns(self.own),
            behind_ns: clock::span_ns(self.behind),
            awaiting_ns: clock::span_ns(self.awaiting),
        };
        let took_ns = clock::span_ns(self.until.saturating_sub(self.started));
        self.route.went(self.status, took_ns, spent);
        self.routes.slowest.note(self, took_ns, spent);
    }
}

#[cfg(test)]
mod tests {
    use super::super::wakes::Wakes;
    use super::*;

    #[test]
    fn a_request_in_flight_takes_little_memory() {
        let steps = STEPS * size_of::<(Doing, u64)>();
        // Two counts stand before what an `Arc` holds.
        let waker = size_of::<Wakes>() + 16;
        assert!(size_of::<Option<Flight>>() + steps + waker <= 650);
    }
}
