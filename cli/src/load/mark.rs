use super::pace::Shot;
use std::collections::HashMap;
use std::time::Instant;

/// Messages that may be on their way at one time; what comes due beyond is dropped.
const MOST: usize = 10_000;
/// Digits of a number: so many that nothing else in an answer is taken for one, and so few that it is exact in JSON.
const DIGITS: usize = 16;

/// Messages that were sent over WebSockets and have not come back, by their number.
///
/// A chat sends a message to everybody, maybe not to its sender. So one has come back when any socket of the load has it.
#[derive(Debug)]
pub(super) struct Marks {
    next: u64,
    sent: HashMap<u64, Sent>,
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) shot: Shot,
    pub(super) at: Instant,
}

impl Marks {
    /// Numbers begin anywhere, so that those of another load are not taken for ours.
    pub(super) fn new() -> Self {
        let next = rand::random_range(1_000_000_000_000_000..9_000_000_000_000_000);
        Self { next, sent: HashMap::new() }
    }

    /// The number for a message that is sent now; none when too many are on their way.
    pub(super) fn mark(&mut self, shot: Shot) -> Option<u64> {
        if self.sent.len() >= MOST {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.sent.insert(number, Sent { shot, at: Instant::now() });
        Some(number)
    }

    /// The messages whose numbers stand in a text, the first time that they do.
    pub(super) fn take(&mut self, text: &str) -> Vec<Sent> {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == DIGITS);
        numbers.filter_map(|digits| self.sent.remove(&digits.parse().ok()?)).collect()
    }

    /// Gives up those that are still on their way; how many there are.
    pub(super) fn give_up(&mut self) -> u64 {
        self.sent.drain().count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    fn shot() -> Shot {
        Shot { target: 0, due: Instant::now(), _unresolved: mpsc::channel(1).0 }
    }

    #[test]
    fn a_message_comes_back_once() {
        let mut marks = Marks::new();
        let (first, second) = (marks.mark(shot()).unwrap(), marks.mark(shot()).unwrap());
        assert_eq!(marks.take(&format!("{{\"from\":7,\"text\":\"hello {first}\"}}")).len(), 1);
        assert!(marks.take(&format!("hello {first}")).is_empty());
        assert!(marks.take(&format!("1{second} {}", second / 10)).is_empty(), "part of a number is none");
        assert_eq!(marks.give_up(), 1);
    }

    #[test]
    fn no_more_than_so_many_are_on_their_way() {
        let mut marks = Marks::new();
        let numbers: Vec<_> = (0..MOST).filter_map(|_| marks.mark(shot())).collect();
        assert_eq!(numbers.len(), MOST);
        assert!(marks.mark(shot()).is_none());
        assert_eq!(marks.take(&numbers[0].to_string()).len(), 1);
        assert!(marks.mark(shot()).is_some());
    }
}
