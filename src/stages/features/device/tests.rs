//! Devices as they change: the table of stability in DOMAIN section 6.

use super::*;
use crate::domain::{DeviceIdentifier, EntityKind, EventTime, Fact};
use crate::stages::features::epoch::{HEAD_WORDS, Words};

/// Builds the input of a device: identifiers as `name=number`, attributes as `name:text`.
fn device(text: &str) -> Input {
    let mut input = Input::new();
    input.occurred_at = EventTime::from_ms(1_700_000_000_000).unwrap();
    for part in text.split_whitespace() {
        if let Some((name, number)) = part.split_once('=') {
            let which =
                DeviceIdentifier::ALL.into_iter().find(|which| which.name() == name).unwrap();
            input.device.set(which, super::super::panes::mix(number.parse().unwrap()));
        } else if let Some((name, value)) = part.split_once(':') {
            match name {
                "model" => input.facts.set_text(Fact::DeviceModel, value),
                "cpu" => input.facts.set_text(Fact::DeviceCpu, value),
                "screen" => input.facts.set_text(Fact::DeviceScreen, value),
                "os" => input.facts.set_text(Fact::DeviceOsVersion, value),
                "net" => {
                    let token = Token::from_bytes([value.parse().unwrap(); 16]);
                    input.tokens.set(EntityKind::IpPrefix, token);
                }
                "memory" => input.facts.set_int(Fact::DeviceMemoryMb, value.parse().unwrap()),
                other => panic!("no attribute {other}"),
            }
        }
    }
    input
}

const PHONE: &str = "media_drm_id=1 android_id=2 gsf_id=3 oaid=4 mac=5 \
                     model:P40 cpu:K990 screen:1080x2340 memory:8192 os:10.1";

/// Shows a device, then a later state of it, and checks how that is recognised.
fn check(before: &str, after: &str, kind: Match, reason: Change) {
    let mut devices = Devices::new(1_000, StoreId(12));
    let first = devices.recognise(&device(before), Seq(1)).unwrap();
    let then = devices.recognise(&device(after), Seq(2)).unwrap();
    assert_eq!((then.kind, then.reason), (kind, reason), "{after}: {then:?}");
    assert_eq!(then.token == first.token, kind != Match::New, "{after}");
}

/// An honest customer's phone changes now and then; an attacker's copy changes in other fields.
#[test]
fn a_device_is_recognised_through_its_changes() {
    check(PHONE, PHONE, Match::Same, Change::None);
    check(PHONE, &PHONE.replace("os:10.1", "os:11.0"), Match::Same, Change::Upgrade);
    check(PHONE, &PHONE.replace("oaid=4", "oaid=44"), Match::Same, Change::Reset);
    check(
        PHONE,
        "android_id=22 gsf_id=33 media_drm_id=1 mac=5 model:P40 cpu:K990 screen:1080x2340 memory:8192 os:10.1",
        Match::New,
        Change::None,
    );
    check(PHONE, "media_drm_id=1 android_id=2 gsf_id=3", Match::Same, Change::None);
    check(
        PHONE,
        &PHONE
            .replace("model:P40", "model:X1")
            .replace("cpu:K990", "cpu:A1")
            .replace("1080x2340", "720x1280"),
        Match::Probable,
        Change::Clone,
    );
    check(PHONE, "media_drm_id=9 android_id=8 model:P50", Match::New, Change::None);
}

/// Two people with the same phone model are two people: attributes alone never say "same".
#[test]
fn attributes_alone_make_no_identity() {
    let weak = "model:P40 cpu:K990 screen:1080x2340 memory:8192 os:10.1";
    check(&format!("{weak} net:1"), &format!("{weak} net:1"), Match::Probable, Change::None);
    check(&format!("{weak} net:1"), &format!("{weak} net:2"), Match::New, Change::None);
    check(weak, weak, Match::New, Change::None);
    let mut devices = Devices::new(1_000, StoreId(12));
    for n in 0..20 {
        let print = format!("android_id={} {weak}", 100 + n);
        let found = devices.recognise(&device(&print), Seq(n)).unwrap();
        assert_eq!(found.kind, Match::New, "{n} shares a model, not an identifier");
    }
    assert_eq!(devices.recognise(&device(weak), Seq(99)), None, "a crowd names nobody");
    assert_eq!(devices.recognise(&device("os:10.1"), Seq(100)), None);
}

/// An attacker who invents devices cannot grow the store past its bound, nor break its maps.
#[test]
fn the_store_is_bounded() {
    let mut devices = Devices::new(64, StoreId(12));
    for n in 0..1_000_u64 {
        let print = format!("android_id={n} mac={} model:M{}", n + 5_000, n % 50);
        devices.recognise(&device(&print), Seq(n)).unwrap();
        let again = devices.recognise(&device(&print), Seq(n)).unwrap();
        assert_eq!(again.kind, Match::Same);
    }
    assert_eq!(devices.live(), 64);
    let (identifiers, buckets) = devices.store.entries();
    assert!(identifiers <= 64 * 2 && buckets <= 64, "{identifiers} and {buckets} entries");
}

/// One device that shows a new identifier every time leaves no trail in the maps, and is found by
/// what it shows now.
#[test]
fn what_a_device_no_longer_shows_leads_nowhere() {
    let mut devices = Devices::new(64, StoreId(12));
    for n in 0..1_000_u64 {
        let print = format!("media_drm_id=1 android_id=2 mac={} cpu:C{}", 10 + n, n % 3);
        devices.recognise(&device(&print), Seq(n)).unwrap();
    }
    assert_eq!((devices.live(), devices.store.entries()), (1, (3, 0)));
    let found = devices.recognise(&device("mac=1009"), Seq(2_000)).unwrap();
    assert_eq!(found.kind, Match::Same);
    let gone = devices.recognise(&device("mac=1008"), Seq(2_001)).unwrap();
    assert_eq!(gone.kind, Match::New);
}

/// The maps follow from the records: after any history they are what a load makes of them.
#[test]
fn maps_made_again_are_the_same_maps() {
    let mut devices = Devices::new(48, StoreId(12));
    let show = |n: u64| {
        let [a, b, c] = [n * 7 % 31, n * 5 % 23, n % 6];
        device(&format!("android_id={a} mac={b} model:M{c} cpu:C screen:S memory:{c}"))
    };
    for n in 0..2_000 {
        devices.recognise(&show(n), Seq(n));
    }
    let mut again = Devices::new(48, StoreId(12));
    let mut meta = Vec::new();
    let store = devices.granular();
    store.begin(&mut meta);
    let granules = store.epoch().left();
    store.keep(0..granules);
    let frames = store.epoch().take_frames(1, Vec::new).unwrap();
    store.epoch().end();
    again.granular().prepare(&mut Words(&meta)).unwrap();
    again.granular().load(0, &frames[HEAD_WORDS..]).unwrap();
    again.finish_load();
    assert_eq!(again.store.entries(), devices.store.entries());
    for n in 2_000..6_000 {
        let (one, other) = (devices.recognise(&show(n), Seq(n)), again.recognise(&show(n), Seq(n)));
        assert_eq!(one, other, "{n}");
    }
}

/// An event that mixes the identifiers of two devices has both as candidates: one of them found must
/// not hide the other.
#[test]
fn every_identifier_leads_to_its_device() {
    let mut devices = Devices::new(64, StoreId(12));
    for (n, print) in
        ["media_drm_id=1 mac=1 model:A", "android_id=2 mac=2 model:B"].iter().enumerate()
    {
        assert_eq!(devices.recognise(&device(print), Seq(n as u64)).unwrap().kind, Match::New);
    }
    let mixed = Fingerprint::of(&device("media_drm_id=1 mac=2")).unwrap();
    let mut found = Vec::new();
    devices.store.led_to(&mixed, |id| found.push(id));
    assert_eq!(found, [0, 1]);
}
