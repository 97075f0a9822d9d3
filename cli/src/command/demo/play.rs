use super::process::Process;
use super::scenario::{Phase, story};
use serde_json::Value;
use stallscope_wire::duration::show;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long the last answers of a phase are waited for.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// A phase that is shorter is not begun: there is no story in it.
const SHORTEST: Duration = Duration::from_millis(50);

/// A story that is being played on a server; it ends with this value.
#[derive(Debug)]
pub(super) struct Play {
    stage: Arc<Mutex<Stage>>,
    end: Option<Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What there is to see of it.
#[derive(Debug, Default)]
struct Stage {
    playing: Option<(Phase, Instant)>,
    /// The p99 of `GET /` in each phase that is over, the last one last.
    told: Vec<(&'static str, u64)>,
    failure: Option<String>,
    over: bool,
}

/// What happens in a play, for whoever wants to tell it as it happens.
pub(super) enum Turn<'a> {
    /// It begins, and lasts so long.
    Begins(&'a Phase, Duration),
    /// It is over; nanoseconds in which 99 of 100 requests to `/` were answered in it, if any was.
    Over(Option<u64>),
}

impl Play {
    /// Plays the phases on the server at a URL, again and again until the time is over.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        url: &str,
        phases: Vec<Phase>,
        time: Duration,
        tell: impl Fn(&Turn<'_>) + Send + 'static,
    ) -> io::Result<Self> {
        let stage = Arc::<Mutex<Stage>>::default();
        let (end, ended) = channel();
        let actor = Actor { authority: url.trim_start_matches("http://").to_owned(), stage, ended };
        let stage = Arc::clone(&actor.stage);
        let thread = thread::Builder::new().name("play".to_owned()).spawn(move || {
            if let Err(failure) = actor.play(&phases, time, &tell) {
                actor.stage().failure = Some(failure);
            }
            actor.stage().over = true;
        })?;
        Ok(Self { stage, end: Some(end), thread: Some(thread) })
    }

    /// Whether all is played, or why it could not be.
    pub(super) fn over(&self) -> Result<bool, String> {
        let stage = lock(&self.stage);
        stage.failure.clone().map_or(Ok(stage.over), Err)
    }

    /// What happens now, in a line: most important first, since the end may be cut.
    pub(super) fn in_words(&self) -> String {
        let stage = lock(&self.stage);
        let mut words = match (&stage.failure, &stage.playing) {
            (Some(failure), _) => failure.clone(),
            (None, Some((phase, until))) if !stage.over => {
                match until.saturating_duration_since(Instant::now()).as_secs() {
                    0 => format!("{}: {}", phase.name, phase.about),
                    left => format!("{} ({left}s): {}", phase.name, phase.about),
                }
            }
            _ => "over: nothing is asked of the server any more".to_owned(),
        };
        let last = stage.told.iter().rev().take(2).rev();
        let told: Vec<_> = last.map(|(name, p99)| format!("{name} {}", show(*p99))).collect();
        if !told.is_empty() {
            words += &format!(" · p99 of GET /: {}", told.join(", "));
        }
        words
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // What it says is told already, and it panics at nothing.
            let _ = thread.join();
        }
    }
}

/// Who plays it.
struct Actor {
    authority: String,
    stage: Arc<Mutex<Stage>>,
    /// Nobody looks any more.
    ended: Receiver<()>,
}

impl Actor {
    fn play(&self, phases: &[Phase], time: Duration, tell: &impl Fn(&Turn<'_>)) -> Result<(), String> {
        let (over, story) = (Instant::now() + time, story(time));
        let mut first = true;
        while first || Instant::now() + SHORTEST < over {
            for phase in phases {
                let left = over.saturating_duration_since(Instant::now());
                // The first time it is told to its end, even if answers are waited for that come late.
                let lasts = if first { phase.lasts(story) } else { phase.lasts(story).min(left) };
                if lasts < SHORTEST {
                    return Ok(());
                }
                tell(&Turn::Begins(phase, lasts));
                self.stage().playing = Some((phase.clone(), Instant::now() + lasts));
                let Some(measured) = self.act(phase, lasts)? else { return Ok(()) };
                let p99 = p99(&measured);
                self.stage().told.extend(p99.map(|p99| (phase.name, p99)));
                tell(&Turn::Over(p99));
            }
            first = false;
        }
        Ok(())
    }

    /// Has the load of a phase made, and gives what it measured; none when nobody looks any more.
    fn act(&self, phase: &Phase, lasts: Duration) -> Result<Option<Value>, String> {
        let begun = Instant::now();
        let mut load = Process::start(self.load(phase, lasts), &[])
            .map_err(|error| format!("cannot start the load: {error}"))?;
        let (tell, told) = channel();
        if let Some(mut stdout) = load.stdout() {
            thread::spawn(move || {
                let mut printed = String::new();
                // Half of it is as good as nothing.
                let _ = stdout.read_to_string(&mut printed);
                tell.send(printed)
            });
        }
        if self.ended.recv_timeout(lasts) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            return Ok(None);
        }
        let in_time = told.recv_timeout(LAST_ANSWERS);
        let failed = load.ended().is_some_and(|status| !status.success()).then(|| load.last_words());
        // It is told to end, and tells what it has measured until then.
        drop(load);
        let printed = in_time.or_else(|_| told.recv_timeout(LAST_ANSWERS)).unwrap_or_default();
        match (serde_json::from_str(&printed), failed) {
            (Ok(measured), _) => Ok(Some(measured)),
            (Err(_), Some(words)) => Err(format!("the load failed: {}", words.trim_start_matches("error: "))),
            // It was cut off before it measured anything, as on a machine that is very busy.
            (Err(_), None) if begun.elapsed() >= lasts => Ok(Some(Value::Null)),
            (Err(error), None) => Err(format!("the load said nothing that makes sense: {error}")),
        }
    }

    fn load(&self, phase: &Phase, lasts: Duration) -> Vec<String> {
        let mut args = vec!["load".to_owned(), "--quiet".to_owned(), "--format=json".to_owned()];
        args.push(format!("--rate={}", phase.rate));
        args.push(format!("--duration={}ms", lasts.as_millis()));
        args.push(format!("--connections={}", phase.connections));
        args.extend(phase.lifetime.map(|lifetime| format!("--lifetime={lifetime}")));
        let urls = phase
            .mix
            .iter()
            .map(|(share, scheme, path)| format!("{share}*{scheme}://{}{path}", self.authority));
        args.extend(urls);
        args
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        lock(&self.stage)
    }
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of the requests to `/`, from the time at which each was due.
fn p99(measured: &Value) -> Option<u64> {
    let is_root = |target: &&Value| {
        let after_scheme = target["url"].as_str().and_then(|url| url.strip_prefix("http://"));
        after_scheme.is_some_and(|rest| rest.find('/') == Some(rest.len() - 1))
    };
    let root = measured["targets"].as_array()?.iter().find(is_root)?;
    root["latency"]["corrected"]["p99_ns"].as_u64().filter(|_| root["answered"] != 0)
}
