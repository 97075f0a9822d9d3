//! The sampled tier, in processes of their own: all of it in a build without tokio's task hooks, and `attach` in any.

#[cfg(not(tokio_unstable))]
mod allowed;
mod attached;
#[cfg(not(tokio_unstable))]
mod blocking;
#[cfg(not(tokio_unstable))]
mod checked;
mod computing;
#[path = "../instrument/harness/mod.rs"]
#[expect(dead_code, reason = "the tests of the exact tier use more of it")]
mod harness;
#[cfg(not(tokio_unstable))]
#[path = "../instrument/idle.rs"]
mod idle;
#[cfg(not(tokio_unstable))]
#[path = "../instrument/requests.rs"]
mod requests;
#[cfg(not(tokio_unstable))]
mod ways;
