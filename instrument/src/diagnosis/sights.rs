//! What a thread was seen at in a stall, look by look.

use super::cause::Judged;
use stallscope_wire::{Cause, Stack};

/// As many different calls as are remembered of a stall.
const CALLS: usize = 8;

/// The looks at a thread in a stall, by the call that it was seen in or at.
#[derive(Debug, Default)]
pub(super) struct Sights {
    /// In the order in which they were seen last.
    sights: Vec<Sight>,
    at_call: u32,
    computing: u32,
}

#[derive(Debug)]
struct Sight {
    /// None when it was in none that is known: it computed.
    call: Option<Judged>,
    stack: Stack,
    /// It is what was told last.
    told: bool,
}

impl Sights {
    /// Takes note of a look. One at a thread that was in no call and showed no stack says nothing: it may not have been run.
    pub(super) fn note(&mut self, call: Option<&Judged>, stack: Option<&Stack>) {
        match (call, stack) {
            (Some(_), _) => self.at_call += 1,
            (None, Some(_)) => self.computing += 1,
            (None, None) => {}
        }
        let Some(stack) = stack else { return };
        let known = self.sights.iter().position(|sight| sight.call.as_ref() == call);
        if let Some(at) = known.filter(|&at| stack.tells_less_than(&self.sights[at].stack)) {
            self.sights[at..].rotate_left(1);
            return;
        }
        known.into_iter().for_each(|at| drop(self.sights.remove(at)));
        self.sights.drain(..self.sights.len().saturating_sub(CALLS - 1));
        self.sights.push(Sight { call: call.cloned(), stack: stack.clone(), told: false });
    }

    /// It was in a call, or at one, in half of the looks at least: whoever calls in a loop is seen between two calls too.
    pub(super) fn are_at_calls(&self) -> bool {
        self.at_call >= self.computing.max(1)
    }

    /// It was in a call, or at one, in all of the looks.
    pub(super) fn are_at_calls_alone(&self) -> bool {
        self.at_call > 0 && self.computing == 0
    }

    /// The stack to tell with a cause: of those that know a culprit, or else of all, that of the last look that shows the cause,
    /// or else of the last. None when it is what was told last.
    pub(super) fn stack_of(&mut self, judged: &Judged) -> Option<Stack> {
        let shows = |sight: &Sight| match &sight.call {
            Some(call) => call == judged,
            None => judged.cause == Cause::Cpu,
        };
        let fit = |(at, sight): &(usize, &Sight)| (sight.stack.culprit.is_some(), shows(sight), *at);
        let (at, _) = self.sights.iter().enumerate().max_by_key(fit)?;
        if self.sights[at].told {
            return None;
        }
        for (other, sight) in self.sights.iter_mut().enumerate() {
            sight.told = other == at;
        }
        Some(self.sights[at].stack.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Activity, Syscall};
    use crate::diagnosis::cause;
    use stallscope_wire::Quality;

    fn call(name: &'static str) -> Judged {
        cause::call(Activity::Syscall(Syscall { number: 1, name: Some(name) }), &[], None).unwrap()
    }

    fn stack(culprit: u32) -> Stack {
        Stack { culprit: Some(culprit), ..Stack::default() }
    }

    /// Of the stack that is told.
    fn culprit(sights: &mut Sights, judged: &Judged) -> Option<u32> {
        sights.stack_of(judged).and_then(|stack| stack.culprit)
    }

    #[test]
    fn the_stack_that_is_told_shows_the_cause_that_is_told() {
        let (cpu, read) = (Judged { cause: Cause::Cpu, ..Judged::default() }, call("read"));
        let mut sights = Sights::default();
        assert_eq!(culprit(&mut sights, &cpu), None, "nothing was seen");
        sights.note(Some(&read), Some(&stack(1)));
        assert_eq!(culprit(&mut sights, &cpu), Some(1), "nothing else was seen");
        sights.note(None, Some(&stack(2)));
        assert_eq!(culprit(&mut sights, &read), None, "it was told");
        assert_eq!(culprit(&mut sights, &cpu), Some(2));
        assert_eq!(culprit(&mut sights, &read), Some(1), "the other one was told last");
        sights.note(Some(&read), Some(&stack(3)));
        assert_eq!(culprit(&mut sights, &read), Some(3), "it is new");
        assert_eq!(culprit(&mut sights, &Judged { cause: Cause::Host, ..Judged::default() }), None);
    }

    #[test]
    fn a_look_that_tells_less_takes_nothing_away() {
        let cpu = Judged { cause: Cause::Cpu, ..Judged::default() };
        let whole = Stack { quality: Quality::Exact, ..stack(1) };
        let mut sights = Sights::default();
        sights.note(None, Some(&whole));
        sights.note(None, Some(&Stack { quality: Quality::Truncated, ..stack(2) }));
        assert_eq!(culprit(&mut sights, &cpu), Some(1), "it was whole");
        sights.note(None, Some(&Stack { quality: Quality::Truncated, ..stack(3) }));
        assert_eq!(culprit(&mut sights, &cpu), None, "and was told");
        let mut sights = Sights::default();
        sights.note(None, Some(&Stack::default()));
        assert_eq!(sights.stack_of(&cpu), Some(Stack::default()));
        sights.note(Some(&call("read")), Some(&stack(2)));
        assert_eq!(culprit(&mut sights, &cpu), Some(2), "the other one accuses nobody");
    }

    #[test]
    fn who_calls_in_a_loop_is_seen_between_two_calls_too() {
        let mut sights = Sights::default();
        assert!(!sights.are_at_calls());
        sights.note(Some(&call("read")), None);
        assert!(sights.are_at_calls_alone());
        sights.note(None, Some(&stack(0)));
        sights.note(None, None);
        assert!(sights.are_at_calls());
        sights.note(None, Some(&stack(0)));
        assert!(!sights.are_at_calls() && !sights.are_at_calls_alone(), "it computes more than it calls");
    }

    #[test]
    fn of_many_calls_the_last_are_remembered() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let mut sights = Sights::default();
        names.iter().for_each(|name| sights.note(Some(&call(name)), Some(&stack(name.as_bytes()[0].into()))));
        assert_eq!(sights.sights.len(), CALLS);
        assert_eq!(culprit(&mut sights, &call("b")), Some(b'b'.into()));
        assert_eq!(
            culprit(&mut sights, &call("a")),
            Some(b'i'.into()),
            "of what is forgotten the last stands for it"
        );
    }
}
