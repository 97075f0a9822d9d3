//! The collector's thread, and what it does at which pace.

use super::coverage::{HookCheck, gap_of};
use super::flight::FlightRecorder;
use super::log::Log;
use super::message::Message;
use super::notice::Notices;
use super::output::Output;
use super::snapshot::Snapshots;
use super::{listeners, sockets};
use crate::clock;
use crate::diagnosis::Settled;
use crate::engine::Engine;
use crate::mode::set_mode;
use crate::recorder;
use stallscope_wire::{Coverage, End, Gap, Header, Line, Lost, Mode, Request};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Pace of the snapshots for live readers; the log gets every second one.
const PACE: Duration = Duration::from_millis(250);
/// Pace of the list of sockets, in snapshots.
const SOCKETS_EVERY: u64 = 4;
/// Pace of what is told of each spawn location.
const LOCATIONS_EVERY: Duration = Duration::from_secs(1);

/// The collector's thread.
pub(crate) fn run(
    engine: &'static Engine,
    output: Output,
    messages: &Receiver<Message>,
    settled: &Arc<Settled>,
) {
    let mut collector = Collector {
        engine,
        snapshots: Snapshots::new(Arc::clone(settled)),
        hooks: HookCheck::default(),
        notices: Notices::new(output.header.threshold_ns),
        coverage: output.header.coverage.clone(),
        told: Lost::default(),
        polled: false,
        beats: 0,
        locations_due_ns: 0,
        sockets: sockets::Watch::new(output.header.close_wait_ns),
        output,
        ended: false,
    };
    // Whoever asked for a log must not find out when it is needed.
    collector.output.no_log.take().iter().for_each(|gap| collector.notices.gap(gap));
    let mut due_ns = clock::now_ns();
    loop {
        let wait = Duration::from_nanos(due_ns.saturating_sub(clock::now_ns()));
        let message = if collector.is_at_rest() {
            messages.recv().map_err(RecvTimeoutError::from)
        } else {
            messages.recv_timeout(wait)
        };
        match message {
            Ok(message) => collector.take(message),
            Err(RecvTimeoutError::Timeout) => {}
            // The engine's threads hold the other ends and never end.
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now_ns = clock::now_ns();
        if now_ns >= due_ns {
            due_ns = now_ns + PACE.as_nanos() as u64;
            collector.beat();
        }
    }
}

struct Collector {
    engine: &'static Engine,
    output: Output,
    snapshots: Snapshots,
    hooks: HookCheck,
    notices: Notices,
    coverage: Coverage,
    /// What the readers were told of losses.
    told: Lost,
    /// A poll was seen.
    polled: bool,
    beats: u64,
    /// When the spawn locations are told of next, in nanoseconds since the start.
    locations_due_ns: u64,
    sockets: sockets::Watch,
    ended: bool,
}

impl Collector {
    fn take(&mut self, message: Message) {
        match message {
            Message::Line(line) => self.tell(&line),
            Message::Draft(line) => self.write(&line, true),
            Message::Gap(gap) => self.tell_gap(gap),
            Message::Reader(stream) => {
                let header = Header { mode: recorder::mode(), ..self.output.header.clone() };
                self.output.live.take_in(stream, &header, &self.coverage);
            }
            Message::Flush(done) => {
                self.tell_mode();
                self.check_hooks();
                self.locations_due_ns = 0;
                self.snapshot(true);
                let _ = done.send(());
            }
            Message::Finish(done) => {
                self.locations_due_ns = 0;
                self.snapshot(true);
                if !self.polled && recorder::mode() != Mode::Off {
                    self.hooks
                        .nothing_seen(self.output.header.tier)
                        .into_iter()
                        .for_each(|gap| self.tell_gap(gap));
                }
                let at_ns = clock::now_ns();
                self.write(&Line::End(End { at_ns }), true);
                self.with_flight(|flight, header, coverage| flight.finish(at_ns, header, coverage));
                self.output.live.close();
                self.notices.finish();
                self.ended = true;
                let _ = done.send(());
            }
        }
    }

    /// Nobody looks on, and nothing is due that is told at a pace.
    fn is_at_rest(&self) -> bool {
        !self.output.live.has_readers() && !self.keeps_files() && !self.notices.counts()
    }

    /// In mode off nothing happens that were worth a log or a recording.
    fn keeps_files(&self) -> bool {
        (self.output.log.is_some() || self.output.flight.is_some()) && recorder::mode() != Mode::Off
    }

    /// What is done at a fixed pace.
    fn beat(&mut self) {
        self.beats += 1;
        for request in self.output.live.hear() {
            if let Request::Set { mode } = request {
                set_mode(mode);
            }
        }
        self.check_hooks();
        self.notices.beat();
        let to_files = self.beats.is_multiple_of(2) && self.keeps_files();
        if self.output.live.has_readers() || to_files {
            self.snapshot(to_files);
        }
        let now_ns = clock::now_ns();
        self.with_flight(|flight, header, coverage| flight.beat(now_ns, header, coverage));
        if let Some(gap) = self.output.flight.as_mut().and_then(FlightRecorder::gap) {
            // As with the log.
            self.notices.gap(&gap);
            self.tell_gap(gap);
        }
    }

    fn with_flight(&mut self, act: impl FnOnce(&mut FlightRecorder, &Header, &Coverage)) {
        let Output { flight, header, .. } = &mut self.output;
        if let Some(flight) = flight {
            act(flight, header, &self.coverage);
        }
    }

    /// What is not seen in the mode that holds, once.
    fn tell_mode(&mut self) {
        if let Some(gap) = gap_of(recorder::mode()).filter(|gap| !self.coverage.missing.contains(gap)) {
            self.tell_gap(gap);
        }
    }

    fn check_hooks(&mut self) {
        let runtimes = self.engine.runtimes();
        if recorder::mode() == Mode::Off {
            return self.hooks.excuse(&runtimes);
        }
        for gap in self.hooks.look(&runtimes, self.output.header.tier) {
            self.tell_gap(gap);
        }
    }

    fn tell(&mut self, line: &Line) {
        self.write(line, true);
        if listeners::speaks_of(line) {
            return;
        }
        match line {
            Line::Stall(stall) => self.notices.stall(stall),
            Line::Failure(failure) => self.notices.failure(failure),
            Line::Orphan(orphan) => self.notices.orphan(orphan),
            Line::Pool(wait) => self.notices.pool(wait),
            _ => {}
        }
    }

    fn tell_gap(&mut self, gap: Gap) {
        self.coverage.add(gap);
        let line = Line::Coverage(self.coverage.clone());
        self.write(&line, true);
    }

    /// Writes the state of everything.
    fn snapshot(&mut self, to_files: bool) {
        // Only what everybody is told counts.
        let whole = to_files || (self.output.log.is_none() && self.output.flight.is_none());
        let whole = whole && clock::now_ns() >= self.locations_due_ns;
        let snapshot = self.snapshots.take(self.engine, whole);
        let at_ns = snapshot.at_ns;
        self.polled |= snapshot.poll.count() > 0;
        self.notices.futures();
        if whole {
            self.locations_due_ns = at_ns + LOCATIONS_EVERY.as_nanos() as u64;
        }
        self.write(&Line::Snapshot(snapshot), to_files);
        #[cfg(feature = "http")]
        {
            let handlers = crate::http::handlers(at_ns, whole);
            if !handlers.handlers.is_empty() {
                self.write(&Line::Handler(handlers), to_files);
            }
        }
        if self.beats.is_multiple_of(SOCKETS_EVERY)
            && let Some(sockets) = self.sockets.look(at_ns)
        {
            self.write(&Line::Socket(sockets), to_files);
        }
        self.sockets.gap().into_iter().for_each(|gap| self.tell_gap(gap));
        let lost = Lost { at_ns, ..self.lost() };
        if lost != (Lost { at_ns, ..self.told.clone() }) {
            self.told = lost.clone();
            self.write(&Line::Lost(lost), true);
        }
    }

    fn lost(&self) -> Lost {
        let lines = self.output.live.lost() + self.output.log.as_ref().map_or(0, Log::lost);
        Lost {
            at_ns: 0,
            events: self.engine.losses.events.load(Relaxed) + self.snapshots.lost_polls(),
            stacks: self.engine.losses.stacks.load(Relaxed),
            locations: self.snapshots.lost_locations() + crate::watched::unplaced(),
            first_polls: self.engine.losses.first_polls.load(Relaxed) + recorder::fresh().lost(),
            lines,
            recordings: self.output.flight.as_ref().map_or(0, FlightRecorder::lost),
        }
    }

    fn write(&mut self, line: &Line, to_files: bool) {
        if self.ended {
            return;
        }
        listeners::hand_on(line);
        let text = line.encode();
        if let Some(log) = self.output.log.as_mut().filter(|_| to_files) {
            log.write(&text, line);
        }
        if to_files {
            let now_ns = clock::now_ns();
            self.with_flight(|flight, header, coverage| flight.write(&text, line, now_ns, header, coverage));
        }
        self.output.live.write(&text, line);
    }
}
