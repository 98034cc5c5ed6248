//! The socket itself: who is at the other end, one line in, one line out, bounded in size and time.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use super::guests::{Guests, Place};
use super::lines::{Came, Lines, SILENCE};
use super::office::Office;
use super::order::OrderSender;
use super::people::{People, Role};
use super::request::{Answer, Request};
use crate::domain::EventTime;
use crate::edges::access;
use crate::edges::spare_file::SpareFile;
use crate::edges::users;
use crate::telemetry::{LogEvent, emit};

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
    let door = Door { office, orders, guests: Guests::default() };
    let accept = move || {
        let mut spare = SpareFile::default();
        loop {
            spare.keep();
            match listener.accept() {
                Ok((stream, _)) => {
                    if let Ok((stream, person)) = peer(stream, &runtime) {
                        door.receive(stream, person);
                    }
                }
                Err(error) => {
                    if let Some(rest) = spare.after(&error) {
                        thread::sleep(rest);
                    }
                }
            }
        }
    };
    let spawned = thread::Builder::new().name("admin".to_owned()).spawn(accept);
    spawned.map(drop).map_err(|error| SocketError { path, error })
}

/// What every client needs.
#[derive(Clone, Debug)]
struct Door {
    office: Office,
    orders: OrderSender,
    guests: Guests,
}

impl Door {
    /// Gives a client a thread of its own, or tells it why not.
    fn receive(&self, stream: UnixStream, person: String) {
        let guest = match self.admit(&person) {
            Ok(guest) => guest,
            Err(why) => {
                // A new connection takes a short line without waiting.
                let _ = say(&stream, &Answer::refused(why));
                return;
            }
        };
        let door = self.clone();
        let talk = move || {
            // A client that breaks off has its reasons.
            let _ = door.talk(&stream, &person);
            drop(guest);
        };
        let _ = thread::Builder::new().name("admin client".to_owned()).spawn(talk);
    }

    fn admit(&self, person: &str) -> Result<super::guests::Guest, String> {
        let people = self.office.people();
        if !people.knows(person) {
            return Err(format!("{person} has no role: [admin] of the configuration gives roles"));
        }
        let switches_off = people.may(person, &[Role::Operator, Role::Approver]);
        let place = if switches_off { Place::Reserved } else { Place::Ordinary };
        self.guests.admit(person, place)
    }

    fn talk(&self, stream: &UnixStream, person: &str) -> io::Result<()> {
        let mut lines = Lines::new(stream);
        loop {
            match lines.next(&self.guests, person)? {
                Came::Line => {}
                Came::End => return Ok(()),
                Came::Refused(why) => return say(stream, &Answer::refused(why)),
            }
            let answer = match Request::read(lines.line()) {
                Ok(request) => self.answer(&request, person, &mut lines),
                Err(error) => Answer::refused(error.to_string()),
            };
            say(stream, &answer)?;
        }
    }

    fn answer(&self, request: &Request, person: &str, lines: &mut Lines<'_>) -> Answer {
        // However short, a bundle is long in the making.
        if matches!(request, Request::Propose { .. })
            && let Err(why) = lines.large(&self.guests, person)
        {
            return Answer::refused(why);
        }
        let answer =
            self.office.serve(request, (person, now()), &mut |change| self.orders.send(change));
        if let (Some(what), Some(seq)) = (request.changes(), answer.seq) {
            emit(&LogEvent::Changed { what, about: request.about(&answer), by: person, seq });
        }
        answer
    }
}

/// Bytes of a socket's path that the system takes.
const PATH_MAX_BYTES: usize = 107;
/// What stands behind the name of a socket that nobody may reach yet.
const UNREADY: &str = ".new";

/// Refuses a path at which no socket can be made, and makes none: with [`io::ErrorKind::AddrInUse`]
/// where a living process serves it.
pub fn check_path(path: &Path) -> io::Result<()> {
    let bytes = path.as_os_str().len();
    let bytes_max = PATH_MAX_BYTES - UNREADY.len();
    if bytes > bytes_max {
        let text = format!("the path has {bytes} bytes, a socket's may have {bytes_max}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    access::may_make_in(parent.unwrap_or(Path::new(".")))?;
    match fs::symlink_metadata(path) {
        // It would be replaced.
        Ok(about) if !about.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something that is no socket stands there",
        )),
        Ok(_) if UnixStream::connect(path).is_ok() => {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "another process serves it"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the socket under another name and gives it its own when nobody but the group can reach it:
/// so there is no moment at which others can.
fn bind(path: &PathBuf) -> io::Result<UnixListener> {
    check_path(path)?;
    let mut unready = path.clone().into_os_string();
    unready.push(UNREADY);
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
    stream.set_write_timeout(Some(SILENCE))?;
    Ok((stream, users::name(user)))
}

/// Now, by the machine's clock.
fn now() -> EventTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventTime::from_ms(since.as_millis() as i64).unwrap_or(EventTime::MIN)
}

fn say(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    // Texts and numbers: nothing that could fail to become JSON.
    let mut text = sonic_rs::to_string(answer).unwrap_or_default();
    text.push('\n');
    stream.write_all(text.as_bytes())
}
