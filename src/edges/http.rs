//! Metrics, health and readiness over HTTP, on loopback. Each connection carries one answer.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::bounded_listener::{BoundedListener, Bounds};
use crate::telemetry::Telemetry;

/// Far more than scrapers and probes need; and on loopback they are done in milliseconds.
const BOUNDS: Bounds = Bounds { connections_max: 64, lifetime: Duration::from_secs(10) };

/// Where the metrics are served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// A loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// Takes the port, so that a taken one is known before anything else starts.
pub fn bind(settings: Settings) -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(settings.listen)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the future is dropped.
pub async fn serve(listener: std::net::TcpListener, telemetry: Telemetry) -> std::io::Result<()> {
    serve_within(BOUNDS, listener, telemetry).await
}

async fn serve_within(
    bounds: Bounds,
    listener: std::net::TcpListener,
    telemetry: Telemetry,
) -> std::io::Result<()> {
    let listener = BoundedListener::new(TcpListener::from_std(listener)?, bounds);
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .layer(map_response(last))
        .with_state(telemetry);
    axum::serve(listener, router).await
}

/// A connection's time is short, so that none is kept for another request.
async fn last(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn metrics(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, telemetry.render())
}

async fn ready(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    let is_ready = telemetry.readiness.is_ready();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, telemetry.readiness.to_json() + "\n")
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;
    use crate::telemetry::{InputResult, Unready};

    fn fetch(address: SocketAddr, path: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A load balancer acts on the status line, Prometheus on the content type.
    #[test]
    fn metrics_health_and_readiness_are_served() {
        let telemetry = Telemetry::new(&[], &[]);
        telemetry.meters.input(InputResult::Decided);
        let server = Server::begin(BOUNDS, &telemetry);
        let address = server.address;
        assert!(fetch(address, "/healthz").starts_with("HTTP/1.1 200"));
        assert!(fetch(address, "/readyz").starts_with("HTTP/1.1 503"));
        telemetry.readiness.clear(Unready::Starting);
        assert!(fetch(address, "/readyz").starts_with("HTTP/1.1 200"));
        let metrics = fetch(address, "/metrics");
        assert!(metrics.contains("content-type: text/plain; version=0.0.4"));
        assert!(metrics.contains("tidegate_inputs_total{result=\"decided\"} 1\n"));
        assert!(fetch(address, "/").starts_with("HTTP/1.1 404"));
    }

    /// A server on a thread, until dropped.
    struct Server {
        address: SocketAddr,
        stop: Option<tokio::sync::oneshot::Sender<()>>,
        thread: Option<std::thread::JoinHandle<()>>,
    }

    impl Server {
        fn begin(bounds: Bounds, telemetry: &Telemetry) -> Self {
            let listener = bind(Settings { listen: "127.0.0.1:0".parse().unwrap() }).unwrap();
            let address = listener.local_addr().unwrap();
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let served = telemetry.clone();
            let thread = std::thread::spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = serve_within(bounds, listener, served) => {},
                        _ = stopped => {},
                    }
                });
            });
            Self { address, stop: Some(stop), thread: Some(thread) }
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.stop.take().map(|stop| stop.send(()));
            let _ = self.thread.take().map(std::thread::JoinHandle::join);
        }
    }

    /// Any local user may connect: who sends headers slowly, or none, keeps nobody from readiness,
    /// and holds no connection for long.
    #[test]
    fn slow_connections_block_nobody() {
        const MOST: usize = 8;
        let telemetry = Telemetry::new(&[], &[]);
        let long = Bounds { connections_max: MOST, lifetime: Duration::from_secs(3_600) };
        let server = Server::begin(long, &telemetry);
        let slow = |_| {
            let mut stream = std::net::TcpStream::connect(server.address).unwrap();
            // The service may have ended it already.
            let _ = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost:");
            stream
        };
        let crowd: Vec<_> = (0..20 * MOST).map(slow).collect();
        assert!(fetch(server.address, "/healthz").starts_with("HTTP/1.1 200"));
        // All but the newest few were ended: this reads to their end.
        for mut stream in crowd.into_iter().take(19 * MOST) {
            let _ = stream.read(&mut [0; 64]);
        }

        let short = Bounds { connections_max: MOST, lifetime: Duration::from_millis(20) };
        let server = Server::begin(short, &telemetry);
        let mut silent = std::net::TcpStream::connect(server.address).unwrap();
        let _ = silent.read(&mut [0; 64]);
    }
}
