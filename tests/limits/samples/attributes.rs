use super::ms;
use rstest::{fixture, rstest};
use std::time::Duration;
use std::{io, thread};
use tokio::time::{Instant, sleep};

#[fixture]
fn step() -> Duration {
    ms(1)
}

#[rstest]
#[case::quick(1)]
#[case::slow(150)]
#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn cases(#[case] long: u64, step: Duration) {
    sleep(step).await;
    thread::sleep(ms(long)); // case
}

#[rstest]
#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn values(#[values(1, 150)] long: u64) {
    thread::sleep(ms(long));
}

#[stallscope::test(max_stall = "20ms")]
#[rstest]
#[case(150)]
#[ignore = "fails on purpose"]
async fn below(#[case] long: u64) {
    thread::sleep(ms(long));
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "is run by another test"]
#[should_panic(expected = "its own")]
async fn panics_as_it_should_though_it_blocks() {
    thread::sleep(ms(150));
    panic!("its own");
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "is run by another test"]
#[should_panic(expected = "blocked for")]
async fn is_to_be_found() {
    thread::sleep(ms(150));
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
#[should_panic]
async fn does_not_panic_as_it_should() {}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn returns_an_error_and_blocks() -> io::Result<()> {
    thread::sleep(ms(150));
    Err(io::Error::other("its own error"))
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn returns_no_error_and_blocks() -> Result<(), Box<dyn std::error::Error>> {
    let long: u64 = "150".parse()?;
    thread::sleep(ms(long));
    Ok(())
}

#[stallscope::test(start_paused = true, max_stall = "50ms", max_lag = "50ms", max_leaked_tasks = 0)]
#[ignore = "is run by another test"]
async fn time_that_is_paused_is_no_wait() {
    let begun = Instant::now();
    tokio::spawn(sleep(Duration::from_secs(20)));
    sleep(Duration::from_secs(3600)).await;
    tokio::spawn(sleep(Duration::from_secs(20)));
    assert!(begun.elapsed() >= Duration::from_secs(3600));
}

#[stallscope::test(start_paused = true, max_leaked_tasks = 0)]
#[ignore = "fails on purpose"]
async fn a_task_lives_on_though_time_is_paused() {
    sleep(Duration::from_secs(3600)).await;
    tokio::spawn(std::future::pending::<()>()); // paused
}

#[stallscope::test(flavor = "multi_thread", worker_threads = 3, name = "named")]
#[ignore = "is run by another test"]
async fn the_runtime_is_as_it_was_asked_for() {
    assert_eq!(tokio::runtime::Handle::current().metrics().num_workers(), 3);
}
