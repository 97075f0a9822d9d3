use super::stage::{Cue, Stage, tell, wait_for_go};
use super::{calls, crowds, locks, lost, roots};
use crate::lifeline::Lifeline;
use std::io;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How long each trial blocks: three times what is told.
pub(super) const LONG: Duration = Duration::from_millis(150);
/// Between two trials, so that none is taken for the other.
const PAUSE: Duration = Duration::from_millis(40);
/// By when workers have made themselves known that no hook tells of.
const KNOWN: Duration = Duration::from_millis(600);

/// Does something on another thread, a while from now.
pub(super) fn later(what: impl FnOnce() -> io::Result<()> + Send + 'static) {
    thread::spawn(move || {
        thread::sleep(LONG);
        // What it fails at, the one who waits for it sees.
        let _ = what();
    });
}

/// Blocks once, so that the names of what blocks are opened; runs all trials when the word comes on stdin, tells of them on
/// stdout, and then waits until stdin is closed. With `attached` it is watched as a runtime that was built without us.
///
/// # Errors
/// When stdin is closed before, or the runtime cannot be built.
pub(crate) fn run(attached: bool) -> io::Result<()> {
    if attached { beside() } else { hooked() }
}

/// The runtime that is watched from outside runs on a thread of its own. Ours only tells which program this is.
#[stallscope::main(flavor = "current_thread")]
async fn beside() -> io::Result<()> {
    let (tell, ended) = oneshot::channel();
    thread::Builder::new().spawn(move || tell.send(unhooked()))?;
    ended.await.map_err(io::Error::other)?
}

fn unhooked() -> io::Result<()> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build()?.block_on(async {
        let _guard = stallscope::attach().map_err(io::Error::other)?;
        play().await
    })
}

#[stallscope::main(worker_threads = 2)]
async fn hooked() -> io::Result<()> {
    play().await
}

async fn play() -> io::Result<()> {
    sleep(KNOWN).await;
    in_a_task("warm_up", calls::warm_up).await;
    spawn_blocking(wait_for_go).await.map_err(io::Error::other)??;
    let until = Lifeline::of_stdin(true);
    tokio::select! {
        () = until.cut() => {}
        () = all() => {}
    }
    Ok(())
}

async fn all() {
    let leak = Stage("task_leak");
    leak.begin();
    let leaking = tokio::spawn(lost::task_leak(leak));
    let _left = held("left_connections", crowds::left_connections);
    let _waiting = held("accept_queue", crowds::accept_queue);

    in_a_task("std_sleep", calls::std_sleep).await;
    in_a_task("file_read", calls::file_read).await;
    in_a_task("pipe_read", calls::pipe_read).await;
    in_a_task("tcp_read", calls::tcp_read).await;
    in_a_task("accept", calls::accept).await;
    in_a_task("name_lookup", calls::name_lookup).await;
    in_a_task("computing", calls::computing).await;
    in_a_task("mutex", locks::mutex).await;
    in_a_task("rwlock", locks::rwlock).await;
    in_a_task("condvar", locks::condvar).await;
    in_a_task("channel", locks::channel).await;
    in_a_task("join", locks::join).await;
    in_a_task("park", locks::park).await;
    by_itself("root_future", roots::root_future).await;
    by_itself("in_a_local_set", roots::local_set).await;
    by_itself("never_awaited", lost::never_awaited).await;
    by_itself("never_polled", lost::never_polled).await;
    by_itself("detached_panic", lost::detached_panic).await;
    by_itself("lost_task", lost::lost_task).await;
    by_itself("blocking_pool", crowds::full_pool).await;
    by_itself("saturation", crowds::saturation).await;
    by_itself("innocent", roots::innocent).await;
    by_itself("stopped", roots::stopped).await;
    tell(&Cue::Over);
    // The leak, and what is left, stay until whoever looks on has seen them.
    let _ = leaking.await;
}

/// A trial that is one call, in a task of its own.
async fn in_a_task(name: &'static str, trial: fn(&Stage) -> io::Result<()>) {
    by_itself(name, async move |stage: Stage| {
        tokio::spawn(async move { trial(&stage) }).await.map_err(io::Error::other)?
    })
    .await;
}

async fn by_itself(name: &'static str, trial: impl AsyncFnOnce(Stage) -> io::Result<()>) {
    let stage = Stage(name);
    stage.begin();
    let ran = trial(stage.clone()).await;
    sleep(PAUSE).await;
    stage.end(&ran);
}

/// A trial that lasts as long as what it returns.
fn held<T>(name: &'static str, trial: fn(&Stage) -> io::Result<T>) -> Option<T> {
    let stage = Stage(name);
    stage.begin();
    trial(&stage).map_err(|error| stage.end(&Err(error))).ok()
}
