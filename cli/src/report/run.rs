use super::Course;
use stallscope::analysis::History;

/// What one process told: what it came to, and how it went.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) history: History,
    pub(crate) course: Course,
}
