use super::job::{Order, Progress};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};
use tracing::{Instrument, Span};

/// Jobs that may wait. More would not be done sooner, and whoever sends one would learn later that it is too much.
const ROOM: usize = 16;
/// Jobs whose outcome is remembered, the youngest.
const REMEMBERED: usize = 1_000;

/// Work that outlives its request: a bounded queue and one worker. Nobody waits for a place in it.
#[derive(Debug)]
pub(in crate::reference) struct Jobs {
    /// None once the server is ending.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    book: Arc<Mutex<Book>>,
    /// Closed once the worker has ended.
    worker: watch::Receiver<()>,
}

#[derive(Debug)]
struct Job {
    id: u64,
    order: Order,
    /// That of the request that it came with, so that what the job logs says the request's id.
    span: Span,
}

/// Why a job is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// The queue has no room now.
    Full,
    /// The server is ending.
    Ending,
}

/// How much there is to do, and was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Depth {
    /// Jobs that wait.
    queued: usize,
    /// How many may.
    room: usize,
    running: usize,
    /// Jobs worked off since the start, with or without success.
    done: u64,
}

impl Jobs {
    /// Starts the worker, on the runtime that it is called from.
    pub(super) fn start() -> Self {
        let (queue, waiting) = mpsc::channel(ROOM);
        let (alive, worker) = watch::channel(());
        let book = Arc::<Mutex<Book>>::default();
        tokio::spawn(work_off(waiting, Arc::clone(&book), alive));
        Self { queue: Mutex::new(Some(queue)), book, worker }
    }

    /// Takes a job if there is room, and gives the number that it is asked after by.
    pub(super) fn take(&self, order: Order) -> Result<u64, NotTaken> {
        let queue = locked(&self.queue);
        let place = queue.as_ref().ok_or(NotTaken::Ending)?.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => NotTaken::Full,
            mpsc::error::TrySendError::Closed(()) => NotTaken::Ending,
        })?;
        // In the book before it is in the queue: the worker may be quick.
        let id = locked(&self.book).enter();
        place.send(Job { id, order, span: Span::current() });
        Ok(id)
    }

    /// How far a job is; none for one that never was or is forgotten.
    pub(super) fn progress(&self, id: u64) -> Option<Progress> {
        locked(&self.book).jobs.get(&id).cloned()
    }

    pub(super) fn depth(&self) -> Depth {
        let book = locked(&self.book);
        let count = |wanted| book.jobs.values().filter(|progress| **progress == wanted).count();
        Depth {
            queued: count(Progress::Queued),
            room: ROOM,
            running: count(Progress::Running),
            done: book.done,
        }
    }

    /// Takes no more jobs, and returns when those in the queue are worked off. Whoever has no time for that may drop the future:
    /// the rest is lost with the runtime.
    pub(in crate::reference) fn drain(&self) -> impl Future<Output = ()> + use<> {
        locked(&self.queue).take();
        let mut worker = self.worker.clone();
        // Nothing is ever sent: the only change is that the sender is gone.
        async move { while worker.changed().await.is_ok() {} }
    }
}

/// Works off one job after the other, until there is no queue any more.
async fn work_off(mut queue: mpsc::Receiver<Job>, book: Arc<Mutex<Book>>, _alive: watch::Sender<()>) {
    while let Some(Job { id, order, span }) = queue.recv().await {
        locked(&book).note(id, Progress::Running);
        let progress = async {
            match order.work().await {
                Ok(hash) => {
                    tracing::info!(job = id, "job done");
                    Progress::Done { hash }
                }
                Err(error) => {
                    tracing::error!(job = id, "job failed: {error}");
                    Progress::Failed
                }
            }
        };
        let progress = progress.instrument(span).await;
        locked(&book).close(id, progress);
    }
}

/// What is known of jobs, by number.
#[derive(Debug, Default)]
struct Book {
    jobs: BTreeMap<u64, Progress>,
    entered: u64,
    done: u64,
}

impl Book {
    fn enter(&mut self) -> u64 {
        self.entered += 1;
        self.note(self.entered, Progress::Queued);
        if self.jobs.len() > REMEMBERED {
            // The oldest is worked off: far fewer can wait.
            self.jobs.pop_first();
        }
        self.entered
    }

    fn note(&mut self, id: u64, progress: Progress) {
        self.jobs.insert(id, progress);
    }

    fn close(&mut self, id: u64, progress: Progress) {
        self.note(id, progress);
        self.done += 1;
    }
}

/// No code panics while it holds one of these locks, and none awaits.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rounds: u32) -> Order {
        Order { text: "a".to_owned(), rounds }
    }

    #[tokio::test]
    async fn draining_works_off_what_was_taken_and_takes_no_more() {
        let jobs = Jobs::start();
        let ids: Vec<_> = (0..ROOM).map(|_| jobs.take(order(10)).unwrap()).collect();
        assert_eq!(jobs.take(order(1)), Err(NotTaken::Full), "the worker has not run yet");
        let drained = jobs.drain();
        assert_eq!(jobs.take(order(1)), Err(NotTaken::Ending));
        drained.await;
        for id in ids {
            assert!(matches!(jobs.progress(id), Some(Progress::Done { .. })), "{id}");
        }
        assert_eq!(jobs.depth(), Depth { queued: 0, room: ROOM, running: 0, done: ROOM as u64 });
        jobs.drain().await;
    }

    #[tokio::test]
    async fn a_job_hashes_the_hash() {
        let once = order(1).work().await.unwrap();
        assert_eq!(once, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
        let twice = order(2).work().await.unwrap();
        assert_eq!(twice, "bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8");
    }

    #[test]
    fn only_the_youngest_jobs_are_remembered() {
        let mut book = Book::default();
        for _ in 0..REMEMBERED + 5 {
            let id = book.enter();
            book.close(id, Progress::Failed);
        }
        assert_eq!((book.jobs.len(), book.jobs.first_key_value().map(|(id, _)| *id)), (REMEMBERED, Some(6)));
    }
}
