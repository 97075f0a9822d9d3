//! What waits behind a stall is counted, and nothing else.

use crate::harness::{LONG, Seen, current_thread, multi_thread, program, run};
use stallscope_wire::{Stall, Victims};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::time::sleep;

/// Asks the server to block; anything else is a request that it answers at once.
const BLOCK: u8 = b'B';

/// What the server and its clients tell each other, so that the requests come while it blocks.
struct Signals {
    blocks: Mutex<Sender<()>>,
    asked: Mutex<Receiver<()>>,
}

async fn serve(listener: TcpListener, signals: Arc<Signals>) {
    loop {
        let (mut connection, _) = listener.accept().await.unwrap();
        let signals = Arc::clone(&signals);
        tokio::spawn(async move {
            while let Ok(request) = connection.read_u8().await {
                if request == BLOCK {
                    signals.blocks.lock().unwrap().send(()).unwrap();
                    signals.asked.lock().unwrap().recv().unwrap();
                    thread::sleep(LONG);
                }
                connection.write_u8(request).await.unwrap();
            }
        });
    }
}

fn ask(connection: &mut TcpStream, request: u8) {
    connection.write_all(&[request]).unwrap();
}

fn answered(connection: &mut TcpStream) {
    connection.read_exact(&mut [0]).unwrap();
}

/// Blocks a server once for each number, while so many clients ask it something.
fn blocks_a_server(builder: Builder, rounds: &'static [usize]) {
    let (blocks, blocking) = channel();
    let (ask_now, asked) = channel();
    let signals = Arc::new(Signals { blocks: Mutex::new(blocks), asked: Mutex::new(asked) });
    let talk = move |address: SocketAddr| {
        let connect = || {
            let mut connection = TcpStream::connect(address).unwrap();
            ask(&mut connection, b'a');
            answered(&mut connection);
            connection
        };
        let mut blocker = connect();
        for &number in rounds {
            let mut clients: Vec<TcpStream> = (0..number).map(|_| connect()).collect();
            ask(&mut blocker, BLOCK);
            blocking.recv().unwrap();
            clients.iter_mut().for_each(|client| ask(client, b'b'));
            ask_now.send(()).unwrap();
            clients.iter_mut().chain([&mut blocker]).for_each(answered);
        }
    };
    run(builder, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, signals));
        // The runtime is seen idle before it is blocked.
        sleep(3 * LONG).await;
        tokio::task::spawn_blocking(move || talk(address)).await.unwrap();
        server.abort();
    });
}

/// What the stalls cost, in their order.
fn victims(seen: &Seen) -> Vec<(&Stall, &Victims)> {
    seen.log().stalls().into_iter().map(|record| (&record.stall, &record.stall.victims)).collect()
}

/// The delay lies between half of what the clients surely waited and all that they can have waited.
#[track_caller]
fn assert_waited(stall: &Stall, number: u64) {
    let (victims, least_ns) = (&stall.victims, number * LONG.as_nanos() as u64 / 2);
    assert!((least_ns..=number * stall.duration_ns).contains(&victims.delay_ns), "{number}: {stall:#?}");
}

#[test]
fn requests_that_nobody_is_free_to_read() {
    let program = program(|| blocks_a_server(current_thread(), &[2, 8]));
    let seen = program.run().ended();
    let [(few, fewer), (many, more)] = victims(&seen)[..] else { panic!("{:#?}", seen.log().stalls()) };
    assert_eq!((fewer.sockets, more.sockets), (Some(2), Some(8)));
    assert_waited(few, 2);
    assert_waited(many, 8);
    assert!(fewer.delay_ns < more.delay_ns);
}

#[test]
fn requests_that_another_worker_reads_do_not_wait() {
    let program = program(|| blocks_a_server(multi_thread(), &[8]));
    let seen = program.run().ended();
    let [(stall, victims)] = victims(&seen)[..] else { panic!("{:#?}", seen.log().stalls()) };
    assert_eq!(victims.sockets, Some(0));
    assert!(victims.delay_ns < stall.duration_ns, "{stall:#?}");
}

#[test]
fn connections_that_nobody_is_free_to_accept() {
    let program = program(|| {
        run(current_thread(), async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let waiting = tokio::spawn(async move { listener.accept().await.map(drop) });
            sleep(3 * LONG).await;
            let (connect, connected) = channel();
            thread::spawn(move || {
                thread::sleep(LONG / 2);
                let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
                connect.send(clients).unwrap();
            });
            let _clients = connected.recv().unwrap();
            thread::sleep(LONG);
            waiting.await.unwrap().unwrap();
        });
    });
    let seen = program.run().ended();
    let [(stall, victims)] = victims(&seen)[..] else { panic!("{:#?}", seen.log().stalls()) };
    assert_eq!(victims.sockets, Some(3));
    assert_waited(stall, 3);
}

#[test]
fn data_that_was_left_unread_before_is_no_victim() {
    static READ: AtomicBool = AtomicBool::new(false);
    let program = program(|| {
        run(current_thread(), async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut connection, _) = listener.accept().await.unwrap();
            client.write_all(b"more than is wanted now").unwrap();
            connection.read_u8().await.unwrap();
            sleep(3 * LONG).await;
            tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
            READ.store(connection.read_u8().await.is_ok(), Relaxed);
        });
        assert!(READ.load(Relaxed), "looking took it away");
    });
    let seen = program.run().ended();
    let [(_, victims)] = victims(&seen)[..] else { panic!("{:#?}", seen.log().stalls()) };
    assert_eq!((victims.sockets, victims.delay_ns), (Some(0), 0));
}

#[test]
fn tasks_in_the_queue_behind_it() {
    let program = program(|| {
        run(current_thread(), async {
            let first = tokio::spawn(async { thread::sleep(LONG) });
            let others: Vec<_> = (0..5).map(|_| tokio::spawn(async {})).collect();
            first.await.unwrap();
            for other in others {
                other.await.unwrap();
            }
        });
    });
    let seen = program.run().ended();
    let [(stall, victims)] = victims(&seen)[..] else { panic!("{:#?}", seen.log().stalls()) };
    assert_eq!(victims.tasks, 5);
    assert_waited(stall, 5);
}
