use super::ms;
use std::future::pending;
use std::sync::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// What is put here stays open.
static KEPT: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());

#[stallscope::test(max_leaked_tasks = 0)]
#[ignore = "fails on purpose"]
async fn of_tasks() {
    for _ in 0..2 {
        tokio::spawn(pending::<()>()); // leaks
    }
    tokio::spawn(async {}).await.unwrap();
}

#[stallscope::test(flavor = "multi_thread", max_leaked_tasks = 0)]
#[ignore = "fails on purpose"]
async fn of_tasks_of_several_workers() {
    tokio::spawn(pending::<()>()); // leaks as well
}

#[stallscope::test(flavor = "multi_thread", max_leaked_tasks = 0, max_leaked_sockets = 0)]
#[ignore = "is run by another test"]
async fn of_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = tokio::spawn(async move { listener.accept().await.unwrap() });
    drop(client);
    tokio::spawn(pending::<()>()).abort();
    // Ends by itself, soon.
    tokio::spawn(async move {
        let _connection = server.await.unwrap();
        sleep(ms(20)).await;
    });
}

#[stallscope::test(max_leaked_tasks = 1)]
#[ignore = "is run by another test"]
async fn of_as_many_as_are_allowed() {
    tokio::spawn(pending::<()>());
}

#[stallscope::test]
#[ignore = "is run by another test"]
async fn that_nobody_asked_about() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
}

#[stallscope::test(max_leaked_sockets = 0)]
#[ignore = "fails on purpose"]
async fn of_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    eprintln!("kept: {}", listener.local_addr().unwrap());
    KEPT.lock().unwrap().push(listener);
}

#[stallscope::test(start_paused = true, max_leaked_sockets = 0)]
#[ignore = "fails on purpose"]
async fn of_a_socket_while_time_is_paused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    eprintln!("kept: {}", listener.local_addr().unwrap());
    KEPT.lock().unwrap().push(listener);
}

#[stallscope::must_await]
async fn save() {}

#[stallscope::test]
#[ignore = "fails on purpose"]
async fn of_a_future() {
    drop(save()); // never awaited
    save().await;
}

#[stallscope::test]
#[ignore = "is run by another test"]
async fn of_no_future() {
    save().await;
    tokio::spawn(save()).await.unwrap();
    sleep(ms(200)).await;
}

#[stallscope::test(max_never_awaited = "off")]
#[ignore = "is run by another test"]
async fn of_a_future_that_nobody_asked_about() {
    drop(save());
}
