//! Metrics, health and readiness over HTTP, on loopback.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::telemetry::Telemetry;

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
    let listener = TcpListener::from_std(listener)?;
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(telemetry);
    axum::serve(listener, router).await
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
        let listener = bind(Settings { listen: "127.0.0.1:0".parse().unwrap() }).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = telemetry.clone();
        let server = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! { _ = serve(listener, served) => {}, _ = stopped => {} }
            });
        });
        assert!(fetch(address, "/healthz").starts_with("HTTP/1.1 200"));
        assert!(fetch(address, "/readyz").starts_with("HTTP/1.1 503"));
        telemetry.readiness.clear(Unready::Starting);
        assert!(fetch(address, "/readyz").starts_with("HTTP/1.1 200"));
        let metrics = fetch(address, "/metrics");
        assert!(metrics.contains("content-type: text/plain; version=0.0.4"));
        assert!(metrics.contains("tidegate_inputs_total{result=\"decided\"} 1\n"));
        assert!(fetch(address, "/").starts_with("HTTP/1.1 404"));
        stop.send(()).unwrap();
        server.join().unwrap();
    }
}
