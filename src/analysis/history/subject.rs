use super::StallRecord;

/// What tells the stalls of one culprit apart for those who select among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct Subject {
    /// The route of the request that was being answered, where it is known.
    pub(in super::super) route: Option<String>,
    /// The crate that the accused line belongs to, where it is known.
    pub(in super::super) krate: Option<String>,
}

impl Subject {
    pub(in super::super) fn of(record: &StallRecord) -> Self {
        let stall = &record.stall;
        let culprit = stall.stack.as_ref().and_then(|stack| stack.frames.get(stack.culprit? as usize));
        Self {
            route: stall.serving.as_ref().map(|serving| serving.route.clone()),
            krate: culprit.and_then(|frame| frame.krate.clone()),
        }
    }
}
