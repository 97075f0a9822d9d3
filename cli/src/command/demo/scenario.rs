use std::time::Duration;

/// The length of a story in seconds, which all times of the phases are in; a shorter demo tells it faster.
const STORY: u32 = 60;

/// What a demo shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scenario {
    /// A story: calm, then lines that block, then the same work done as it ought to be.
    Mixed,
    /// One way to block after the other.
    Blocking,
    /// The same work, done as it ought to be: nothing is to be found.
    Fixed,
    /// WebSockets that their clients have left, and the server keeps.
    Leaks,
    /// A healthy server under load: nothing is to be found.
    Calm,
}

/// A part of the story: who asks for what, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    /// What happens in it, for people.
    pub(super) about: String,
    /// Seconds of the story.
    from: u32,
    until: u32,
    /// Requests and messages a second: so few that a healthy server is nearly idle.
    pub(super) rate: u32,
    /// Connections, and sockets to each URL that is held.
    pub(super) connections: u32,
    /// How long WebSockets are held.
    pub(super) lifetime: Option<&'static str>,
    /// What is asked for.
    pub(super) mix: Vec<Call>,
}

/// Its share of the mix, the scheme and the path.
pub(super) type Call = (u32, &'static str, String);

/// Ways to block, and their cures under the same names.
const FAULTS: [&str; 9] = ["sleep", "cpu", "file", "http", "db", "dns", "mutex", "fsync", "pool"];

/// In `mixed`: calls and their share of 300, which take three seconds. Between the faults there is mostly work that is done
/// as it ought to be.
const ORDINARY: [(u32, &str); 3] = [(269, "/"), (15, "/fixed/sleep?ms=200"), (13, "/fixed/cpu?ms=20")];
/// By their order the sleep is not over when the computation begins, so that for a third of a second both workers of the
/// server are blocked, and everybody waits; the read comes alone.
const STALLS: [(u32, &str); 3] = [(1, "sleep?ms=1400"), (1, "cpu?ms=600"), (1, "file")];

impl Scenario {
    /// What happens, in order.
    pub(super) fn phases(self) -> Vec<Phase> {
        match self {
            Self::Mixed => vec![
                phase("calm", "all waits as it ought to", 0..10, ordinary()),
                phase("stall", "/blocking/sleep, cpu and file among the rest", 10..40, beside("blocking")),
                phase("cure", "/fixed/sleep, cpu and file in their place", 40..60, beside("fixed")),
            ],
            Self::Blocking => one_by_one("stall", "blocking"),
            Self::Fixed => one_by_one("cure", "fixed"),
            Self::Leaks => vec![
                Phase { lifetime: None, ..chat("calm", "clients chat in /ws and stay", 0..8, &["/ws"]) },
                chat("leak", "clients come and go in /ws and /ws/leaky", 8..44, &["/ws", "/ws/leaky"]),
                chat("after", "clients come and go in /ws alone", 44..60, &["/ws"]),
            ],
            Self::Calm => vec![phase("calm", "all waits as it ought to", 0..60, ordinary())],
        }
    }

    /// Whether there is anything to find.
    pub(super) fn is_faulty(self) -> bool {
        !matches!(self, Self::Fixed | Self::Calm)
    }

    /// How the server is set, besides its number of workers, for a story of this length.
    pub(super) fn settings(self, story: Duration) -> Vec<(&'static str, String)> {
        match self {
            // Real ones may stay for ten seconds, which is most of a short story.
            Self::Leaks => {
                let limit = (story / 15).max(Duration::from_secs(1));
                vec![("STALLSCOPE_CLOSE_WAIT", format!("{}ms", limit.as_millis()))]
            }
            _ => Vec::new(),
        }
    }
}

impl Phase {
    /// How long it lasts in a story of this length.
    pub(super) fn lasts(&self, story: Duration) -> Duration {
        story * (self.until - self.from) / STORY
    }
}

/// The length of the story in a demo of this length.
pub(super) fn story(demo: Duration) -> Duration {
    demo.min(Duration::from_secs(STORY.into()))
}

fn phase(name: &'static str, about: &str, seconds: std::ops::Range<u32>, mix: Vec<Call>) -> Phase {
    let (from, until) = (seconds.start, seconds.end);
    Phase { name, about: about.to_owned(), from, until, rate: 100, connections: 50, lifetime: None, mix }
}

fn ordinary() -> Vec<Call> {
    ORDINARY.map(|(share, path)| (share, "http", path.to_owned())).to_vec()
}

/// The ordinary work, and this with it.
fn beside(kind: &str) -> Vec<Call> {
    let ours = STALLS.map(|(share, path)| (share, "http", format!("/{kind}/{path}")));
    ours.into_iter().chain(ordinary()).collect()
}

/// A phase for each fault or its cure: four times a second, so that now and then both workers are in it at one time and nobody
/// is left for the requests beside it, which have nothing to do with it.
fn one_by_one(name: &'static str, kind: &str) -> Vec<Phase> {
    let count = FAULTS.len() as u32;
    let phases = FAULTS.iter().zip(0u32..).map(|(fault, i)| {
        let path = format!("/{kind}/{fault}");
        let mix = vec![(1, "http", path.clone()), (11, "http", "/".to_owned())];
        Phase { rate: 50, ..phase(name, &path, STORY * i / count..STORY * (i + 1) / count, mix) }
    });
    phases.collect()
}

/// Clients of chats, each for a second, beside ordinary requests. What they say is heard in `/ws`.
fn chat(name: &'static str, about: &str, seconds: std::ops::Range<u32>, chats: &[&str]) -> Phase {
    let says = |path: &str| u32::from(path == "/ws");
    let mut mix: Vec<_> = chats.iter().map(|path| (says(path), "ws", (*path).to_owned())).collect();
    mix.push((9, "http", "/".to_owned()));
    Phase { rate: 50, connections: 4, lifetime: Some("1s"), ..phase(name, about, seconds, mix) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn each_story_is_told_without_a_gap() {
        for scenario in Scenario::value_variants() {
            let phases = scenario.phases();
            let times: Vec<_> = phases.iter().map(|phase| (phase.from, phase.until)).collect();
            assert!(times.windows(2).all(|pair| pair[0].1 == pair[1].0), "{scenario:?}: {times:?}");
            assert_eq!((times[0].0, times[times.len() - 1].1), (0, STORY), "{scenario:?}");
            assert!(phases.iter().all(|phase| phase.from < phase.until), "{scenario:?}");
        }
    }

    #[test]
    fn a_scenario_without_faults_asks_for_none() {
        for scenario in Scenario::value_variants().iter().filter(|scenario| !scenario.is_faulty()) {
            let phases = scenario.phases();
            let mut paths = phases.iter().flat_map(|phase| &phase.mix).map(|(_, _, path)| path);
            assert!(paths.all(|path| path == "/" || path.starts_with("/fixed/")), "{scenario:?}");
        }
    }

    #[test]
    fn a_short_demo_tells_the_story_faster() {
        let half = story(Duration::from_secs(30));
        let phases = Scenario::Mixed.phases();
        assert_eq!(phases[1].lasts(half), Duration::from_secs(15));
        assert_eq!(story(Duration::from_secs(600)), Duration::from_secs(60));
    }
}
