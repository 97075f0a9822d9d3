//! A case: where it runs, and how it says that it cannot run here.

use std::pin::Pin;
use std::process::exit;

/// The exit code of a case that this machine cannot show. The reason stands on stderr.
const SKIPPED: i32 = 77;

/// What is run, and where. Boxed, as a server's handlers are.
pub(crate) enum Case {
    Task(Pin<Box<dyn Future<Output = ()> + Send>>),
    Root(Pin<Box<dyn Future<Output = ()>>>),
}

/// A case that is a task of its own.
pub(crate) fn task(case: impl Future<Output = ()> + Send + 'static) -> Case {
    Case::Task(Box::pin(case))
}

/// A case that runs in the root future.
pub(crate) fn root(case: impl Future<Output = ()> + 'static) -> Case {
    Case::Root(Box::pin(case))
}

impl Case {
    pub(crate) async fn run(self) {
        match self {
            Self::Task(case) => tokio::spawn(case).await.expect("the case does not panic"),
            Self::Root(case) => case.await,
        }
    }
}

/// Ends the process: what the case needs is not to be had here.
pub(crate) fn skip(reason: &str) -> ! {
    eprintln!("{reason}");
    exit(SKIPPED);
}
