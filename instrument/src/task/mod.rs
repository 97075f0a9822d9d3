//! Tasks that are told of when they fail and nobody sees it, and when nothing can wake them any more.
//!
//! [`spawn`] and its like stand in for tokio's of the same name: what they return is awaited, aborted and joined in the same
//! way. In a process that is not watched, and in mode off, they are tokio's own at hardly any cost, and tell nothing.
//!
//! **A lost failure** is one whose task panicked, or returned an error, and whose result nobody took: the handle was dropped
//! before it gave the result, or the [`JoinSet`] was. Which of the two came first is the same to us. A result that was awaited
//! was seen, whatever was done with it. A task that was aborted has not failed. When a runtime is shut down, the tasks that it
//! cancels have not failed; a failure whose handle goes down with it was seen by nobody, and is told. So is the panic of a task that
//! was to be aborted.
//!
//! **A lost task** was polled, is pending, was not woken since, and no waker of it is left: nobody can wake it, ever. That
//! is counted: all that a task's future is given to be woken by are clones of one waker. Whatever wakes a task in tokio keeps such
//! a clone while it waits (a listener, a timer, a signal, a channel, a lock, another task's handle), and so a task that waits for
//! those is never taken for lost, however long they take. What is not found is a task whose waker is kept where nobody will
//! use it, as in a channel whose sender the task holds itself.
//!
//! Each task is watched from its spawn on; one that was spawned before the process was watched is not.

mod blocks;
mod builder;
mod failure;
mod fate;
mod future;
mod group;
mod handle;
mod orphans;
pub(crate) mod panics;
pub(crate) mod places;
mod refs;
mod set;
mod shared;
mod spawn;
mod state;
mod sync;
mod tasks;
mod waiting;
mod waker;
mod wakes;

pub use builder::Builder;
pub use handle::JoinHandle;
pub(crate) use orphans::Orphans;
pub use set::JoinSet;
pub use spawn::{spawn, spawn_blocking, spawn_fallible, spawn_local};
