//! How alike are two fingerprints? The weights of DOMAIN section 6.

use crate::domain::DeviceIdentifier;

use super::Change;
use super::record::{Attribute, Fingerprint};

/// The outcome of comparing what is known with what an event shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    /// 0 to 1.
    pub(super) score: f64,
    /// Fields present on both sides that differ.
    pub(super) changed: u32,
    /// What explains them.
    pub(super) reason: Change,
}

/// Where likeness alone ends: attributes without an identifier would make an identity of a phone
/// model, and identifiers on other hardware are a copy.
const WEAK_MAX: f64 = 0.84;

/// The most that two fingerprints without an identifier or a network in common can reach.
const STRANGER_MAX: f64 = 0.59;

/// The weight of an identifier. The IMEI, which the table does not list, names hardware as
/// MediaDRM does and is weighed with the Android id, since it can be faked.
const fn weight(which: DeviceIdentifier) -> f64 {
    match which {
        DeviceIdentifier::MediaDrm => 10.0,
        DeviceIdentifier::AndroidId | DeviceIdentifier::Idfv | DeviceIdentifier::Imei => 9.0,
        DeviceIdentifier::Gsf => 8.0,
        DeviceIdentifier::Oaid | DeviceIdentifier::Idfa => 7.0,
        DeviceIdentifier::BluetoothMac | DeviceIdentifier::Mac => 5.0,
    }
}

/// Weighs one field at a time.
#[derive(Default)]
struct Scale {
    weight: f64,
    likeness: f64,
    changed: u32,
}

impl Scale {
    fn put(&mut self, weight: f64, likeness: f64) {
        self.weight += weight;
        self.likeness += weight * likeness;
        self.changed += u32::from(likeness < 1.0);
    }
}

/// Compares what is known of a device with what an event shows.
pub(super) fn compare(known: &Fingerprint, seen: &Fingerprint) -> Comparison {
    let mut scale = Scale::default();
    let (mut equal_ids, mut changed_ids) = (0, 0);
    for which in DeviceIdentifier::ALL {
        if let (Some(a), Some(b)) = (known.identifier(which), seen.identifier(which)) {
            scale.put(weight(which), if a == b { 1.0 } else { 0.0 });
            equal_ids += u32::from(a == b);
            changed_ids += u32::from(a != b);
        }
    }
    let both = |which| Some((known.attribute(which)?, seen.attribute(which)?));
    let hardware = hardware_likeness(&both);
    if let Some(likeness) = hardware {
        scale.put(4.0, likeness);
    }
    let model = both(Attribute::Model).or_else(|| both(Attribute::Brand));
    if let Some((a, b)) = model {
        scale.put(3.0, if a == b { 1.0 } else { 0.0 });
    }
    let system = both(Attribute::OsVersion);
    if let Some((was, is)) = system {
        // An upgrade is what devices do; a downgrade is not.
        scale.put(
            1.0,
            if was == is {
                1.0
            } else if was < is {
                0.5
            } else {
                -1.0
            },
        );
    }
    for (which, weight) in [
        (Attribute::Carrier, 1.0),
        (Attribute::Place, 1.0),
        (Attribute::Language, 0.5),
        (Attribute::TimeZone, 0.5),
    ] {
        if let Some((a, b)) = both(which) {
            scale.put(weight, if a == b { 1.0 } else { 0.0 });
        }
    }
    let score = if scale.weight > 0.0 { (scale.likeness / scale.weight).max(0.0) } else { 0.0 };
    let other_hardware =
        hardware.is_some_and(|likeness| likeness < 0.5) || model.is_some_and(|(a, b)| a != b);
    let upgraded = system.is_some_and(|(was, is)| was < is);
    let reason = match (equal_ids > 0, changed_ids > 0) {
        (true, _) if other_hardware => Change::Clone,
        (_, true) if !other_hardware => Change::Reset,
        _ if upgraded => Change::Upgrade,
        _ => Change::None,
    };
    // Identifiers outweigh hardware, yet a phone does not turn into another model: that is a copy,
    // and the best that may be said of a copy is "probable".
    let is_sure = equal_ids > 0 && reason != Change::Clone;
    // Without an identifier in common only the same network makes it likely: browsers of one kind
    // are alike, and their owners are strangers.
    let is_near = both(Attribute::Place).is_some_and(|(a, b)| a == b);
    let score = match (is_sure, equal_ids > 0 || is_near) {
        (true, _) => score,
        (false, true) => score.min(WEAK_MAX),
        (false, false) => score.min(STRANGER_MAX),
    };
    Comparison { score, changed: scale.changed, reason }
}

/// Processor, memory and screen as one field: the share of those on both sides that agree.
fn hardware_likeness(both: &impl Fn(Attribute) -> Option<(u32, u32)>) -> Option<f64> {
    let pairs = [Attribute::Cpu, Attribute::Memory, Attribute::Screen].map(both);
    let present = pairs.iter().flatten().count();
    let equal = pairs.iter().flatten().filter(|(a, b)| a == b).count();
    (present > 0).then(|| equal as f64 / present as f64)
}
