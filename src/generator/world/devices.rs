//! Devices: which model, which identifiers it lets an app read, and what they are.

use super::World;
use super::checksums::luhn_digit;
use super::models::{BOXES, BROWSERS, EMULATORS, Model, PHONES, Platform, TERMINALS};
use super::people::Person;
use crate::generator::json::{push_hex, push_padded};
use crate::generator::rng::Rng;

const MODEL: u64 = 0x6D6F_6465;
const IDENTIFIERS: u64 = 0x6964_6673;
const RESET: u64 = 0x7265_7365;

/// The kind of thing a device is; it chooses the table of models.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceClass {
    /// A phone.
    Phone,
    /// A browser on a computer.
    Browser,
    /// A television box.
    TvBox,
    /// A merchant's terminal.
    Terminal,
    /// An emulated phone.
    Emulator,
}

/// Which device an event comes from.
#[derive(Clone, Copy, Debug)]
pub struct DeviceUse {
    /// Identity: every identifier is derived from it.
    pub id: u64,
    /// What it is.
    pub class: DeviceClass,
    /// Whose model and system it has: its own id, or one shared by a whole farm.
    pub build: u64,
    /// What the app reports of its surroundings.
    pub flags: DeviceFlags,
    /// How many times it was reset to its factory state.
    pub resets: u8,
}

/// The state an app reports, as a set of bits in the wire's order.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DeviceFlags(pub u8);

impl DeviceFlags {
    /// The names on the wire, in bit order.
    pub const NAMES: [&'static str; 6] =
        ["emulator", "rooted", "hooked", "debug", "cloned", "mock_location"];
    /// The app runs in an emulator.
    pub const EMULATOR: Self = Self(1);
    /// The system is rooted.
    pub const ROOTED: Self = Self(2);
    /// A hooking framework is present.
    pub const HOOKED: Self = Self(4);
    /// A debugger is attached.
    pub const DEBUG: Self = Self(8);
    /// The app runs in a cloned space.
    pub const CLONED: Self = Self(16);
    /// Locations are made up.
    pub const MOCK_LOCATION: Self = Self(32);

    /// Both sets together.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl DeviceUse {
    /// A device that reports nothing unusual.
    pub fn plain(class: DeviceClass, id: u64) -> Self {
        Self { id, class, build: id, flags: DeviceFlags::default(), resets: 0 }
    }

    /// The same device, reporting these flags.
    pub fn with_flags(self, flags: DeviceFlags) -> Self {
        Self { flags, ..self }
    }

    /// The same device after one more reset to its factory state.
    pub fn after_reset(self) -> Self {
        Self { resets: self.resets.saturating_add(1), ..self }
    }
}

impl World {
    /// A person's phone: `slot` 0 is the everyday one. Three households in a hundred share theirs.
    pub fn phone_of(&self, person: &Person, slot: u32) -> DeviceUse {
        let shared = slot == 0 && person.habits % 100 < 3 && person.index < self.customers;
        let owner = if shared { person.index - person.index % 3 } else { person.index };
        let id = u64::from(owner) * 4 + u64::from(slot.min(person.devices - 1));
        let mut device = DeviceUse::plain(DeviceClass::Phone, id);
        // One owner in sixty has rooted the phone, and is no fraudster for it.
        if Rng::of(self.seed, MODEL ^ IDENTIFIERS, id).below(60) == 0 {
            device.flags = DeviceFlags::ROOTED;
        }
        device
    }

    /// Whether a reset leaves enough of a device to know it by: the table of DOMAIN section 6 keeps
    /// the DRM identifier and the hardware, and renews the Android and the GSF id.
    pub fn is_known_after_reset(&self, device: &DeviceUse) -> bool {
        let (model, _) = self.model_of(device);
        let is_android = matches!(model.platform, Platform::Android | Platform::OldAndroid);
        is_android && self.identifiers_of(device, model).media_drm
    }

    /// A person's computer.
    pub fn browser_of(&self, person: &Person) -> DeviceUse {
        DeviceUse::plain(DeviceClass::Browser, u64::from(person.index) * 4 + 2)
    }

    /// The box under a household's television.
    pub fn tv_box_of(&self, person: &Person) -> DeviceUse {
        DeviceUse::plain(DeviceClass::TvBox, u64::from(person.index / 3) * 4 + 3)
    }

    /// The model of a device, and a stream from which its system version follows.
    pub fn model_of(&self, device: &DeviceUse) -> (&'static Model, Rng) {
        let table = match device.class {
            DeviceClass::Phone => PHONES,
            DeviceClass::Browser => BROWSERS,
            DeviceClass::TvBox => BOXES,
            DeviceClass::Terminal => TERMINALS,
            DeviceClass::Emulator => EMULATORS,
        };
        let mut rng = Rng::of(self.seed, MODEL + device.class as u64, device.build);
        let total: u64 = table.iter().map(|model| u64::from(model.weight)).sum();
        let mut left = rng.below(total);
        for model in table {
            if left < u64::from(model.weight) {
                return (model, rng);
            }
            left -= u64::from(model.weight);
        }
        (&table[0], rng)
    }

    /// The identifiers that an app can read on this device.
    pub fn identifiers_of(&self, device: &DeviceUse, model: &Model) -> Identifiers {
        let salt = IDENTIFIERS + device.class as u64;
        let mut rng = Rng::of(self.seed, salt, device.id);
        let words = [rng.word(), rng.word(), rng.word(), rng.word()];
        // A device that was never reset has the identifiers that it came with.
        let renewed = match device.resets {
            0 => 0,
            resets => Rng::of(self.seed, salt ^ RESET, device.id ^ u64::from(resets) << 56).word(),
        };
        let platform = model.platform;
        let apple = platform == Platform::Ios;
        let android = matches!(platform, Platform::Android | Platform::OldAndroid);
        let old = matches!(platform, Platform::OldAndroid | Platform::Tv | Platform::Terminal);
        Identifiers {
            words,
            renewed,
            tac: model.tac,
            imei: platform == Platform::OldAndroid || platform == Platform::Terminal,
            idfa: apple && rng.chance(0.35),
            idfv: apple,
            oaid: android || platform == Platform::Harmony,
            android_id: android || platform == Platform::Tv,
            // Browsers hand out a DRM identifier too, bound to the site.
            media_drm: match platform {
                Platform::Tv | Platform::Web => true,
                _ => android && rng.chance(0.9),
            },
            // Google's services are rare on phones sold in the mainland.
            gsf: android && rng.chance(0.3),
            mac: old,
            bluetooth: platform == Platform::OldAndroid || platform == Platform::Terminal,
        }
    }
}

/// The identifiers of one device: which of them can be read, and the bits they are made of.
#[derive(Clone, Debug)]
pub struct Identifiers {
    words: [u64; 4],
    /// What a reset changes of them; 0 before the first one.
    renewed: u64,
    tac: u32,
    /// IMEI is readable.
    pub imei: bool,
    /// The owner allowed tracking.
    pub idfa: bool,
    /// Vendor identifier.
    pub idfv: bool,
    /// Open anonymous identifier of the Chinese vendors.
    pub oaid: bool,
    /// SSAID.
    pub android_id: bool,
    /// Widevine device identifier.
    pub media_drm: bool,
    /// Google services framework identifier.
    pub gsf: bool,
    /// Wi-Fi address.
    pub mac: bool,
    /// Bluetooth address.
    pub bluetooth: bool,
}

/// Appends one identifier of a device.
pub type PushIdentifier = fn(&Identifiers, &mut Vec<u8>);

impl Identifiers {
    /// Those that can be read: the name on the wire and in registers, and what writes it.
    pub fn readable(&self) -> impl Iterator<Item = (&'static str, PushIdentifier)> {
        let all: [(bool, &'static str, PushIdentifier); 9] = [
            (self.imei, "imei", Self::push_imei),
            (self.idfa, "idfa", |ids, out| ids.push_uuid(1, out)),
            (self.idfv, "idfv", |ids, out| ids.push_uuid(2, out)),
            (self.oaid, "oaid", Self::push_oaid),
            (self.android_id, "android_id", Self::push_android_id),
            (self.media_drm, "media_drm_id", Self::push_media_drm),
            (self.gsf, "gsf_id", Self::push_gsf),
            (self.mac, "mac", |ids, out| ids.push_mac(0, out)),
            (self.bluetooth, "bluetooth_mac", |ids, out| ids.push_mac(1, out)),
        ];
        all.into_iter().filter(|(can, ..)| *can).map(|(_, name, push)| (name, push))
    }

    /// Appends the IMEI: type allocation code, serial, Luhn digit.
    pub fn push_imei(&self, out: &mut Vec<u8>) {
        let first = out.len();
        push_padded(out, u64::from(self.tac), 8);
        push_padded(out, self.words[0] % 1_000_000, 6);
        let check = luhn_digit(&out[first..]);
        out.push(check);
    }

    /// Appends a UUID in upper case, as iOS writes it; `salt` tells IDFA from IDFV.
    pub fn push_uuid(&self, salt: u64, out: &mut Vec<u8>) {
        let first = out.len();
        let (high, low) = (self.words[1] ^ salt, self.words[2].rotate_left(salt as u32 & 63));
        push_hex(out, high >> 32, 8);
        out.push(b'-');
        push_hex(out, high >> 16, 4);
        out.extend_from_slice(b"-4");
        push_hex(out, high, 3);
        out.extend_from_slice(b"-A");
        push_hex(out, low >> 48, 3);
        out.push(b'-');
        push_hex(out, low, 12);
        out[first..].make_ascii_uppercase();
    }

    /// Appends the OAID: 32 hexadecimal digits.
    pub fn push_oaid(&self, out: &mut Vec<u8>) {
        push_hex(out, self.words[3], 16);
        push_hex(out, self.words[1].rotate_left(17), 16);
    }

    /// Appends the Android id: 16 hexadecimal digits. A reset gives another one.
    pub fn push_android_id(&self, out: &mut Vec<u8>) {
        push_hex(out, self.words[0].rotate_left(32) ^ self.renewed, 16);
    }

    /// Appends the MediaDRM id: 32 bytes in hexadecimal.
    pub fn push_media_drm(&self, out: &mut Vec<u8>) {
        for (turn, word) in self.words.iter().enumerate() {
            push_hex(out, word.rotate_left(7 + turn as u32), 16);
        }
    }

    /// Appends the Google services framework id. A reset gives another one.
    pub fn push_gsf(&self, out: &mut Vec<u8>) {
        push_hex(out, (self.words[2] ^ self.renewed) | 3 << 60, 16);
    }

    /// Appends a universally administered MAC address; `salt` tells Wi-Fi from Bluetooth.
    pub fn push_mac(&self, salt: u64, out: &mut Vec<u8>) {
        let bits = (self.words[3] ^ salt) & 0xFCFF_FFFF_FFFF;
        for byte in 0..6 {
            if byte > 0 {
                out.push(b':');
            }
            push_hex(out, bits >> (40 - 8 * byte), 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Settings;

    /// What the device came with stays as it was, whoever resets another one; a reset renews what
    /// DOMAIN section 6 says, each time, and nothing else.
    #[test]
    fn a_reset_renews_the_android_id_and_keeps_the_hardware() {
        let world = World::new(&Settings::default());
        let mut phones = (0..200).map(|id| DeviceUse::plain(DeviceClass::Phone, id));
        let phone = phones.find(|phone| world.is_known_after_reset(phone)).expect("many are");
        let all = |device: &DeviceUse| {
            let (model, _) = world.model_of(device);
            let ids = world.identifiers_of(device, model);
            let pushes: [PushIdentifier; 5] = [
                Identifiers::push_android_id,
                Identifiers::push_gsf,
                Identifiers::push_media_drm,
                Identifiers::push_oaid,
                Identifiers::push_imei,
            ];
            pushes.map(|push| {
                let mut out = Vec::new();
                push(&ids, &mut out);
                out
            })
        };
        let (new, once) = (all(&phone), all(&phone.after_reset()));
        let twice = all(&phone.after_reset().after_reset());
        for at in 0..2 {
            assert!(new[at] != once[at] && once[at] != twice[at] && new[at] != twice[at]);
        }
        assert_eq!((&new[2..], &once[2..]), (&once[2..], &twice[2..]));
    }

    /// Identifiers have the shape their standard gives them, and differ between devices.
    #[test]
    fn identifiers_have_their_shapes() {
        let world = World::new(&Settings::default());
        let mut seen = Vec::new();
        for id in 0..500 {
            let device = DeviceUse::plain(DeviceClass::Phone, id);
            let (model, _) = world.model_of(&device);
            let ids = world.identifiers_of(&device, model);
            let mut imei = Vec::new();
            ids.push_imei(&mut imei);
            assert_eq!(imei.len(), 15);
            assert_eq!(luhn_digit(&imei[..14]), imei[14]);
            let mut uuid = Vec::new();
            ids.push_uuid(1, &mut uuid);
            assert_eq!(uuid.len(), 36);
            let mut mac = Vec::new();
            ids.push_mac(1, &mut mac);
            assert_eq!(mac.len(), 17);
            let first = u8::from_str_radix(&String::from_utf8_lossy(&mac[..2]), 16).expect("hex");
            assert_eq!(first & 3, 0, "a factory address is unicast and universal");
            let mut drm = Vec::new();
            ids.push_media_drm(&mut drm);
            assert_eq!(drm.len(), 64);
            seen.push(drm);
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 500);
    }
}
