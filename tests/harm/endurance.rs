//! A server under load, captured at the highest rate for a while.

use crate::captures::captures;
use crate::harness::{ms, program};
use crate::work::{block, compute, watch};
use std::env;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// For how long, in seconds; 10 when it is not set.
const SECONDS: &str = "STALLSCOPE_TEST_SECONDS";
const CLIENTS: u32 = 6;

fn time() -> Duration {
    let seconds = env::var(SECONDS).ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(10))
}

/// Answers each request with itself, after it has blocked the worker for a while.
async fn serve(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut request = [0; 4];
            while stream.read_exact(&mut request).await.is_ok() {
                let turn = u32::from_le_bytes(request);
                match turn % 64 {
                    7 => drop(Command::new("true").status().unwrap()),
                    8 => drop(tokio::task::spawn_blocking(move || block(turn)).await),
                    9 => drop(thread::spawn(move || block(turn)).join()),
                    10..40 => block(turn),
                    _ => compute(ms(1)),
                }
                stream.write_all(&request).await.unwrap();
            }
        });
    }
}

/// Asks again and again, and checks each answer; how many there were.
fn ask(server: SocketAddr, client: u32, until: Instant) -> u32 {
    let mut answered = 0;
    while Instant::now() < until {
        let mut stream = TcpStream::connect(server).unwrap();
        for turn in 0..100_u32 {
            let request = (client * 31 + turn).to_le_bytes();
            stream.write_all(&request).unwrap();
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, request);
            answered += 1;
        }
    }
    answered
}

#[test]
fn a_server_that_blocks_all_the_time_answers_all_requests() {
    let mut program = program(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(4).enable_all();
        let _guard = watch(&mut builder);
        let runtime = builder.build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let server = listener.local_addr().unwrap();
        runtime.spawn(serve(listener));
        let until = Instant::now() + time();
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| thread::spawn(move || ask(server, client, until))).collect();
        let answered: u32 = clients.into_iter().map(|client| client.join().unwrap()).sum();
        println!("{answered}");
    })
    .with(SECONDS, time().as_secs().to_string());
    program.patience += time();
    let seen = program.run();
    assert!(seen.status.success(), "{}: {}", seen.status, seen.stderr);
    let (answered, captures): (u64, _) = (seen.stdout.trim().parse().unwrap(), captures(&seen));
    println!("{answered} requests answered in {:?}; {captures:#?}", time());
    assert!(answered > 100 && captures.stacks > 100 && captures.running > 10, "{answered} {captures:#?}");
    assert!(seen.log().ends());
}
