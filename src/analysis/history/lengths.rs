use super::StallRecord;
use stallscope_wire::Histogram;

/// The lengths of stalls that are certain.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Lengths {
    /// As measured.
    pub(in super::super) whole: Histogram,
    /// As far as the code answers for them.
    pub(in super::super) attributable: Histogram,
}

impl Lengths {
    pub(in super::super) fn note(&mut self, record: &StallRecord) {
        if !record.is_probable() {
            add(&mut self.whole, record.stall.outside_ns());
            add(&mut self.attributable, record.attributable_ns());
        }
    }

    pub(in super::super) fn merge(&mut self, other: &Self) {
        self.whole.merge(&other.whole);
        self.attributable.merge(&other.attributable);
    }
}

fn add(histogram: &mut Histogram, ns: u64) {
    let upper = rounded(ns);
    match histogram.buckets.binary_search_by_key(&upper, |&(upper, _)| upper) {
        Ok(at) => histogram.buckets[at].1 = histogram.buckets[at].1.saturating_add(1),
        Err(at) => histogram.buckets.insert(at, (upper, 1)),
    }
    histogram.max_ns = histogram.max_ns.max(ns);
    histogram.sum_ns = histogram.sum_ns.saturating_add(ns);
}

/// The highest duration that has the same first eleven binary digits, which are three decimal ones.
fn rounded(ns: u64) -> u64 {
    let dropped = (u64::BITS - ns.leading_zeros()).saturating_sub(11);
    ns | ((1 << dropped) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_kept_to_a_thousandth() {
        for (ns, upper) in
            [(0, 0), (2047, 2047), (2048, 2049), (100_000_000, 100_007_935), (u64::MAX, u64::MAX)]
        {
            assert_eq!(rounded(ns), upper, "{ns}");
        }
    }
}
