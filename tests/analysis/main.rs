//! What the analysis says of processes whose lines are made up here.

mod history;
mod report;
mod rules;
mod scenario;
mod thresholds;
mod verdict;
mod window;
