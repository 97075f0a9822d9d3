use super::{Baseline, Excuse, Threshold, thresholds};

/// What a run is judged by.
///
/// ```
/// use stallscope::analysis::{Terms, judge};
/// let terms = Terms::new(vec!["stall.max < 20ms".parse()?]).allow_incomplete(true);
/// let judgement = judge(&terms, &[]);
/// # Ok::<(), stallscope::analysis::thresholds::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// What must hold.
    pub thresholds: Vec<Threshold>,
    /// Whether processes whose end was not seen are accepted, and times in which stalls may have gone unseen; never that nothing
    /// was judged.
    pub allow_incomplete: bool,
    /// What is left out of what the thresholds measure; of several that are about one thing the first holds.
    pub excuses: Vec<Excuse>,
    /// What was known before, and is left out too.
    pub baseline: Option<Baseline>,
    /// Whether an excuse that was not needed, or that has expired, is a breach.
    pub deny_stale: bool,
}

/// What holds when nobody says: the [usual thresholds](thresholds::defaults), and what is not complete is not accepted.
impl Default for Terms {
    fn default() -> Self {
        Self::new(thresholds::defaults())
    }
}

impl Terms {
    /// These thresholds alone; what is not complete is not accepted.
    #[must_use]
    pub fn new(thresholds: Vec<Threshold>) -> Self {
        Self { thresholds, allow_incomplete: false, excuses: Vec::new(), baseline: None, deny_stale: false }
    }

    /// The same, but for whether what is not complete is accepted.
    #[must_use]
    pub fn allow_incomplete(self, allow_incomplete: bool) -> Self {
        Self { allow_incomplete, ..self }
    }
}
