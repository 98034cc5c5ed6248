//! What a key signs when it approves: everything that must not be another time, place or thing.

use crate::domain::{BundleDigest, EventTime, Seq};
use crate::journal::JournalId;

/// Longest time for which a signature may be good.
pub(super) const GOOD_FOR_MS: i64 = 7 * DAY_MS;
/// For how long the text is good that an answer shows for signing.
pub(super) const SHOWN_FOR_MS: i64 = DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A text that a key signs to put a bundle in force. It holds for one proposal in one journal, while
/// the bundle that it replaces is in force, and for a time: old signatures, which the audit topic
/// shows to everybody, put nothing in force again.
pub fn bundle_approval(
    journal: JournalId,
    (bundle, replaces): (&BundleDigest, &BundleDigest),
    proposal: Seq,
    expires: EventTime,
) -> String {
    format!(
        "tidegate approve bundle sha256:{}\njournal {journal:?}\nreplaces sha256:{}\nproposal {}\n\
         expires {expires}\n",
        hex(bundle),
        hex(replaces),
        proposal.0
    )
}

/// A text that a key signs to put a change of a list in force: its name says who proposed what and
/// when, and it is approved once.
pub fn list_approval(journal: JournalId, change: &str, expires: EventTime) -> String {
    format!("tidegate approve list change {change}\njournal {journal:?}\nexpires {expires}\n")
}

/// Whether a signature that ends then can be taken now.
pub(super) fn check_expiry(expires: EventTime, now: EventTime) -> Result<(), String> {
    let left = expires.as_ms() - now.as_ms();
    if left <= 0 {
        return Err("the signature has ended: sign again, with a later `expires`".to_owned());
    }
    if left > GOOD_FOR_MS {
        return Err(
            "a signature is good for seven days at most: sign an earlier `expires`".to_owned()
        );
    }
    Ok(())
}

/// A moment so long after another.
pub(super) fn after(now: EventTime, ms: i64) -> EventTime {
    // Whole seconds are easier to type again.
    let ms = (now.as_ms() + ms) / 1_000 * 1_000;
    EventTime::from_ms(ms).unwrap_or(now)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
