use serde::{Deserialize, Serialize};

/// What was dropped so far, by kind. A reader shows it: a number that hides its losses is not believed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lost {
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
    /// Long polls and stall reports dropped because a queue was full.
    pub events: u64,
    /// Stacks that could not be captured or unwound.
    pub stacks: u64,
    /// Spawns, polls and ends of tasks whose spawn location found no room, and watched futures whose line found none.
    pub locations: u64,
    /// Tasks whose wait for their first poll was not followed, or not told: too many waited at one time.
    pub first_polls: u64,
    /// Lines dropped from a log at its size limit, or for a reader that was too slow.
    pub lines: u64,
    /// Flight recordings that were not made: there was one within the last minute, or it could not be written. No number
    /// leaves anything out because of it.
    pub recordings: u64,
}

impl Lost {
    /// Whether anything was dropped that is missing in the numbers.
    #[must_use]
    pub fn any(&self) -> bool {
        [self.events, self.stacks, self.locations, self.first_polls, self.lines].iter().any(|&lost| lost > 0)
    }
}
