//! From what was seen of a stall to what is told of it.

use super::cause::{self, Case};
use super::found::{Found, case, is_missed, is_roots, is_unseen};
use super::line::line;
use super::owner::{self, Owned};
use super::sights::Sights;
use super::symbols::Symbols;
use super::thread::Diagnosis;
use super::{Report, agreement, culprit, wrapper};
use crate::capture::Activity;
use crate::collector::Message;
use crate::watchdog::{Sampled, StallReport};
use stallscope_wire::{Gap, Owner, Phase, Stack, Stall};
use std::sync::mpsc::SyncSender;

/// Dismissed stalls that a wait may still name.
const REMEMBERED: usize = 64;

impl Diagnosis<'_> {
    /// A line without names, for a stall whose names take long to find: were the process killed meanwhile, nothing would
    /// be known of its first stack, which a machine that is busy may give only after the stall was told of.
    pub(super) fn draft(&mut self, report: &Report) -> Option<Stall> {
        let Report::Stall(report) = report else { return None };
        // Of a thread that is looked at from outside only the names tell that it does not wait for work.
        let goes_on = report.phase != Phase::End;
        let captured = report.captured.as_ref().filter(|_| goes_on && report.sampled.is_none())?;
        let raw = captured.stack.as_ref().filter(|raw| !self.symbols.are_open(raw))?;
        let found = self.ongoing.entry(report.id).or_default();
        if !found.frames.is_empty() {
            return None;
        }
        found.call = cause::call(captured.activity, &[], None);
        found.running = captured.activity == Activity::Running;
        found.judged = {
            let seen = found.call.is_some();
            cause::judge(Case { at_call: seen, still_at_call: seen, ..case(report, found) })
        };
        found.shows_allowed = report.shows_allowed;
        let unnamed = Stack { allowed: report.shows_allowed, ..Symbols::unnamed(raw) };
        let mut draft = Stall { draft: true, ..line(report, found, Some(unnamed)) };
        if is_roots(report) {
            draft.owner = Owner::Root;
        }
        if found.told.is_none() {
            if draft.phase == Phase::Progress {
                draft.phase = Phase::Begin;
            }
            found.told = Some(Stall { stack: None, ..draft.clone() });
            found.draft = true;
        }
        Some(draft)
    }

    /// The line to tell of a stall; none when the stack shows that it is none.
    pub(super) fn stall(&mut self, report: &StallReport, output: &SyncSender<Message>) -> Option<Stall> {
        let mut found = self.ongoing.remove(&report.id).unwrap_or_default();
        let stack = report.captured.as_ref().and_then(|captured| captured.stack.as_ref()).map(|raw| {
            let mut stack = self.symbols.name(raw, &mut self.origins);
            let program =
                raw.frames.iter().filter_map(|frame| frame.module.as_ref()).find(|module| module.program);
            let program = program.map(|module| module.path.as_str());
            found.owned = owner::of(&stack, program, is_roots(report));
            culprit::cut_and_find(&mut stack, &self.origins, found.owned);
            stack.allowed = report.shows_allowed;
            if let Some(sampled) = &report.sampled {
                self.doubt(&mut found, sampled, &mut stack, output);
            }
            found.frames.clone_from(&stack.frames);
            found.culprit = stack.culprit;
            self.origins.show(&mut stack);
            stack
        });
        if report.handed_over {
            found.owned = Owned::Nobody;
        }
        if let Some(captured) = &report.captured {
            if std::mem::replace(&mut found.shows_allowed, report.shows_allowed) && !report.shows_allowed {
                (found.call, found.wrapper, found.sights) = (None, None, Sights::default());
            }
            let call = cause::call(captured.activity, &found.frames, found.culprit);
            found.running = captured.activity == Activity::Running;
            // Without a stack the frames are those of an earlier look.
            let wrapper = wrapper::call(&found.frames).filter(|_| found.running && stack.is_some());
            found.sights.note(call.as_ref().or(wrapper.as_ref()), stack.as_ref());
            // The stack that is told is to show it.
            found.call = if stack.is_some() { call.or(found.call) } else { found.call.or(call) };
            found.wrapper = wrapper.or(found.wrapper);
        }
        // It came and went while the watchdog was not run, nor perhaps the thread: nobody saw it wait in a call.
        found.running |= is_unseen(report, &found);
        found.judged = cause::judge(Case {
            unseen: is_unseen(report, &found) && (!report.settled || is_missed(report)),
            ..case(report, &found)
        });
        let unclear = report.sampled.is_some() && found.owned == Owned::Unknown;
        let line = if found.owned == Owned::Nobody || unclear {
            // It was one when it was told of: the thread has left the runtime since.
            let over = if found.draft { Phase::Dismissed } else { Phase::End };
            let told = found.told.as_mut().filter(|told| told.phase != over);
            told.map(|told| {
                (told.phase, told.at_ns) = (over, report.at_ns);
                told.clone()
            })
        } else {
            let stack = found.sights.stack_of(&found.judged);
            let mut line = line(report, &found, stack);
            if found.told.is_none() && line.phase == Phase::Progress {
                // What came before was not told, for want of a stack.
                line.phase = Phase::Begin;
            }
            found.draft &= !found.frames.iter().any(|frame| frame.function.is_some());
            found.told = Some(Stall { stack: None, ..line.clone() });
            Some(line)
        };
        match report.phase {
            Phase::End => {
                self.book(report, &found);
                if found.told.as_ref().is_none_or(|told| told.phase == Phase::Dismissed) {
                    self.dismissed.push_back(report.id);
                    self.dismissed.drain(..self.dismissed.len().saturating_sub(REMEMBERED));
                }
                return line;
            }
            _ if found.owned == Owned::Nobody => report.cell.dismiss(report.open),
            _ => report.cell.set_stall(report.open, report.id),
        }
        self.ongoing.insert(report.id, found);
        line
    }

    /// Looks closer at what was found from outside: where the stack does not show a poll, or several of them differ, it is
    /// no stall.
    fn doubt(
        &mut self,
        found: &mut Found,
        sampled: &Sampled,
        stack: &mut Stack,
        output: &SyncSender<Message>,
    ) {
        found.certainty = sampled.certainty;
        match found.owned {
            Owned::By(Owner::Task | Owner::Root | Owner::Local) => {}
            Owned::Unknown => {
                found.owned = Owned::Nobody;
                let what = "blocking calls whose stack has no names: they may be waits for work, and are not reported";
                let cure = if cfg!(tokio_unstable) {
                    "do not strip the program, or use stallscope::install in place of attach"
                } else {
                    "do not strip the program, or build with --cfg tokio_unstable"
                };
                let _ = output.try_send(Message::Gap(Gap::new(what, cure).hiding_stalls()));
                return;
            }
            _ => {
                found.owned = Owned::Nobody;
                return;
            }
        }
        for earlier in &sampled.earlier {
            let mut earlier = self.symbols.name(earlier, &mut self.origins);
            culprit::cut_and_find(&mut earlier, &self.origins, found.owned);
            if !agreement::narrow(stack, &earlier) {
                found.owned = Owned::Nobody;
            }
        }
    }

    /// Books a long poll that is over to the one whose it was: not to the task before it, which the record may name. A root
    /// future has a record of its own when it is wrapped.
    fn book(&self, report: &StallReport, found: &Found) {
        let named_by_record = match found.owned {
            Owned::By(Owner::Root) => report.open.task == 0,
            owned => matches!(owned, Owned::By(Owner::Task) | Owned::Unknown),
        };
        if let Some(ticks) = report.ticks
            && named_by_record
        {
            self.settled.book(report.open.location, ticks);
        }
    }
}
