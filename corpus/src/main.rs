//! Each way to block a tokio event loop, one small case each, and innocent twins that do not.
//!
//! `stallscope-corpus CASE multi_thread|current_thread` runs one of them under `#[stallscope::main]`. The comment `blocks here`
//! marks the line to be named and says the cause; `tests/accuracy` compares what is found with it.

mod case;
mod cases;
mod time;

use case::Case;
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [name, flavor @ ("multi_thread" | "current_thread")] = arguments[..] else {
        eprintln!("usage: stallscope-corpus CASE multi_thread|current_thread");
        return ExitCode::from(2);
    };
    let Some(case) = cases::named(name) else {
        eprintln!("no case is called {name}");
        return ExitCode::from(2);
    };
    match flavor {
        "multi_thread" => multi_thread(case),
        _ => current_thread(case),
    }
    ExitCode::SUCCESS
}

#[stallscope::main(worker_threads = 2)]
async fn multi_thread(case: Case) {
    case.run().await;
}

#[stallscope::main(flavor = "current_thread")]
async fn current_thread(case: Case) {
    case.run().await;
}
