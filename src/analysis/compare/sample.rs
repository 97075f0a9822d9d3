use super::{Kind, Subject};
use crate::analysis::excuse::Excuses;
use crate::analysis::measure::{lags, polls, routes, schedules};
use crate::analysis::{By, Culprit, Finding, History, Report, Rule, Severity, findings, short_place};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::Deserializer;
use stallscope_wire::{Histogram, Tier};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A minute in nanoseconds.
const MINUTE_NS: f64 = 60e9;

/// What one run showed, as far as it is compared.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The end of each of its processes was seen.
    pub(super) complete: bool,
    /// By name.
    pub(super) tiers: BTreeSet<String>,
    /// Stalls were recorded from this length on, in nanoseconds; none where it is not known.
    pub(super) threshold_ns: Option<u64>,
    pub(super) minutes: f64,
    /// By what is the same in both sides, though lines move.
    pub(super) culprits: BTreeMap<String, Blocked>,
    pub(super) distributions: BTreeMap<Subject, Histogram>,
    /// By spawn location, where no distribution is known.
    pub(super) sites: BTreeMap<String, Site>,
    pub(super) findings: BTreeSet<String>,
}

/// The stalls of one culprit, as far as the code answers for them.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocked {
    pub(super) name: String,
    pub(super) count: u64,
    pub(super) total_ns: u64,
    pub(super) longest_ns: u64,
}

/// The polls of tasks from one line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Site {
    pub(super) mean_ns: Option<f64>,
    pub(super) p99_ns: Option<f64>,
}

impl Sample {
    /// What a report tells of a run.
    ///
    /// # Errors
    /// When a distribution in it is no HdrHistogram.
    pub fn of_report(report: &Report) -> Result<Self, SampleError> {
        let longest_ns = report.processes.iter().map(|process| process.duration_ns).max().unwrap_or(0);
        // What a file excuses blocks all the same: two reports may be of different files, and a log knows of none.
        let at = |place: &Option<String>| {
            let files = report.allowances.iter().filter(|allowance| allowance.by != By::Code);
            files.into_iter().any(|allowance| place.as_ref() == Some(&allowance.at))
        };
        let mut findings = report.findings.clone();
        for finding in findings.iter_mut().filter(|finding| at(&finding.allowed_at)) {
            finding.severity = Severity::Error;
        }
        let mut sample = Self::without_distributions([report.tier].into_iter(), longest_ns, &findings);
        sample.complete = report.processes.iter().all(|process| process.complete);
        let histograms = &report.histograms;
        for (kind, encoded) in [
            (Kind::Poll, &histograms.poll),
            (Kind::LoopLag, &histograms.lag),
            (Kind::Schedule, &histograms.schedule),
        ] {
            if let Some(encoded) = encoded {
                sample.add(kind, "", &decode(encoded, "the process")?);
            }
        }
        for (route, encoded) in &histograms.handlers {
            sample.add(Kind::Route, route, &decode(encoded, route)?);
        }
        for site in &report.tasks.locations {
            let known = Site {
                mean_ns: (site.polls > 0 && site.poll_p99_ns.is_some())
                    .then(|| site.busy_ns as f64 / site.polls as f64),
                p99_ns: site.poll_p99_ns.map(|ns| ns as f64),
            };
            sample.sites.insert(place(&site.spawned_at), known);
        }
        Ok(sample)
    }

    /// What the processes of one run told.
    #[must_use]
    pub fn of_histories(histories: &[&History]) -> Self {
        let longest_ns = histories.iter().map(|history| history.observed_ns()).max().unwrap_or(0);
        let tiers = histories.iter().map(|history| history.header().tier);
        let mut sample = Self::without_distributions(tiers, longest_ns, &findings(histories));
        let none = Excuses::default();
        for history in histories {
            for (kind, (histogram, shift)) in [
                (Kind::Poll, polls(history, &none)),
                (Kind::LoopLag, lags(history, &none)),
                (Kind::Schedule, schedules(history)),
            ] {
                sample.add(kind, "", &shift.measured(&histogram));
            }
            for location in history.snapshot().into_iter().flat_map(|now| &now.locations) {
                sample.add(Kind::Spawn, &place(&location.spawned_at), &location.poll);
            }
        }
        for (route, latency) in routes(histories) {
            sample.add(Kind::Route, &route, &latency);
        }
        sample.complete = histories.iter().all(|history| history.complete());
        sample.threshold_ns = histories.iter().map(|history| history.header().threshold_ns).max();
        sample
    }

    fn without_distributions(
        tiers: impl Iterator<Item = Tier>,
        longest_ns: u64,
        findings: &[Finding],
    ) -> Self {
        let mut culprits = BTreeMap::<String, Blocked>::new();
        let mut others = BTreeSet::new();
        for finding in findings {
            match finding.rule {
                Rule::BlockingPoll if finding.severity > Severity::Info => {
                    culprits.entry(key(&finding.culprit)).or_default().add(finding);
                }
                Rule::BlockingPoll | Rule::LoopLag | Rule::HostPause => {}
                rule => drop(others.insert(format!("{} [{rule}]", without_line(&finding.culprit)))),
            }
        }
        Self {
            complete: true,
            tiers: tiers.map(|tier| tier.to_string()).collect(),
            threshold_ns: None,
            // A run that is not known to have lasted counts as one.
            minutes: if longest_ns == 0 { 1.0 } else { longest_ns as f64 / MINUTE_NS },
            culprits,
            distributions: BTreeMap::new(),
            sites: BTreeMap::new(),
            findings: others,
        }
    }

    fn add(&mut self, kind: Kind, name: &str, histogram: &Histogram) {
        let subject = Subject { kind, name: name.to_owned() };
        if histogram.count() > 0 {
            self.distributions.entry(subject).or_default().merge(histogram);
        }
    }
}

impl Blocked {
    fn add(&mut self, finding: &Finding) {
        if finding.attributable_max_ns >= self.longest_ns {
            self.name = finding.culprit.to_string();
        }
        self.count = self.count.saturating_add(finding.count);
        self.total_ns = self.total_ns.saturating_add(finding.attributable_total_ns);
        self.longest_ns = self.longest_ns.max(finding.attributable_max_ns);
    }
}

/// What stays the same while lines move: the file and the function, where both are known.
fn key(culprit: &Culprit) -> String {
    match (&culprit.file, &culprit.function) {
        (Some(file), Some(function)) => {
            let plain = function.split('<').next().filter(|plain| !plain.is_empty()).unwrap_or(function);
            format!("{file} {plain}")
        }
        _ => culprit.to_string(),
    }
}

/// The place without what changes with every edit above it.
fn without_line(culprit: &Culprit) -> String {
    match (&culprit.file, &culprit.function) {
        (Some(file), Some(function)) => format!("{function} in {}", short_place(file)),
        _ => culprit.to_string(),
    }
}

fn place(spawned_at: &str) -> String {
    short_place(spawned_at).to_owned()
}

fn decode(encoded: &str, of: &str) -> Result<Histogram, SampleError> {
    let fail = |problem: String| SampleError { of: of.to_owned(), problem };
    let bytes = STANDARD.decode(encoded).map_err(|error| fail(error.to_string()))?;
    let hdr: Hdr<u64> =
        Deserializer::new().deserialize(&mut &bytes[..]).map_err(|error| fail(format!("{error:?}")))?;
    Ok(Histogram::from(&hdr))
}

/// A report holds something that is no distribution.
#[derive(Debug)]
pub struct SampleError {
    of: String,
    problem: String,
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the durations of {} are no HdrHistogram in base64: {}", self.of, self.problem)
    }
}

impl std::error::Error for SampleError {}
