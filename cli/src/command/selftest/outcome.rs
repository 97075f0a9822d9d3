//! What became of each way.

use super::ways::{Expected, Way};
use crate::reference::trials::Cue;
use serde::Serialize;
use stallscope::analysis::{Culprit, Finding, History, Rule, Severity, StallRecord, findings, short_place};
use stallscope_wire::{Certainty, Tier, duration::show};
use std::fmt;
use std::path::Path;

/// A trial that is looked at.
#[derive(Debug)]
pub(super) struct Watched {
    way: &'static Way,
    begun_ns: Option<u64>,
    ended_ns: Option<u64>,
    place: Option<Place>,
    /// When it first blocked, or lost something.
    at_ns: Option<u64>,
    /// Why it was not tried.
    skipped: Option<String>,
    found: Option<(Seen, u64)>,
    sampled: bool,
    /// Functions have names in this build.
    named: bool,
    /// Accept queues are listed without their limits.
    unlimited: bool,
}

/// Where the trial said that it blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Line(String, u32),
    Address(String),
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fate {
    /// It was told as it should be.
    Caught,
    /// It was not, or not rightly.
    Missed,
    /// Nobody can see it here.
    Unseen,
    /// It blocks nothing, and nothing was said of it.
    Cleared,
    /// It blocks nothing, and was blamed all the same.
    Blamed,
}

/// By what a place could be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Places {
    Lines,
    Functions,
    None,
}

/// What was expected of a way and what was seen.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    way: &'static str,
    pub(super) about: &'static str,
    rule: Option<Rule>,
    pub(super) fate: Fate,
    pub(super) expected: String,
    pub(super) seen: Option<Seen>,
    /// From the first moment of it until it was told.
    pub(super) told_after_ns: Option<u64>,
    pub(super) note: Option<String>,
    #[serde(skip)]
    places: Option<Places>,
}

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Seen {
    rule: Rule,
    place: String,
    cause: String,
    probable: bool,
    /// By what a stall's place is told.
    #[serde(skip)]
    by: Option<Places>,
}

impl Watched {
    pub(super) fn new(way: &'static Way, sampled: bool, named: bool) -> Self {
        Self {
            way,
            begun_ns: None,
            ended_ns: None,
            place: None,
            at_ns: None,
            skipped: None,
            found: None,
            sampled,
            named,
            unlimited: false,
        }
    }

    /// Takes in what the process says that it does.
    pub(super) fn hear(&mut self, cue: &Cue) {
        let mine = |trial: &String| trial == self.way.trial;
        match cue {
            Cue::Begin { trial, at_ns } if mine(trial) => self.begun_ns = Some(*at_ns),
            Cue::End { trial, at_ns } if mine(trial) => self.ended_ns = Some(*at_ns),
            Cue::Skip { trial, why } if mine(trial) => self.skipped = Some(why.clone()),
            Cue::Stop { trial, at_ns } if mine(trial) => self.at_ns = Some(*at_ns),
            Cue::Line { trial, at_ns, line, file } if mine(trial) => {
                self.place.get_or_insert_with(|| Place::Line(file.clone(), *line));
                self.at_ns.get_or_insert(*at_ns);
            }
            Cue::Address { trial, at_ns, address } if mine(trial) => {
                self.place.get_or_insert_with(|| Place::Address(address.clone()));
                self.at_ns.get_or_insert(*at_ns);
            }
            _ => {}
        }
    }

    /// Takes in what is known at a time.
    pub(super) fn look(&mut self, history: &History, now_ns: u64) {
        self.sampled |= history.header().tier != Tier::Exact;
        let is_listener = |state: &str| state == "LISTEN";
        let limits = |told: &stallscope_wire::Sockets| {
            told.sockets
                .iter()
                .filter(|socket| is_listener(&socket.state))
                .all(|socket| socket.send_queue == 0)
        };
        self.unlimited = history.sockets().is_none_or(limits);
        if self.found.is_none() && self.begun_ns.is_some() {
            self.found = self.fitting(history).map(|seen| (seen, now_ns));
        }
    }

    /// Nothing more is to be waited for.
    pub(super) fn is_settled(&self) -> bool {
        self.found.is_some()
            || self.skipped.is_some()
            || self.unseen().is_some()
            || self.way.expected == Expected::Nothing
    }

    /// Why it cannot be seen here.
    fn unseen(&self) -> Option<String> {
        let queue = self.way.trial == "accept_queue" && self.unlimited;
        let unsampled = self.way.unsampled.filter(|_| self.sampled).map(str::to_owned);
        unsampled.or_else(|| self.skipped.clone()).or_else(|| {
            queue.then(|| "how many connections may wait is not told without netlink sockets".to_owned())
        })
    }

    /// What is right in every way.
    fn fitting(&self, history: &History) -> Option<Seen> {
        let findings = findings(&[history]).into_iter();
        let found = match self.way.expected {
            Expected::Nothing => None,
            // Without names the stalls of all trials have one place, and only their time tells them apart.
            Expected::Place(Rule::BlockingPoll, causes) if !self.named => {
                let mut stalls = self.stalls(history).map(Seen::of_stall);
                return stalls.find(|seen| is_cause(causes, &seen.cause, false));
            }
            Expected::Place(Rule::BlockingPool, _) if !self.named => {
                findings.into_iter().find(|finding| finding.rule == Rule::BlockingPool)
            }
            Expected::Anywhere(rule, cause) => {
                let fits = |finding: &Finding| finding.rule == rule && finding.cause.to_string() == cause;
                findings.filter(fits).find(|finding| !finding.culprit.is_known())
            }
            Expected::Place(rule, causes) => findings
                .filter(|finding| finding.rule == rule && finding.severity > Severity::Info)
                .find(|finding| self.is_here(finding) && is_cause(causes, &finding.cause_in_words(), true)),
        };
        found.as_ref().map(Seen::of)
    }

    /// Whether it accuses the place that the trial named: the line, else the function.
    fn is_here(&self, finding: &Finding) -> bool {
        let culprit = &finding.culprit;
        match (&self.place, culprit.line, &culprit.function) {
            (Some(Place::Address(address)), ..) => culprit.listener.as_ref() == Some(address),
            (Some(Place::Line(file, line)), Some(seen), _) => {
                seen == *line && culprit.file.as_ref().is_some_and(|seen| same_file(seen, file))
            }
            (Some(Place::Line(..)), None, Some(function)) => {
                function.split("::").any(|part| part == self.way.trial)
            }
            (Some(Place::Line(..)), None, None) => false,
            (None, ..) => false,
        }
    }

    /// The stalls that began within the trial and that the code answers for.
    fn stalls<'a>(&self, history: &'a History) -> impl Iterator<Item = &'a StallRecord> + use<'a> {
        let since = history.header().started_unix_ns;
        let (begun, ended) = (self.begun_ns.unwrap_or(u64::MAX), self.ended_ns.unwrap_or(u64::MAX));
        history.stalls().filter(move |record| {
            let at = since.saturating_add(record.stall.started_ns);
            (begun..ended).contains(&at) && record.attributable_ns() > 0
        })
    }
}

/// Any, where none is given. Without names, no stack tells a mutex from a channel.
fn is_cause(causes: &[&str], cause: &str, named: bool) -> bool {
    let lock = |known: &&str| !named && known.starts_with("lock ") && cause.starts_with("lock");
    causes.is_empty() || causes.iter().any(|known| *known == cause || lock(known))
}

/// One may be told from the source root on, the other from elsewhere.
fn same_file(one: &str, other: &str) -> bool {
    let (one, other) = (Path::new(one), Path::new(other));
    one.ends_with(other) || other.ends_with(one)
}

impl Outcome {
    pub(super) fn of(watched: &Watched, history: &History) -> Self {
        let way = watched.way;
        let (rule, causes) = match way.expected {
            Expected::Place(rule, causes) => (Some(rule), causes.join(" or ")),
            Expected::Anywhere(rule, cause) => (Some(rule), cause.to_owned()),
            Expected::Nothing => (None, String::new()),
        };
        let place = watched.place.as_ref().map(|place| match place {
            Place::Line(file, line) => format!("{}:{line}", short_place(file)),
            Place::Address(address) => address.clone(),
        });
        let place = place
            .unwrap_or_else(|| if rule.is_some() { "a finding".to_owned() } else { "nothing".to_owned() });
        let expected = [place, rule.map(|rule| rule.to_string()).unwrap_or_default(), causes];
        let expected: Vec<_> = expected.into_iter().filter(|part| !part.is_empty()).collect();
        let found = watched.found.as_ref();
        let told_after_ns =
            found.and_then(|(_, told_ns)| Some(told_ns.saturating_sub(watched.at_ns.or(watched.begun_ns)?)));
        let mut outcome = Self {
            way: way.trial,
            about: way.about,
            rule,
            fate: Fate::Missed,
            expected: expected.join(", "),
            seen: found.map(|(seen, _)| seen.clone()),
            told_after_ns,
            note: None,
            places: found.and_then(|(seen, _)| seen.by),
        };
        let unseen = watched.unseen();
        if way.expected == Expected::Nothing {
            outcome.judge_innocent(watched, history);
        } else if found.is_some() {
            outcome.fate = Fate::Caught;
        } else if unseen.is_some() {
            (outcome.fate, outcome.note) = (Fate::Unseen, unseen);
        } else {
            outcome.look_for_another(watched, history);
        }
        outcome
    }

    /// Nothing within the trial may be blamed on the code.
    fn judge_innocent(&mut self, watched: &Watched, history: &History) {
        if let Some(blamed) = watched.stalls(history).find(|record| !record.is_probable()) {
            (self.fate, self.seen) = (Fate::Blamed, Some(Seen::of_stall(blamed)));
        } else if watched.ended_ns.is_some() {
            self.fate = Fate::Cleared;
        }
    }

    /// What was told in place of what was expected.
    fn look_for_another(&mut self, watched: &Watched, history: &History) {
        let worst = watched.stalls(history).max_by_key(|record| record.attributable_ns());
        self.seen = worst.map(Seen::of_stall);
        if watched.begun_ns.is_none() {
            self.note = Some("the trial did not begin".to_owned());
        }
        let host = history.stalls().filter(|record| record.blames_host());
        let slept: u64 = host.map(|record| record.stall.duration_ns).sum();
        if self.seen.is_none() && slept > 0 {
            let slept = show(slept);
            self.note = Some(format!(
                "the machine did not run the process for {slept} in all: try again when it is quiet"
            ));
        }
    }
}

impl Seen {
    fn of(finding: &Finding) -> Self {
        let place = match finding.culprit.is_known() {
            true => finding.culprit.to_string(),
            false => String::new(),
        };
        let cause = match finding.rule {
            Rule::BlockingPoll | Rule::LoopLag | Rule::HostPause => finding.cause_in_words(),
            _ => String::new(),
        };
        let by = (finding.rule == Rule::BlockingPoll).then(|| Places::by(&finding.culprit));
        Self { rule: finding.rule, place, cause, probable: finding.certainty == Certainty::Probable, by }
    }

    fn of_stall(record: &StallRecord) -> Self {
        let stall = &record.stall;
        let detail = stall.lock.as_ref().or(stall.syscall.as_ref());
        let detail = detail.map(|detail| format!(" {detail}")).unwrap_or_default();
        Self {
            rule: Rule::BlockingPoll,
            place: Culprit::of(record).to_string(),
            cause: format!("{}{detail}", stallscope::analysis::Cause::from(stall.cause)),
            probable: record.is_probable(),
            by: Some(Places::by(&Culprit::of(record))),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.rule.to_string();
        let parts = [&self.place, &rule, &self.cause].map(String::as_str);
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&parts.join(", "))?;
        if self.probable { f.write_str(" (probable)") } else { Ok(()) }
    }
}

impl Places {
    fn by(culprit: &Culprit) -> Self {
        match (culprit.line, &culprit.function) {
            (Some(_), _) => Self::Lines,
            (None, Some(_)) => Self::Functions,
            (None, None) => Self::None,
        }
    }

    /// The best that any way could be told by.
    pub(super) fn of(outcomes: &[Outcome], named: bool) -> Self {
        let has = |places| outcomes.iter().any(|outcome| outcome.places == Some(places));
        if !named {
            Self::None
        } else if has(Self::Lines) {
            Self::Lines
        } else if has(Self::Functions) {
            Self::Functions
        } else {
            Self::None
        }
    }

    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Lines => "by line",
            Self::Functions => {
                "by function: this build has no line tables (debug = \"line-tables-only\"), so lines are not known"
            }
            Self::None => "by cause alone: this build is stripped, so neither lines nor functions are known",
        }
    }
}
