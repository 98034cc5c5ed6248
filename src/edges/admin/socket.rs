//! The socket itself: who is at the other end, one line in, one line out, bounded in size and time.

use std::fs;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::office::Office;
use super::order::OrderSender;
use super::people::People;
use super::request::{Answer, Request};
use crate::edges::users;
use crate::telemetry::{LogEvent, emit};

/// Longest request: a bundle's files are at most 64 MiB, and JSON writes some bytes as two.
const LINE_MAX: u64 = 96 << 20;
/// A client that says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(30);
/// Clients at once.
const CLIENTS_MAX: usize = 16;

/// The socket and who may use it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// Where it is; `None` for no socket.
    pub socket: Option<PathBuf>,
    /// Who may do what.
    pub people: People,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}: [admin] socket names a file in a directory that the service may write to", .path.display())]
pub struct SocketError {
    path: PathBuf,
    error: io::Error,
}

/// Serves for as long as the process runs, on threads of its own.
pub fn serve(path: PathBuf, office: Office, orders: OrderSender) -> Result<(), SocketError> {
    let listener = bind(&path).map_err(|error| SocketError { path: path.clone(), error })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(|error| SocketError { path: path.clone(), error })?;
    let clients = Arc::new(AtomicUsize::new(0));
    let accept = move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            if clients.load(Ordering::Relaxed) >= CLIENTS_MAX {
                continue;
            }
            let Ok((stream, person)) = peer(stream, &runtime) else { continue };
            let guest = Guest::count(&clients);
            let (office, orders) = (office.clone(), orders.clone());
            let talk = move || {
                // A client that breaks off has its reasons.
                let _ = talk(&stream, &person, &office, &orders);
                drop(guest);
            };
            let _ = thread::Builder::new().name("admin client".to_owned()).spawn(talk);
        }
    };
    let spawned = thread::Builder::new().name("admin".to_owned()).spawn(accept);
    spawned.map(drop).map_err(|error| SocketError { path, error })
}

/// One more client, until dropped.
struct Guest(Arc<AtomicUsize>);

impl Guest {
    fn count(clients: &Arc<AtomicUsize>) -> Self {
        clients.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(clients))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Makes the socket under another name and gives it its own when nobody but the group can reach it:
/// so there is no moment at which others can.
fn bind(path: &PathBuf) -> io::Result<UnixListener> {
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process serves it"));
    }
    let mut unready = path.clone().into_os_string();
    unready.push(".new");
    // What a process that was killed left behind.
    let _ = fs::remove_file(&unready);
    let listener = UnixListener::bind(&unready)?;
    fs::set_permissions(&unready, fs::Permissions::from_mode(0o660))?;
    fs::rename(&unready, path)?;
    Ok(listener)
}

/// Who is at the other end: the system says it, not the client.
fn peer(stream: UnixStream, runtime: &tokio::runtime::Runtime) -> io::Result<(UnixStream, String)> {
    stream.set_nonblocking(true)?;
    let _entered = runtime.enter();
    let stream = tokio::net::UnixStream::from_std(stream)?;
    let user = stream.peer_cred()?.uid();
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    Ok((stream, users::name(user)))
}

fn talk(
    stream: &UnixStream,
    person: &str,
    office: &Office,
    orders: &OrderSender,
) -> io::Result<()> {
    if !office.people().knows(person) {
        let text = format!("{person} has no role: [admin] of the configuration gives roles");
        return say(stream, &Answer::refused(text));
    }
    let mut input = BufReader::new(stream);
    // It may hold values for a list.
    let mut line = zeroize::Zeroizing::new(Vec::new());
    loop {
        line.clear();
        let read = input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            return say(stream, &Answer::refused("a request is one line of at most 96 MiB"));
        }
        let answer = match Request::read(&line) {
            Ok(request) => {
                let answer = office.serve(&request, person, &mut |change| orders.send(change));
                if let (Some(what), Some(seq)) = (request.changes(), answer.seq) {
                    let about = request.about(&answer);
                    emit(&LogEvent::Changed { what, about, by: person, seq });
                }
                answer
            }
            Err(error) => Answer::refused(error.to_string()),
        };
        say(stream, &answer)?;
    }
}

fn say(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    // Texts and numbers: nothing that could fail to become JSON.
    let mut text = sonic_rs::to_string(answer).unwrap_or_default();
    text.push('\n');
    stream.write_all(text.as_bytes())
}
