use hdrhistogram::Histogram as Hdr;
use stallscope_wire::Histogram;

/// The longest duration that is told from longer ones: a century.
const LONGEST_NS: u64 = 100 * 365 * 86_400 * 1_000_000_000;
/// How far above a duration the bound of its bucket may lie, in percent.
const BUCKET_WIDTH: u64 = 7;

/// What turns a histogram of measured durations into one of attributable durations: the host's part taken out of those
/// for which it is known. Its size does not grow with their number.
#[derive(Debug, Clone)]
pub(in super::super) struct Shift {
    /// Durations that the histogram does not hold, because they had not ended.
    added: Hdr<u64>,
    /// Durations of which a part is excused, and what is left of them.
    excused: Hdr<u64>,
    left: Hdr<u64>,
    removed: Hdr<u64>,
    settled: Hdr<u64>,
}

impl Default for Shift {
    fn default() -> Self {
        let empty = || Hdr::new(3).expect("three significant digits are allowed");
        Self { added: empty(), excused: empty(), left: empty(), removed: empty(), settled: empty() }
    }
}

impl Shift {
    /// A duration that the histogram holds as `measured` and that the code answers for in part.
    pub(in super::super) fn shift(&mut self, measured: u64, attributable: u64) {
        if attributable < measured {
            record(&mut self.removed, measured);
            record(&mut self.settled, attributable);
        }
    }

    /// A duration that the histogram does not hold.
    pub(in super::super) fn add(&mut self, measured: u64, attributable: u64) {
        record(&mut self.added, measured);
        self.shift(measured, attributable);
    }

    /// A duration that the histogram holds counts as another one, or, without one, not at all.
    pub(in super::super) fn excuse(&mut self, measured: u64, left: Option<u64>) {
        record(&mut self.excused, measured);
        left.into_iter().for_each(|left| record(&mut self.left, left));
    }

    /// The histogram with the durations that it did not hold.
    pub(in super::super) fn whole(&self, histogram: &Histogram) -> Histogram {
        let mut whole = histogram.clone();
        whole.merge(&Histogram::from(&self.added));
        whole
    }

    /// The same without what is excused.
    pub(in super::super) fn measured(&self, histogram: &Histogram) -> Histogram {
        let mut measured = self.whole(histogram);
        take_out(&mut measured, &self.excused);
        measured.merge(&Histogram::from(&self.left));
        measured
    }

    /// The same, the host's part taken out.
    pub(in super::super) fn attributable(&self, histogram: &Histogram) -> Histogram {
        let mut attributable = self.measured(histogram);
        take_out(&mut attributable, &self.removed);
        attributable.merge(&Histogram::from(&self.settled));
        attributable
    }
}

fn record(hdr: &mut Hdr<u64>, value: u64) {
    hdr.record(value.min(LONGEST_NS)).expect("a resizing histogram takes any value up to its limit");
}

fn take_out(histogram: &mut Histogram, values: &Hdr<u64>) {
    let values = Histogram::from(values).buckets;
    if values.is_empty() {
        return;
    }
    values.into_iter().for_each(|(value, count)| remove(histogram, value, count));
    histogram.max_ns = histogram.buckets.last().map_or(0, |&(upper, _)| upper.min(histogram.max_ns));
}

/// Takes `count` durations of about `value` out of the bucket that holds them.
fn remove(histogram: &mut Histogram, value: u64, count: u64) {
    // The HDR form may have rounded the value up by a thousandth.
    let low = value - value / 500;
    let high = value.saturating_add(value / 100 * BUCKET_WIDTH);
    let mut left = count;
    for bucket in
        histogram.buckets.iter_mut().skip_while(|bucket| bucket.0 < low).take_while(|bucket| bucket.0 <= high)
    {
        let taken = bucket.1.min(left);
        bucket.1 -= taken;
        left -= taken;
    }
    histogram.buckets.retain(|bucket| bucket.1 > 0);
    histogram.sum_ns = histogram.sum_ns.saturating_sub(value.saturating_mul(count - left));
}
