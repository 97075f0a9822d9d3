//! What the tower layer costs a request: process-CPU nanoseconds, without a socket or a server around it.

use crate::measure::{Table, interleaved, process};
use crate::poll::Yields;
use crate::variant::{FLAVORS, Variant};
use http::{HeaderValue, Request, Response};
use stallscope_instrument::{Config, http::Layer};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Runtime;
use tower_layer::Layer as _;
use tower_service::Service;

/// Requests in one measurement, one after the other.
const REQUESTS: u32 = 100_000;

/// Answers after so many polls.
#[derive(Clone, Copy)]
struct Answers(u32);

impl Service<Request<()>> for Answers {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let yields = self.0;
        Box::pin(async move {
            Yields(yields).await;
            Ok(Response::new(()))
        })
    }
}

pub(crate) fn run(rounds: usize) {
    let how = format!("process-CPU ns per request of a service that only answers; {rounds} rounds, in turns");
    let mut table = Table::new("requests", &how);
    for (name, yields) in [("ready at once", 0), ("awaits twice", 2)] {
        let variants = ["plain", "layer"];
        let measured = interleaved(rounds, variants.len(), |variant| measure(yields, variant == 1));
        table = table.group(name, variants.into_iter().zip(&measured));
    }
    table.print();
}

/// Both are watched, so that the layer makes the whole difference.
fn measure(yields: u32, layered: bool) -> f64 {
    let (runtime, guard) = Variant::Full.build((FLAVORS[0].builder)(), Config::new());
    let answers = Answers(yields);
    let serve = |requests| match layered {
        false => serve(&runtime, answers, requests),
        true => serve(&runtime, Layer::new().layer(answers), requests),
    };
    serve(REQUESTS / 10);
    let before = process::cpu_ns();
    serve(REQUESTS);
    let spent = process::cpu_ns() - before;
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    spent as f64 / f64::from(REQUESTS)
}

fn serve<S>(runtime: &Runtime, mut service: S, requests: u32)
where
    S: Service<Request<()>, Error = Infallible, Future: Send> + Send + 'static,
{
    let task = async move {
        let id = HeaderValue::from_static("b71c52aa-77d1-4c5e-9a43-0d3a6b0f7f10");
        for _ in 0..requests {
            let mut request = Request::new(());
            request.headers_mut().insert("x-request-id", id.clone());
            let Ok(_) = service.call(request).await;
        }
    };
    runtime.block_on(async { tokio::spawn(task).await.expect("no task panics") });
}
