//! Waiting in a system call for the sake of waiting.
#![expect(unsafe_code, reason = "these calls of libc have no safe form")]

use crate::time::LONG;
use std::process::Command;
use std::ptr;
use std::thread;

pub(super) async fn std_sleep() {
    thread::sleep(LONG); // blocks here: syscall clock_nanosleep
}

pub(super) async fn usleep() {
    let micros = LONG.as_micros() as libc::useconds_t;
    // SAFETY: it touches no memory.
    unsafe { libc::usleep(micros) }; // blocks here: syscall clock_nanosleep
}

pub(super) async fn poll() {
    let millis = LONG.as_millis() as libc::c_int;
    // SAFETY: it is told of no descriptors.
    unsafe { libc::poll(ptr::null_mut(), 0, millis) }; // blocks here: syscall poll
}

pub(super) async fn select() {
    let none = ptr::null_mut();
    let mut timeout = libc::timeval { tv_sec: 0, tv_usec: LONG.as_micros() as libc::suseconds_t };
    // SAFETY: it is told of no descriptors, and the timeout lives until it returns.
    unsafe { libc::select(0, none, none, none, &raw mut timeout) }; // blocks here: syscall pselect6 | select
}

pub(super) async fn child_process() {
    let mut sleep = Command::new("sleep");
    sleep.arg(LONG.as_secs_f64().to_string());
    sleep.status().unwrap(); // blocks here: syscall wait4 | waitid
}
