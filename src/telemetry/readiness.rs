//! Whether the service takes work: a set of reasons why not, empty when it does.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::share::Share;

/// Why the service does not take work, one bit each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum Unready {
    /// It is being set up.
    Starting = 1,
    /// It reads what the journal holds.
    Recovering = 1 << 1,
    /// No broker answers.
    BrokerUnreachable = 1 << 2,
    /// No partition is assigned.
    NoPartitions = 1 << 3,
    /// Another instance of the group has some of the partitions: windows would be split.
    SharedGroup = 1 << 4,
    /// It stops.
    Stopping = 1 << 5,
    /// It has failed and ends.
    Failed = 1 << 6,
    /// The journal's disk is full: nothing is decided until there is room.
    DiskFull = 1 << 7,
    /// The journal's disk takes too long.
    DiskSlow = 1 << 8,
    /// The broker does not take our user and password.
    BrokerLogin = 1 << 9,
    /// The broker's certificate does not prove that it is the broker.
    BrokerCertificate = 1 << 10,
    /// The broker and we do not come to an encrypted channel.
    BrokerTls = 1 << 11,
    /// A partition is not read though the broker has more of it.
    PartitionStalled = 1 << 12,
    /// A topic that is to be read does not exist.
    TopicMissing = 1 << 13,
    /// Partitions were added and are not read yet.
    PartitionsAdded = 1 << 14,
    /// Of the last messages every one was refused.
    EverythingRefused = 1 << 15,
}

impl Unready {
    /// What to do about it, in a sentence.
    pub fn advice(self) -> &'static str {
        Self::ALL.iter().find(|(reason, ..)| *reason == self).map_or("", |(.., text)| text)
    }

    /// Every reason with its name and its sentence.
    pub const ALL: [(Self, &'static str, &'static str); 16] = [
        (Self::Starting, "starting", "the service is being set up"),
        (Self::Recovering, "recovering", "the journal is being read"),
        (Self::BrokerUnreachable, "broker_unreachable", "no broker answers"),
        (Self::NoPartitions, "no_partitions", "no partition is assigned to this instance"),
        (
            Self::SharedGroup,
            "shared_group",
            "another instance of the group has some of the partitions: stop one of the two",
        ),
        (Self::Stopping, "stopping", "the service stops"),
        (Self::Failed, "failed", "the service has failed and ends"),
        (Self::DiskFull, "disk_full", "the journal's disk is full: make room"),
        (Self::DiskSlow, "disk_slow", "the journal's disk takes too long to keep what is written"),
        (
            Self::BrokerLogin,
            "broker_login",
            "the broker refuses the login: in [kafka.security] correct username, password_file or \
             mechanism and start again, or correct the user at the broker",
        ),
        (
            Self::BrokerCertificate,
            "broker_certificate",
            "the broker's certificate is not trusted: ca_file in [kafka.security] must hold the \
             certificate of who issued it, and `brokers` and the broker's own listener must use a \
             name that it is for; correct them and start again, or give the broker another one",
        ),
        (
            Self::BrokerTls,
            "broker_tls",
            "there is no TLS with the broker: `brokers` must name a listener that speaks what \
             protocol in [kafka.security] says, and one that asks for a certificate of ours needs \
             certificate_file and key_file",
        ),
        (Self::PartitionStalled, "partition_stalled", "a partition is not read"),
        (Self::TopicMissing, "topic_missing", "the broker has no such topic"),
        (
            Self::PartitionsAdded,
            "partitions_added",
            "partitions were added and are not read yet: it comes by itself",
        ),
        (
            Self::EverythingRefused,
            "everything_refused",
            "of the last hundred messages or more every one was refused; see the dead letters, and the \
             clocks of the senders and of this machine",
        ),
    ];
}

/// The reasons that hold now, and what else whoever asks should know.
#[derive(Debug)]
pub struct Readiness {
    reasons: AtomicU32,
    /// Where a reason holds, as a text.
    places: Mutex<Vec<(Unready, String)>>,
    /// The newest notes, each a code and a text.
    notes: Mutex<VecDeque<(&'static str, String)>>,
    /// Messages with a field that the schema does not know.
    unknown_fields: Share,
    /// Messages refused since the last one that was not.
    refused: AtomicU32,
}

/// So many messages refused one after the other are no slip of one sender.
const REFUSED: u32 = 100;

/// Notes that are kept: the newest.
const NOTES_MAX: usize = 16;

/// The note on a share of messages with unknown fields.
const UNKNOWN_FIELDS: (&str, &str) = (
    "unknown_fields",
    "one message in a hundred or more has a field that the schema does not know: \
     tidegate_unknown_fields_total names what was probably meant",
);

impl Default for Readiness {
    fn default() -> Self {
        Self {
            reasons: AtomicU32::new(Unready::Starting as u32),
            places: Mutex::default(),
            notes: Mutex::default(),
            unknown_fields: Share::default(),
            refused: AtomicU32::new(0),
        }
    }
}

impl Readiness {
    /// Says that a reason holds; whether that is new.
    pub fn set(&self, reason: Unready) -> bool {
        self.reasons.fetch_or(reason as u32, Ordering::Relaxed) & reason as u32 == 0
    }

    /// Says that a reason holds in a place, as a text of names and numbers; whether either is new.
    pub fn set_at(&self, reason: Unready, place: &str) -> bool {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = places.iter().any(|(of, text)| *of == reason && text == place);
        if !is_known {
            places.retain(|(of, _)| *of != reason);
            places.push((reason, place.to_owned()));
        }
        self.set(reason) || !is_known
    }

    /// Says that a reason no longer holds; whether that is new.
    pub fn clear(&self, reason: Unready) -> bool {
        self.reasons.fetch_and(!(reason as u32), Ordering::Relaxed) & reason as u32 != 0
    }

    /// Something happened that whoever asks should know; it makes nothing unready. A text of names and
    /// numbers.
    pub fn note(&self, code: &'static str, text: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.retain(|(_, known)| *known != text);
        if notes.len() >= NOTES_MAX {
            notes.pop_front();
        }
        notes.push_back((code, text));
    }

    /// Counts a message, and whether it has a field that the schema does not know.
    pub fn count_taken(&self, has_unknown_field: bool) {
        self.unknown_fields.count(has_unknown_field);
    }

    /// Counts a message that was refused, for a reason's code, or one that was not; whether by that
    /// everything is refused, or no longer. One thread counts.
    pub fn count_refused(&self, reason: Option<&'static str>) -> bool {
        let Some(reason) = reason else {
            self.refused.store(0, Ordering::Relaxed);
            return self.holds(Unready::EverythingRefused)
                && self.clear(Unready::EverythingRefused);
        };
        let refused = self.refused.load(Ordering::Relaxed).saturating_add(1);
        self.refused.store(refused, Ordering::Relaxed);
        refused == REFUSED && self.set_at(Unready::EverythingRefused, reason)
    }

    /// Whether none holds.
    pub fn is_ready(&self) -> bool {
        self.reasons.load(Ordering::Relaxed) == 0
    }

    /// Whether this one holds.
    pub fn holds(&self, reason: Unready) -> bool {
        self.reasons.load(Ordering::Relaxed) & reason as u32 != 0
    }

    /// `{"ready":false,"reasons":[{"code":...,"text":...}]}`, and `"notes"` of the same form where there
    /// are any.
    pub fn to_json(&self) -> String {
        let mut out = format!("{{\"ready\":{},\"reasons\":[", self.is_ready());
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let mut comma = "";
        for (reason, name, text) in Unready::ALL.into_iter().filter(|(of, ..)| self.holds(*of)) {
            let place = places.iter().find(|(of, _)| *of == reason);
            let place = place.map(|(_, place)| format!(": {place}")).unwrap_or_default();
            write_item(&mut out, comma, name, &format!("{text}{place}"));
            comma = ",";
        }
        out.push(']');
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = notes.iter().map(|(code, text)| (*code, text.as_str()));
        let share = self.unknown_fields.is_noted().then_some(UNKNOWN_FIELDS);
        let mut noted = noted.chain(share).peekable();
        if noted.peek().is_some() {
            out.push_str(",\"notes\":[");
            let mut comma = "";
            for (code, text) in noted {
                write_item(&mut out, comma, code, text);
                comma = ",";
            }
            out.push(']');
        }
        out.push('}');
        out
    }

    pub(super) fn render(&self, out: &mut String) {
        let name = "tidegate_unready";
        let _ = writeln!(out, "# HELP {name} 1 while the reason holds\n# TYPE {name} gauge");
        for (reason, code, _) in Unready::ALL {
            let value = u8::from(self.holds(reason));
            let _ = writeln!(out, "{name}{{reason=\"{code}\"}} {value}");
        }
    }
}

fn write_item(out: &mut String, comma: &str, code: &str, text: &str) {
    // A text that is no more than names and numbers is JSON after this, and writing to a string
    // cannot fail.
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    let _ = write!(out, "{comma}{{\"code\":\"{code}\",\"text\":\"{text}\"}}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A load balancer reads the status, a person the reasons; two reasons do not hide each other.
    #[test]
    fn reasons_come_and_go_one_by_one() {
        let readiness = Readiness::default();
        assert!(readiness.set(Unready::SharedGroup));
        assert!(!readiness.set(Unready::SharedGroup), "that was known");
        assert!(readiness.clear(Unready::Starting));
        assert!(!readiness.is_ready());
        assert_eq!(
            readiness.to_json(),
            "{\"ready\":false,\"reasons\":[{\"code\":\"shared_group\",\"text\":\"another instance \
             of the group has some of the partitions: stop one of the two\"}]}"
        );
        assert!(readiness.clear(Unready::SharedGroup));
        assert!(readiness.set_at(Unready::Stopping, "in \"a\""));
        assert!(!readiness.set_at(Unready::Stopping, "in \"a\""));
        assert!(readiness.set_at(Unready::Stopping, "in b"));
        assert!(readiness.to_json().contains("the service stops: in b"));
        assert!(readiness.clear(Unready::Stopping));
        assert_eq!(readiness.to_json(), "{\"ready\":true,\"reasons\":[]}");
        for number in 0..20 {
            readiness.note("seen", format!("number {}", number / 2));
        }
        let json: serde_json::Value = serde_json::from_str(&readiness.to_json()).unwrap();
        let notes = json["notes"].as_array().unwrap();
        assert_eq!((notes.len(), &notes[0]["text"]), (10, &"number 0".into()));
        (0..200).for_each(|_| readiness.count_taken(true));
        let json: serde_json::Value = serde_json::from_str(&readiness.to_json()).unwrap();
        assert_eq!(json["notes"][10]["code"], "unknown_fields");
    }

    /// A hundred refused in a row make it unready, with the reason; one that is not refused ends it, and
    /// one now and then never lets it begin.
    #[test]
    fn everything_refused_is_said_and_taken_back() {
        let readiness = Readiness::default();
        readiness.clear(Unready::Starting);
        for n in 0..1_000 {
            assert!(!readiness.count_refused((n % 99 != 0).then_some("time_stale")));
        }
        let changes: Vec<_> =
            (0..300).filter(|_| readiness.count_refused(Some("time_stale"))).collect();
        assert_eq!(changes.len(), 1, "said once: {changes:?}");
        assert!(!readiness.is_ready());
        assert!(
            readiness.to_json().contains("this machine: time_stale"),
            "{}",
            readiness.to_json()
        );
        assert!(readiness.count_refused(None));
        assert!(readiness.is_ready() && !readiness.count_refused(None));
        let again = (0..100).filter(|_| readiness.count_refused(Some("not_json"))).count();
        assert_eq!((again, readiness.is_ready()), (1, false));
    }
}
