//! The payer's device: tokens of its identifiers, and what kind of thing it is.

use std::borrow::Cow;

use super::TokenKeys;
use crate::domain::{Device, DeviceIdentifier, Fact, Facts, Input, Sensitive, without_owner};

/// The device's identifiers and facts. Which device it is, matching decides in the engine.
pub(super) fn device(device: &Device<'_>, keys: &TokenKeys, input: &mut Input) {
    let present = *device != Device::default();
    input.facts.set_bool(Fact::DevicePresent, present);
    if !present {
        return;
    }
    for which in DeviceIdentifier::ALL {
        let Some(value) = identifier(device, which) else { continue };
        match keys.device_identifier(which, value.expose()) {
            Some(token) => input.device.set(which, token),
            None => input.placeholders.add_identifier(which),
        }
    }
    texts(device, &mut input.facts);
    flags(device, &mut input.facts);
    if device.model.is_some() || device.brand.is_some() || device.cpu.is_some() {
        input.facts.set_int(Fact::DeviceEmulatorSigns, emulator_signs(device));
    }
}

fn identifier<'d, 'a>(
    device: &'d Device<'a>,
    which: DeviceIdentifier,
) -> Option<&'d Sensitive<Cow<'a, str>>> {
    match which {
        DeviceIdentifier::MediaDrm => &device.media_drm_id,
        DeviceIdentifier::AndroidId => &device.android_id,
        DeviceIdentifier::Idfv => &device.idfv,
        DeviceIdentifier::Gsf => &device.gsf_id,
        DeviceIdentifier::Oaid => &device.oaid,
        DeviceIdentifier::Idfa => &device.idfa,
        DeviceIdentifier::BluetoothMac => &device.bluetooth_mac,
        DeviceIdentifier::Mac => &device.mac,
        DeviceIdentifier::Imei => &device.imei,
    }
    .as_ref()
}

fn texts(device: &Device<'_>, facts: &mut Facts) {
    for (fact, text) in [
        (Fact::DevicePlatform, &device.platform),
        (Fact::DeviceBrand, &device.brand),
        (Fact::DeviceModel, &device.model),
        (Fact::DeviceOsVersion, &device.os_version),
        (Fact::DeviceAppVersion, &device.app_version),
        (Fact::DeviceCpu, &device.cpu),
        (Fact::DeviceScreen, &device.screen),
        (Fact::DeviceLanguage, &device.language),
        (Fact::DeviceTimeZone, &device.time_zone),
    ] {
        if let Some(text) = text {
            let is_model = fact == Fact::DeviceModel;
            super::set_text(facts, fact, if is_model { without_owner(text) } else { text });
        }
    }
    for (fact, number) in
        [(Fact::DeviceCores, device.cores), (Fact::DeviceMemoryMb, device.memory_mb)]
    {
        if let Some(number) = number {
            facts.set_int(fact, i64::from(number));
        }
    }
}

fn flags(device: &Device<'_>, facts: &mut Facts) {
    let flags = &device.flags;
    for (fact, flag) in [
        (Fact::DeviceEmulator, flags.emulator),
        (Fact::DeviceRooted, flags.rooted),
        (Fact::DeviceHooked, flags.hooked),
        (Fact::DeviceDebug, flags.debug),
        (Fact::DeviceCloned, flags.cloned),
        (Fact::DeviceMockLocation, flags.mock_location),
    ] {
        if let Some(flag) = flag {
            facts.set_bool(fact, flag);
        }
    }
}

/// A text of the device that emulators set, and how it shows.
enum Sign {
    ModelHas(&'static str),
    ModelBegins(&'static str),
    BrandHas(&'static str),
    CpuHas(&'static str),
}

/// Signs of an emulator (DOMAIN section 6), as far as an event has the fields: the build
/// fingerprint and the product appear as `generic` brand and `sdk` model, the hardware as CPU.
const SIGNS: [Sign; 11] = [
    Sign::ModelHas("google_sdk"),
    Sign::ModelHas("emulator"),
    Sign::ModelHas("android sdk built for"),
    Sign::ModelBegins("sdk"),
    Sign::BrandHas("generic"),
    Sign::BrandHas("unknown"),
    Sign::BrandHas("genymotion"),
    Sign::ModelHas("genymotion"),
    Sign::CpuHas("goldfish"),
    Sign::CpuHas("vbox86"),
    Sign::CpuHas("ranchu"),
];

fn emulator_signs(device: &Device<'_>) -> i64 {
    let text = |text: &Option<Cow<'_, str>>, sign: fn(&[u8], &[u8]) -> bool, word: &str| {
        text.as_ref().is_some_and(|text| sign(text.as_bytes(), word.as_bytes()))
    };
    let shows = |sign: &&Sign| match sign {
        Sign::ModelHas(word) => text(&device.model, contains, word),
        Sign::ModelBegins(word) => text(&device.model, begins, word),
        Sign::BrandHas(word) => text(&device.brand, contains, word),
        Sign::CpuHas(word) => text(&device.cpu, contains, word),
    };
    SIGNS.iter().filter(shows).count() as i64
}

/// Whether `word`, in lower case, occurs in `text` in whatever case.
fn contains(text: &[u8], word: &[u8]) -> bool {
    // Nearly every window is ruled out by its first letter, which differs in one bit by case.
    let first = word.first().copied().unwrap_or(0);
    text.windows(word.len())
        .any(|window| window[0] | 0x20 == first && window.eq_ignore_ascii_case(word))
}

fn begins(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three signs are an emulator; a real phone has none, whatever its name.
    #[test]
    fn emulators_show_signs_and_phones_none() {
        #[track_caller]
        fn check(brand: &'static str, model: &'static str, cpu: &'static str, expected: i64) {
            let device = Device {
                brand: Some(brand.into()),
                model: Some(model.into()),
                cpu: Some(cpu.into()),
                ..Device::default()
            };
            assert_eq!(emulator_signs(&device), expected, "{brand} {model} {cpu}");
        }
        check("HUAWEI", "Mate 60 Pro", "Kirin 9000S", 0);
        check("google", "Android SDK built for x86", "ranchu", 2);
        check("generic", "google_sdk", "goldfish", 3);
        check("Genymotion", "Custom Phone", "vbox86", 2);
        check("unknown", "sdk_gphone64_x86_64", "ranchu", 3);
        check("", "", "", 0);
    }

    /// A device without identifiers is still a device; nothing at all is none.
    #[test]
    fn any_field_makes_a_device_present() {
        let keys = TokenKeys::new(1, &[1; 32]);
        let mut input = Input::new();
        device(&Device::default(), &keys, &mut input);
        assert_eq!(input.facts.bool(Fact::DevicePresent), Some(false));
        device(&Device { cores: Some(8), ..Device::default() }, &keys, &mut input);
        assert_eq!(input.facts.bool(Fact::DevicePresent), Some(true));
        assert!(input.device.is_empty());
    }
}
