//! A program on a platform that tells nothing of its threads, as `--cfg stallscope_elsewhere` makes this one.
#![cfg(all(stallscope_elsewhere, tokio_unstable))]

use stallscope_instrument::Config;
use stallscope_wire::{Cause, Line, Owner, Phase, Reader, Stall};
use std::fs::File;
use std::time::Duration;

#[test]
fn a_stall_is_told_by_where_its_task_was_spawned_and_the_rest_as_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.jsonl");
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let config = Config::new().log(&log).threshold(Duration::from_millis(20)).grace(Duration::ZERO);
    let guard = config.install(builder.worker_threads(1)).unwrap();
    let spawned_on = line!() + 3;
    builder.build().unwrap().block_on(async {
        tokio::task::yield_now().await;
        tokio::spawn(async { std::thread::sleep(Duration::from_millis(200)) }).await.unwrap();
    });
    drop(guard);

    let mut reader = Reader::new(File::open(&log).unwrap()).unwrap();
    let (mut stalls, mut missing) = (Vec::<Stall>::new(), reader.header().coverage.missing.clone());
    while let Some(line) = reader.next_line().unwrap() {
        match line {
            Line::Stall(stall) if stall.phase == Phase::End => stalls.push(stall),
            Line::Coverage(coverage) => missing = coverage.missing,
            _ => {}
        }
    }
    let [stall] = &stalls[..] else { panic!("one stall: {stalls:#?}") };
    let task = stall.task.as_ref().expect("the record names its task");
    assert!(task.spawned_at.contains(&format!("elsewhere.rs:{spawned_on}:")), "{task:?}");
    assert_eq!((stall.owner, stall.cause), (Owner::Task, Cause::Unknown));
    assert!(stall.duration_ns >= 200_000_000, "{stall:?}");
    for gap in ["which line blocks: ", "why a poll is long", "live: "] {
        let told = missing.iter().find(|known| known.what.starts_with(gap));
        assert!(told.is_some_and(|gap| !gap.cure.is_empty()), "{gap}: {missing:#?}");
    }
}
