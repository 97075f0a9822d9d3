//! Calls that start programs and wait for them.
//!
//! Not beside other calls: the end of a child is a signal too, which meets any thread when the child's parent, that was not run
//! for long, still blocks it. Unobserved as well, `sigtimedwait` was then cut short twice in 1,500 calls.
#![expect(unsafe_code, reason = "waitpid is libc's")]

use super::Call;
use super::outcome::{lasting, returned};
use crate::harness::ms;
use std::process::Command;

pub(super) fn all() -> Vec<Call> {
    vec![("Command::output", Box::new(command)), ("waitpid", Box::new(waitpid))]
}

fn sleeper() -> Command {
    let mut sleeper = Command::new("sleep");
    sleeper.arg("0.006");
    sleeper
}

fn command() -> String {
    lasting(ms(6), || format!("{:?}", sleeper().output().unwrap()))
}

fn waitpid() -> String {
    let pid = sleeper().spawn().unwrap().id() as i32;
    let mut status = 0;
    // SAFETY: the status outlives the call; nobody else waits for the child.
    let ended = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    if ended == pid { format!("status {status}") } else { returned(ended) }
}
