//! What the analysis says of processes whose lines are made up here.

mod assumed;
mod baseline;
mod compare;
mod excuses;
mod failures;
mod futures;
mod history;
mod leaks;
mod overrides;
mod pools;
mod report;
mod rules;
mod scenario;
mod sockets;
mod thresholds;
mod unpolled;
mod verdict;
mod window;
