use super::{block, compute, ms};
use std::thread;
use tokio::time::sleep;

#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn in_its_own_future() {
    // named here
    sleep(ms(5)).await;
    thread::sleep(ms(150)); // own future
    sleep(ms(5)).await;
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn at_once_and_not_for_long() {
    thread::sleep(ms(200)); // at once, and within the usual start-up grace
}

#[stallscope::test(flavor = "multi_thread", worker_threads = 2, max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn in_a_task_of_several_workers() {
    tokio::spawn(async { block(ms(600)) }).await.unwrap();
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn in_a_task_of_one_thread() {
    tokio::spawn(async { block(ms(600)) }).await.unwrap();
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "fails on purpose"]
async fn by_computing() {
    compute(ms(400)); // computes
}

#[stallscope::test(max_stall = "off", max_lag = "30ms")]
#[ignore = "fails on purpose"]
async fn so_that_others_wait() {
    sleep(ms(30)).await;
    thread::sleep(ms(150)); // lags
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "is run by another test"]
async fn aside() {
    let long = tokio::task::spawn_blocking(|| thread::sleep(ms(60)));
    sleep(ms(60)).await;
    long.await.unwrap();
}

#[stallscope::test(flavor = "multi_thread", max_stall = "20ms")]
#[ignore = "is run by another test"]
async fn where_it_may() {
    tokio::task::block_in_place(|| thread::sleep(ms(60)));
    tokio::spawn(async { tokio::task::block_in_place(|| thread::sleep(ms(60))) }).await.unwrap();
}

#[stallscope::test(max_stall = "1s")]
#[ignore = "is run by another test"]
async fn as_long_as_it_is_allowed() {
    thread::sleep(ms(60));
}

#[stallscope::test(max_stall = "1h")]
#[ignore = "is run by another test"]
async fn longer_than_usual() {
    thread::sleep(ms(300));
}

#[stallscope::test]
#[ignore = "is run by another test"]
async fn shorter_than_the_usual_limit() {
    thread::sleep(ms(30));
}

#[stallscope::test(max_stall = "20ms")]
#[ignore = "is run by another test"]
async fn as_the_code_allows_itself() {
    let _allow = stallscope::allow("a sample");
    thread::sleep(ms(150));
}
