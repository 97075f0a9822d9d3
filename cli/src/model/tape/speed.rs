use std::fmt;
use std::time::Duration;

/// How fast a tape is played: each step is twice the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Speed(i8);

const SLOWEST: i8 = -3;
const FASTEST: i8 = 7;

impl Speed {
    pub(super) fn faster(self) -> Self {
        Self((self.0 + 1).min(FASTEST))
    }

    pub(super) fn slower(self) -> Self {
        Self((self.0 - 1).max(SLOWEST))
    }

    /// What passes on the tape meanwhile, in nanoseconds.
    pub(super) fn of(self, time: Duration) -> u64 {
        let ns = time.as_nanos();
        let passed = if self.0 < 0 { ns >> -self.0 } else { ns << self.0 };
        u64::try_from(passed).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 { write!(f, "x1/{}", 1 << -self.0) } else { write!(f, "x{}", 1 << self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_and_halves_within_its_bounds() {
        let second = Duration::from_secs(1);
        let told = |speed: Speed| (speed.to_string(), speed.of(second));
        assert_eq!(told(Speed::default()), ("x1".to_owned(), 1_000_000_000));
        assert_eq!(told(Speed::default().faster().faster()), ("x4".to_owned(), 4_000_000_000));
        assert_eq!(told(Speed::default().slower()), ("x1/2".to_owned(), 500_000_000));
        let (mut fast, mut slow) = (Speed::default(), Speed::default());
        for _ in 0..20 {
            (fast, slow) = (fast.faster(), slow.slower());
        }
        assert_eq!((told(fast).0, told(slow).0), ("x128".to_owned(), "x1/8".to_owned()));
    }
}
