//! A server that does what no good one does, to see what a client makes of it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Message, accept};

/// What happens on a busy machine is waited for so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Listens until the test's process ends.
pub(crate) struct Peer {
    addr: SocketAddr,
    /// Each request as it came.
    requests: Arc<Mutex<Vec<String>>>,
    came: Receiver<()>,
}

impl Peer {
    /// Takes requests and answers none.
    pub(crate) fn silent() -> Self {
        Self::start(|_| Ok(()))
    }

    /// Answers each request with the same bytes.
    pub(crate) fn answering(response: &'static str) -> Self {
        Self::start(|stream| stream.write_all(response.as_bytes()))
    }

    /// Sends each text back that comes over a WebSocket.
    pub(crate) fn echoing() -> Self {
        Self::listen(|stream, _, _| {
            let Ok(mut socket) = accept(stream) else { return };
            while let Ok(message) = socket.read() {
                if let Message::Text(_) = message {
                    let _ = socket.send(message);
                }
            }
        })
    }

    fn start(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Clone + Send + 'static) -> Self {
        Self::listen(move |mut stream, requests, coming| {
            while let Some(request) = read(&mut stream) {
                requests.lock().unwrap().push(request);
                // A test that does not wait for requests does not hear of them.
                let _ = coming.send(());
                if answer(&mut stream).is_err() {
                    return;
                }
            }
        })
    }

    fn listen(
        serve: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>, Sender<()>) + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (coming, came) = channel();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (serve, seen, coming) = (serve.clone(), Arc::clone(&seen), coming.clone());
                thread::spawn(move || serve(stream, seen, coming));
            }
        });
        Self { addr, requests, came }
    }

    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.addr)
    }

    pub(crate) fn wait_for_requests(&self, count: usize) {
        for _ in 0..count {
            self.came.recv_timeout(PATIENCE).expect("more requests come");
        }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// One request with its body; none when the connection ends.
fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut request, mut piece) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = request.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(request);
            }
        }
        match stream.read(&mut piece) {
            Ok(0) => return None,
            Ok(count) => request.push_str(std::str::from_utf8(&piece[..count]).expect("requests are text")),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
