//! What the collector reads after requests of each kind.

use super::Layer;
use super::routes::Routes;
use http::{Request, Response, StatusCode};
use stallscope_wire::Handler;
use std::future::{pending, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tower_layer::Layer as _;
use tower_service::Service;

fn table() -> &'static Routes {
    Box::leak(Box::new(Routes::new()))
}

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).unwrap()
}

fn only(routes: &Routes) -> Handler {
    let [handler] = <[Handler; 1]>::try_from(routes.read()).expect("one route");
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
        routes.read().into_iter().map(|handler| (handler.route, handler.statuses[1])).collect();
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
        routes.read().into_iter().map(|handler| (handler.route, handler.latency.count())).collect();
    let expected = [("GET *", 1), ("GET /admin/log", 1), ("GET /users/{id}", 2), ("POST /users/{id}", 1)];
    assert_eq!(seen, expected.map(|(route, count)| (route.to_owned(), count)));
}

#[cfg(feature = "axum")]
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
