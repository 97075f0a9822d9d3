//! What the collector reads after requests of each kind.

use super::routes::Routes;
use super::{Layer, seat};
use crate::capture::thread::tid;
use crate::clock;
use http::{Request, Response, StatusCode};
use stallscope_wire::{Doing, Handler, Histogram, RouteVictims, Serving, SlowRequest};
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::sync::{Mutex, Once};
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::Duration;
use tower_layer::Layer as _;
use tower_service::Service;

fn table() -> &'static Routes {
    static CLOCK: Once = Once::new();
    CLOCK.call_once(|| {
        clock::start();
        clock::calibrate();
    });
    Box::leak(Box::new(Routes::new()))
}

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).unwrap()
}

fn only(routes: &Routes) -> Handler {
    let [handler] = <[Handler; 1]>::try_from(routes.read(true)).expect("one route");
    handler
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A service that answers every request with the future that `answer` makes.
struct Answer<A>(A);

impl<A, F, E> Service<Request<()>> for Answer<A>
where
    A: Fn() -> F,
    F: Future<Output = Result<Response<()>, E>>,
{
    type Response = Response<()>;
    type Error = E;
    type Future = F;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> F {
        (self.0)()
    }
}

fn status(code: u16) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

type Never = std::convert::Infallible;

const MS: u64 = 1_000_000;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Waits until somebody wakes what is kept, and then until it was polled again so often.
fn woken<'a>(kept: &'a Mutex<Vec<Waker>>, mut polls: usize) -> impl Future<Output = ()> + use<'a> {
    poll_fn(move |cx| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        kept.lock().unwrap().push(cx.waker().clone());
        Poll::Pending
    })
}

fn wake(kept: &Mutex<Vec<Waker>>) {
    kept.lock().unwrap().drain(..).for_each(Waker::wake);
}

fn slowest(routes: &Routes) -> SlowRequest {
    routes.slowest.read().into_iter().next().expect("a request")
}

#[test]
fn an_answer_is_counted_by_its_status_and_timed() {
    let routes = table();
    for code in [200, 204, 302, 404, 500, 999] {
        let mut service = Layer::into_table(routes).layer(Answer(|| ready(Ok::<_, Never>(status(code)))));
        assert!(poll_once(service.call(get("/any/path"))).is_ready());
    }
    let handler = only(routes);
    assert_eq!((handler.route.as_str(), handler.statuses), ("GET *", [0, 2, 1, 1, 2]));
    assert_eq!((handler.in_flight, handler.dropped, handler.latency.count()), (0, 0, 6));
    let by_status: Vec<_> = handler.latency_by_status.iter().map(Histogram::count).collect();
    assert_eq!(by_status, handler.statuses);
    assert_eq!(handler.latency.sum_ns, handler.latency_by_status.iter().map(|of| of.sum_ns).sum::<u64>());
}

#[test]
fn the_time_of_a_request_is_its_own_or_waits_behind_others_or_awaits() {
    let (routes, kept) = (table(), Mutex::default());
    let answer = || async {
        sleep(ms(20));
        woken(&kept, 1).await;
        sleep(ms(10));
        Ok::<_, Never>(status(200))
    };
    let mut service = Layer::into_table(routes).layer(Answer(answer));
    let mut response = Box::pin(service.call(get("/")));
    assert!(poll_once(response.as_mut()).is_pending());
    sleep(ms(30));
    wake(&kept);
    sleep(ms(40));
    assert!(poll_once(response.as_mut()).is_ready());
    let (handler, slow) = (only(routes), slowest(routes));
    assert_eq!((slow.spent, slow.took_ns), (handler.spent, handler.latency.sum_ns));
    let spent = handler.spent;
    assert!(
        spent.own_ns >= 30 * MS && spent.awaiting_ns >= 30 * MS && spent.behind_ns >= 40 * MS,
        "{spent:?}"
    );
    let sum = spent.own_ns + spent.awaiting_ns + spent.behind_ns;
    assert!(sum.abs_diff(slow.took_ns) < 1000, "{slow:?}");
    let doing: Vec<_> = slow.timeline.iter().map(|step| step.doing).collect();
    assert_eq!(doing, [Doing::Own, Doing::Awaiting, Doing::Behind, Doing::Own]);
    assert!(slow.timeline[0].for_ns >= 20 * MS && !slow.cut, "{slow:?}");
}

#[test]
fn a_request_that_is_polled_without_a_wake_goes_on_awaiting() {
    let (routes, kept) = (table(), Mutex::default());
    let answer = || async {
        woken(&kept, 2).await;
        Ok::<_, Never>(status(200))
    };
    let mut service = Layer::into_table(routes).layer(Answer(answer));
    let mut response = Box::pin(service.call(get("/")));
    for _ in 0..2 {
        assert!(poll_once(response.as_mut()).is_pending());
        sleep(ms(20));
    }
    assert!(poll_once(response.as_mut()).is_ready());
    let spent = only(routes).spent;
    assert!(spent.awaiting_ns >= 40 * MS && spent.behind_ns < 20 * MS, "{spent:?}");
}

#[test]
fn a_request_is_woken_through_whichever_waker_it_was_polled_with_last() {
    let (routes, kept) = (table(), Mutex::default());
    let mut service = Layer::into_table(routes).layer(Answer(|| async {
        woken(&kept, 3).await;
        Ok::<_, Never>(status(200))
    }));
    let mut response = pin!(service.call(get("/")));
    let wakes = [Counted::new(), Counted::new()];
    for (polled, counted) in [&wakes[0], &wakes[0], &wakes[1]].into_iter().enumerate() {
        let waker = Waker::from(std::sync::Arc::clone(counted));
        assert!(response.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        wake(&kept);
        let told = [1, 2, 2][polled];
        assert_eq!(wakes.each_ref().map(|counted| counted.count()), [told, u64::from(polled == 2)]);
    }
    assert!(poll_once(response.as_mut()).is_ready());
}

/// Counts its wakes.
struct Counted(std::sync::atomic::AtomicU64);

impl Counted {
    fn new() -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self(Default::default()))
    }

    fn count(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl std::task::Wake for Counted {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_long_story_is_cut() {
    let (routes, kept) = (table(), Mutex::default());
    let answer = || async {
        for _ in 0..20 {
            sleep(ms(1));
            woken(&kept, 1).await;
        }
        Ok::<_, Never>(status(200))
    };
    let mut service = Layer::into_table(routes).layer(Answer(answer));
    let mut response = Box::pin(service.call(get("/")));
    while poll_once(response.as_mut()).is_pending() {
        sleep(ms(1));
        wake(&kept);
    }
    let slow = slowest(routes);
    assert!(slow.cut && slow.timeline.len() == 16, "{slow:?}");
    assert!(slow.spent.own_ns >= 20 * MS && slow.spent.awaiting_ns >= 20 * MS, "{slow:?}");
    let told: u64 = slow.timeline.iter().map(|step| step.for_ns).sum();
    assert!(told < slow.took_ns - 20 * MS, "what is cut is in no step: {slow:?}");
}

#[test]
fn the_slowest_requests_are_few_of_each_route_and_slowest_first() {
    let routes = table();
    let layer = Layer::into_table(routes)
        .route(|request| request.uri.path().to_owned())
        .request_id(|request| request.uri.query().map(str::to_owned));
    let answer = |took: u64| {
        Answer(move || {
            sleep(ms(took));
            ready(Ok::<_, Never>(status(200)))
        })
    };
    // As far apart as a busy machine leaves them in order.
    let took = [("/a?1", 40), ("/a?2", 80), ("/a?3", 120), ("/b?4", 60), ("/a?5", 160), ("/a?6", 200)];
    for (path, took) in took {
        assert!(poll_once(layer.layer(answer(took)).call(get(path))).is_ready());
    }
    for number in 0..60 {
        assert!(poll_once(layer.layer(answer(0)).call(get(&format!("/{number}?late")))).is_ready());
    }
    let slowest = routes.slowest.read();
    assert!(slowest.is_sorted_by(|a, b| a.took_ns >= b.took_ns), "{slowest:?}");
    let ids = |route: &str| {
        let of_it = slowest.iter().filter(|slow| slow.request.route == route);
        of_it.filter_map(|slow| slow.request.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (ids("GET /a"), ids("GET /b")),
        (["6", "5", "3", "2"].map(str::to_owned).into(), vec!["4".to_owned()])
    );
    assert_eq!(slowest.len(), 32);
}

#[test]
fn a_thread_tells_from_outside_which_request_it_is_at() {
    let layer = Layer::into_table(table()).route(|request| request.uri.path().to_owned());
    let here = tid();
    let ask = move || std::thread::spawn(move || seat::serving(here, clock::now_ns())).join().unwrap();
    let inner = layer.clone();
    let answer = move || {
        let mut inner = inner.layer(Answer(move || {
            ready(Ok::<_, Never>(ask()).map(|serving| {
                assert_eq!(serving.unwrap(), Serving { route: "GET /inner".to_owned(), id: None });
                status(200)
            }))
        }));
        let response = inner.call(get("/inner"));
        async move {
            let response = response.await;
            let serving = Serving { route: "GET /outer".to_owned(), id: Some("id-7".to_owned()) };
            assert_eq!(ask(), Some(serving), "the inner one is over");
            response
        }
    };
    let mut request = get("/outer");
    request.headers_mut().insert("x-request-id", "id-7".parse().unwrap());
    assert!(poll_once(layer.layer(Answer(answer)).call(request)).is_ready());
    assert_eq!(ask(), None);
}

#[test]
fn requests_that_waited_behind_a_stall_are_counted_by_route() {
    let (routes, kept) = (table(), Mutex::default());
    let layer = Layer::into_table(routes).route(|request| request.uri.path().to_owned());
    let answer = || async {
        woken(&kept, 1).await;
        Ok::<_, Never>(status(200))
    };
    let mut service = layer.layer(Answer(answer));
    let mut responses: Vec<_> = ["/a", "/b", "/b"].map(|path| Box::pin(service.call(get(path)))).into();
    responses.iter_mut().for_each(|response| assert!(poll_once(response.as_mut()).is_pending()));
    wake(&kept);
    let started_ns = clock::now_ns();
    sleep(ms(30));
    let ended_ns = clock::now_ns();
    let mut idle = Box::pin(service.call(get("/idle")));
    assert!(poll_once(idle.as_mut()).is_pending());
    responses.iter_mut().for_each(|response| assert!(poll_once(response.as_mut()).is_ready()));
    let count = |route: &str, requests| RouteVictims { route: route.to_owned(), requests };
    let behind = |from_ns, to_ns| seat::behind(tid(), from_ns, to_ns, Some(0));
    assert_eq!(behind(started_ns, ended_ns), [count("GET /b", 2), count("GET /a", 1)]);
    assert_eq!(behind(started_ns - 90 * MS, started_ns - 60 * MS), [], "nobody waited for an earlier one");
    assert_eq!(behind(clock::now_ns(), clock::now_ns() + 30 * MS), [], "nor for a later one");
}

#[test]
fn a_request_is_in_flight_until_its_response_has_a_head() {
    let routes = table();
    let mut service = Layer::into_table(routes).layer(Answer(pending::<Result<_, Never>>));
    let mut response = Box::pin(service.call(get("/")));
    assert!(poll_once(response.as_mut()).is_pending());
    assert_eq!((only(routes).in_flight, only(routes).dropped), (1, 0));
    drop(response);
    let handler = only(routes);
    assert_eq!((handler.in_flight, handler.dropped), (0, 1), "the client left");
    assert_eq!((handler.statuses, handler.latency.count()), ([0; 5], 0));
}

#[test]
fn a_failed_service_gave_no_response() {
    let routes = table();
    let mut service = Layer::into_table(routes).layer(Answer(|| ready(Err("broken"))));
    assert_eq!(poll_once(service.call(get("/"))).map(|outcome| outcome.unwrap_err()), Poll::Ready("broken"));
    let handler = only(routes);
    assert_eq!((handler.in_flight, handler.dropped, handler.latency.count()), (0, 1, 0));
}

#[test]
fn a_function_names_routes() {
    let routes = table();
    let layer = Layer::into_table(routes).route(|request| format!("/{}", request.uri.path().len()));
    let mut service = layer.layer(Answer(|| ready(Ok::<_, Never>(status(200)))));
    for path in ["/a", "/b", "/long", "/a"] {
        assert!(poll_once(service.call(get(path))).is_ready());
    }
    let seen: Vec<_> =
        routes.read(true).into_iter().map(|handler| (handler.route, handler.statuses[1])).collect();
    assert_eq!(seen, [("GET /2".to_owned(), 3), ("GET /5".to_owned(), 1)]);
}

#[cfg(feature = "axum")]
#[test]
fn axum_routes_are_named_by_their_template() {
    use axum::{Router, body::Body, routing::get};
    let routes = table();
    let mut app: Router = Router::new()
        .route("/users/{id}", get(|| async { "somebody" }))
        .nest("/admin", Router::new().route("/log", get(|| async { "" })))
        .layer(Layer::into_table(routes));
    for (method, path) in [
        ("GET", "/users/7"),
        ("GET", "/users/8"),
        ("POST", "/users/9"),
        ("GET", "/admin/log"),
        ("GET", "/no"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        assert!(poll_once(app.call(request)).is_ready());
    }
    let seen: Vec<_> =
        routes.read(true).into_iter().map(|handler| (handler.route, handler.latency.count())).collect();
    let expected = [("GET *", 1), ("GET /admin/log", 1), ("GET /users/{id}", 2), ("POST /users/{id}", 1)];
    assert_eq!(seen, expected.map(|(route, count)| (route.to_owned(), count)));
}

#[cfg(all(feature = "axum", target_os = "linux", not(stallscope_elsewhere)))]
#[test]
fn the_peer_of_a_connection_is_axums_or_a_functions() {
    use axum::extract::ConnectInfo;
    use std::net::SocketAddr;
    let [by_axum, by_function] = [41_001, 41_002].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let answer = || Answer(|| ready(Ok::<_, Never>(status(200))));
    let mut request = get("/");
    request.extensions_mut().insert(ConnectInfo(by_axum));
    assert!(poll_once(Layer::into_table(table()).layer(answer()).call(request)).is_ready());
    let layer = Layer::into_table(table()).route(|_| "/named").peer(move |_| Some(by_function));
    assert!(poll_once(layer.layer(answer()).call(get("/"))).is_ready());
    assert_eq!(super::route_of(by_axum).as_deref(), Some("GET *"));
    assert_eq!(super::route_of(by_function).as_deref(), Some("GET /named"));
    super::forget(&|peer| *peer == by_axum);
    assert_eq!(super::route_of(by_axum), None);
}
