//! How busy the workers are.

use crate::harness::{LONG, ms, multi_thread, program, run};
use stallscope::analysis::imbalance;
use stallscope_wire::{Line, Snapshot};
use std::thread;
use std::time::Instant;
use tokio::time::sleep;

#[test]
fn one_worker_that_does_everything_is_an_imbalance() {
    let program = program(|| {
        run(multi_thread(), async {
            let busy = tokio::spawn(async {
                let begun = Instant::now();
                while begun.elapsed() < 5 * LONG {
                    thread::sleep(ms(1));
                }
            });
            busy.await.unwrap();
            sleep(ms(20)).await;
        });
    });
    // Its one poll is long on purpose.
    let seen = program.with("STALLSCOPE_THRESHOLD", "1h").run().ended();
    let snapshots = seen.log().lines.iter().filter_map(|line| match line {
        Line::Snapshot(snapshot) => Some(snapshot),
        _ => None,
    });
    let uneven = |snapshot: &&Snapshot| {
        let runtime = snapshot.runtimes.first()?;
        imbalance(snapshot, runtime.id).filter(|figure| (1.0..=2.0).contains(figure))
    };
    let snapshots: Vec<&Snapshot> = snapshots.collect();
    let most = snapshots.iter().filter_map(uneven).fold(0.0, f64::max);
    assert!(most > 1.5, "{most} in {snapshots:#?}");
    // Before tokio has added up a poll that goes on.
    let whole = snapshots.iter().flat_map(|snapshot| &snapshot.workers);
    assert!(whole.clone().any(|worker| worker.busy_permille == 1000), "{snapshots:#?}");
    assert!(whole.filter(|worker| worker.index.is_some()).all(|worker| worker.steal_count.is_some()));
}
