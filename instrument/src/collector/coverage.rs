//! Finds what our hooks do not see of a runtime.

use crate::recorder;
use crate::runtime::Runtime;
use stallscope_wire::Gap;
use std::collections::HashMap;

/// Polls and parks that tokio must have counted until their absence with us says something.
const ENOUGH: u64 = 64;

/// Compares what tokio counts with what our hooks have recorded.
#[derive(Debug, Default)]
pub(super) struct HookCheck {
    told: HashMap<u64, Told>,
}

/// The gaps that a runtime's were told of.
#[derive(Debug, Default)]
struct Told {
    root: bool,
    replaced: bool,
}

impl HookCheck {
    /// A gap, the first time that one is seen in a runtime.
    pub(super) fn look(&mut self, runtime: &Runtime) -> Option<Gap> {
        let told = self.told.entry(runtime.id).or_default();
        if !told.root && !runtime.settings.root_wrapped && !runtime.is_current_thread() {
            told.root = true;
            return Some(Gap {
                what: format!(
                    "the root future of runtime {}, and LocalSets in it: no hook tells of their thread",
                    runtime.id
                ),
                cure: "use #[stallscope::main], or spawn what may block".to_owned(),
            });
        }
        // A builder holds one closure per hook, and the last one set stands.
        if told.replaced || tokio_polls(runtime) < ENOUGH {
            return None;
        }
        let of_it = |thread: &&recorder::Registered| thread.thread.runtime == runtime.id;
        let threads = recorder::registered();
        let seen: u64 = threads.iter().filter(of_it).map(|thread| polls_of(thread.cell)).sum();
        if seen > 0 {
            return None;
        }
        told.replaced = true;
        Some(Gap {
            what: format!(
                "polls of runtime {}: the app has replaced our task hooks on its builder",
                runtime.id
            ),
            cure: "install Stallscope last, and give the app's own hooks to stallscope::Config".to_owned(),
        })
    }
}

fn polls_of(cell: &recorder::Cell) -> u64 {
    cell.rows().map(|(_, row)| row.polls).sum::<u64>() + cell.unplaced().polls
}

/// Polls of the app's tasks that tokio has counted; the lag probe's, which are not recorded, are as many as its waits.
#[cfg(all(tokio_unstable, target_has_atomic = "64"))]
fn tokio_polls(runtime: &Runtime) -> u64 {
    let metrics = runtime.handle.metrics();
    let polls: u64 = (0..metrics.num_workers()).map(|worker| metrics.worker_poll_count(worker)).sum();
    polls.saturating_sub(2 * runtime.probes_sent())
}

#[cfg(not(all(tokio_unstable, target_has_atomic = "64")))]
fn tokio_polls(_runtime: &Runtime) -> u64 {
    0
}
