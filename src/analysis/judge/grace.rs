use super::super::thresholds::Metric;
use super::super::{History, Threshold};
use stallscope_wire::duration::show;

/// What the start-up grace of the processes hides, for people.
#[derive(Debug, Default)]
pub(super) struct Grace {
    /// What was not judged because of it.
    pub(super) unjudged: Vec<String>,
    /// What else is to be known of it.
    pub(super) notes: Vec<String>,
}

impl Grace {
    pub(super) fn of(thresholds: &[Threshold], histories: &[&History]) -> Self {
        let mut grace = Self::default();
        let mut silent = Vec::new();
        for &history in histories {
            match Startup::of(history) {
                Startup::Over => {}
                Startup::Excused(polls) => grace.notes.push(format!(
                    "{polls} in the start-up grace of process {} counted as start-up",
                    history.header().pid
                )),
                Startup::Hid(polls) => grace.unjudged.push(format!(
                    "no runtime of {} was seen beyond its start-up grace, in which nothing is judged, and {polls} lay in it; \
                     set STALLSCOPE_GRACE=0ms to judge them",
                    name(history)
                )),
                Startup::Silent => silent.push(history),
            }
        }
        // Nothing else leaves the grace out.
        let concerns = |threshold: &Threshold| {
            matches!(threshold.metric(), Metric::Stall | Metric::Lag | Metric::BlockingPool)
        };
        if let Some((first, others)) = silent.split_first()
            && thresholds.iter().any(concerns)
        {
            let others = match others.len() {
                0 => String::new(),
                1 => ", nor one of another process".to_owned(),
                others => format!(", nor one of {others} others"),
            };
            let seen = format!("no runtime of {} was seen beyond its start-up grace{others}", name(first));
            let watched = histories.iter().filter(|history| history.is_watched()).count();
            if silent.len() == watched {
                grace.unjudged.push(format!(
                    "nothing was judged: {seen}; let it run for longer, or set STALLSCOPE_GRACE=0ms"
                ));
            } else {
                grace.notes.push(format!("{seen}: what blocked there was not judged"));
            }
        }
        grace
    }
}

fn name(history: &History) -> String {
    let header = history.header();
    format!("process {} ({})", header.pid, header.exe)
}

/// How far a process has come.
enum Startup {
    /// Beyond its grace, which hid nothing.
    Over,
    /// Beyond its grace, in which lay these polls.
    Excused(String),
    /// No further, and these polls lay in it.
    Hid(String),
    /// No further, and no poll that ended in it was too long.
    Silent,
}

impl Startup {
    fn of(history: &History) -> Self {
        let Some(snapshot) = history.snapshot() else { return Self::Over };
        let startup = snapshot.startup;
        let polls = || match startup.long_polls {
            1 => format!("a poll of {}", show(startup.longest_ns)),
            count => format!("{count} polls of up to {}", show(startup.longest_ns)),
        };
        // A stall is told of only beyond it, though no snapshot may follow.
        let over = startup.over || history.stalls().next().is_some();
        match (over, startup.long_polls) {
            (true, 0) => Self::Over,
            // That nothing was seen at all is told otherwise.
            (false, 0) if !history.is_watched() => Self::Over,
            (true, _) => Self::Excused(polls()),
            (false, 0) => Self::Silent,
            (false, _) => Self::Hid(polls()),
        }
    }
}
