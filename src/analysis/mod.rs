//! One place for judgement: from lines to findings, from findings and thresholds to a verdict.
//!
//! Pure functions: nothing here reads a file, a clock or the environment. Lines go into a [`History`], one a process;
//! [`findings`] says what went wrong in them, [`judge`] whether that is acceptable, and [`Report`] is both as one
//! document.
//!
//! ```
//! use stallscope::analysis::{History, Terms, Verdict, findings, judge};
//! use stallscope_wire::{Header, Line, Stall};
//!
//! let mut history = History::new(Header { threshold_ns: 100_000_000, ..Header::default() });
//! history.apply(Line::Stall(Stall { duration_ns: 312_000_000, attributable_ns: 311_000_000, ..Stall::default() }));
//!
//! let findings = findings(&[&history]);
//! assert_eq!(findings[0].max_ns, 312_000_000);
//!
//! let judgement = judge(&Terms::default(), &[&history]);
//! assert_eq!(judgement.verdict, Verdict::Breach);
//! ```

#[cfg(feature = "report")]
pub mod compare;
mod culprit;
mod excerpt;
mod excuse;
mod finding;
mod group;
mod help;
mod history;
mod host;
mod imbalance;
mod judge;
#[cfg(feature = "instrument")]
pub(crate) mod limits;
mod measure;
mod place;
#[cfg(feature = "report")]
mod report;
mod retry;
mod rule;
mod terms;
pub mod thresholds;

pub use culprit::Culprit;
pub use excuse::{Allowance, AllowanceState, Baseline, By, Excuse, Known};
pub use finding::{Cause, Finding, Frame, Severity, SocketLeak, Task, frames_of};
pub use history::{History, Since, StallRecord, Window};
pub use host::HostDelay;
pub use imbalance::imbalance;
pub use judge::{Judgement, Outcome, Verdict, judge};
pub use place::short_place;
#[cfg(feature = "report")]
pub use report::{
    Blocked, BlockedStack, Connections, Figures, Histograms, Listener, Lost, Process, Quantiles, Report,
    Requests, Route, Slow, Sockets, SpawnSite, Tasks,
};
pub use retry::Attempt;
pub use rule::{Rule, findings};
pub use terms::Terms;
pub use thresholds::Threshold;
