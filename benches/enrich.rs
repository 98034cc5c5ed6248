//! Enrich: one full mobile event, with its parts and its floor beside it.
//!
//! `tokens alone` is the twin: the HMACs that the event needs and nothing else, which no way of
//! writing the rest could go below.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate::domain::{
    Amount, Card, Currency, Datum, DeviceIdentifier, EntityKind, EventTime, Input, Kind, Location,
    Message, PaymentEvent, Sensitive, Service,
};
use tidegate::edges::tables::TableKind;
use tidegate::edges::tables::mmdb_write::{AsnBlock, CityBlock, asn_db, city_db};
use tidegate::stages::enrich::datum::{Degrees, to_wgs84};
use tidegate::stages::enrich::{Tables, TokenKeys, enrich};

/// About what a mobile payment's protobuf form has.
const CANONICAL: [u8; 600] = [42; 600];

fn event() -> PaymentEvent<'static> {
    let at = EventTime::parse_rfc3339("2026-11-23T14:54:11Z").expect("a moment");
    let mut event = PaymentEvent::new("gw-0123456789", Kind::Payment, Service::MobilePayment, at);
    let secret = |text: &'static str| Some(Sensitive::new(text.into()));
    event.amount = Amount::from_minor(12_345, Currency::CNY).ok();
    event.payer.card = Some(Card { number: Sensitive::new("6225881234567890".into()) });
    event.payer.account_id = secret("acc-000012345678");
    event.payer.name = secret("张三丰");
    event.payer.id_number = secret("11010519491231002X");
    event.payer.phone = secret("13712349050");
    event.payer.email = secret("consumer@163.com");
    event.payee.account_id = secret("acc-000087654321");
    event.merchant.id = Some("M000000001".into());
    let device = &mut event.device;
    device.platform = Some("android".into());
    device.brand = Some("HUAWEI".into());
    device.model = Some("ALN-AL80".into());
    device.os_version = Some("14".into());
    device.app_version = Some("8.2.1".into());
    device.cpu = Some("Kirin 9000S".into());
    device.cores = Some(12);
    device.memory_mb = Some(12_288);
    device.screen = Some("1260x2720".into());
    device.language = Some("zh-CN".into());
    device.time_zone = Some("Asia/Shanghai".into());
    device.android_id = secret("aabbccdd00112233");
    device.media_drm_id =
        secret("6f1d2c3b4a5968778695a4b3c2d1e0f16f1d2c3b4a5968778695a4b3c2d1e0f1");
    device.oaid = secret("b7d9f6a1-5ffe-4d21-9c7b-0f9fdd2f4b11");
    device.flags.rooted = Some(false);
    device.flags.emulator = Some(false);
    event.network.ip = Some(Sensitive::new("81.2.69.142".parse().expect("an address")));
    event.network.kind = Some("wifi".into());
    event.location = Some(Location {
        lat: Sensitive::new(39.905_603),
        lon: Sensitive::new(116.413_642),
        accuracy_m: Some(20.0),
        datum: Datum::Gcj02,
    });
    event
}

/// Tables of a size at which look-ups no longer live in the first cache.
fn tables(keys: &TokenKeys) -> Tables {
    let networks: Vec<_> =
        (0..65_536_u32).map(|n| format!("{}.{}.{}.0/24", 60 + n % 64, n >> 8, n & 255)).collect();
    let city_names: Vec<_> = (0..1_000).map(|n| format!("City {n}")).collect();
    let cities = networks.iter().zip(city_names.iter().cycle()).map(|(cidr, city)| CityBlock {
        cidr,
        country: "CN",
        city,
        lat: 39.9,
        lon: 116.4,
        radius_km: 20,
    });
    let owners = networks.iter().zip(1..).map(|(cidr, asn)| AsnBlock {
        cidr,
        asn,
        organization: "an operator",
    });
    let merchants = (0..100_000).fold(
        String::from("merchant_id,mcc,city,province,lat,lon,datum,opened_on,owner_id_number\n"),
        |csv, n| csv + &format!("M{n:09},5411,Beijing,Beijing,,,,2020-01-01,\n"),
    );
    let flags =
        networks.iter().fold(String::from("cidr,flag\n"), |csv, cidr| csv + cidr + ",mobile\n");
    let bins = "bin,brand,card_type,issuer,country\n622588,unionpay,debit,A Bank,CN\n";
    let mut tables = Tables::default();
    for (kind, content) in [
        (TableKind::Geo, city_db(cities).expect("sound networks")),
        (TableKind::Asn, asn_db(owners).expect("sound networks")),
        (TableKind::Networks, flags.into_bytes()),
        (TableKind::Merchants, merchants.into_bytes()),
        (TableKind::Bins, bins.as_bytes().to_vec()),
    ] {
        kind.put(content, keys, &mut tables).expect("a sound table");
    }
    tables
}

fn stage(c: &mut Criterion) {
    let keys = TokenKeys::new(1, &[7; 32]);
    let tables = tables(&keys);
    let message = Message::Event(event());
    let Message::Event(event) = &message else { return };
    let mut input = Input::new();
    c.bench_function("enrich/full mobile event", |b| {
        b.iter(|| {
            enrich(black_box(&message), &CANONICAL, "gw", (&tables, &keys), &mut input);
            black_box(input.event)
        });
    });
    c.bench_function("enrich/tokens alone", |b| {
        b.iter(|| tokens_alone(black_box(event), &keys));
    });
}

fn tokens_alone(event: &PaymentEvent<'_>, keys: &TokenKeys) {
    let raw = |text: &Option<Sensitive<std::borrow::Cow<'_, str>>>| {
        text.as_ref().map_or(String::new(), |text| text.expose().to_string())
    };
    black_box(keys.content(&CANONICAL));
    black_box(keys.event("gw", &event.event_id));
    black_box(keys.card("6225881234567890"));
    black_box(keys.account(&raw(&event.payer.account_id)));
    black_box(keys.account(&raw(&event.payee.account_id)));
    black_box(keys.phone("13712349050"));
    black_box(keys.id_document("11010519491231002X"));
    black_box(keys.merchant("M000000001"));
    let address = std::net::IpAddr::from([81, 2, 69, 142]);
    black_box((keys.ip(address), keys.ip_prefix(address)));
    black_box(keys.place(39_905_603, 116_413_642));
    let device = &event.device;
    for (which, id) in [
        (DeviceIdentifier::AndroidId, &device.android_id),
        (DeviceIdentifier::MediaDrm, &device.media_drm_id),
        (DeviceIdentifier::Oaid, &device.oaid),
    ] {
        black_box(keys.device_identifier(which, &raw(id)));
    }
}

fn parts(c: &mut Criterion) {
    let keys = TokenKeys::new(1, &[7; 32]);
    let tables = tables(&keys);
    let tables = Arc::new(tables);
    let (Some(geo), Some(networks)) = (&tables.geo, &tables.networks) else { return };
    let mut state = 1_u32;
    let mut address = move || {
        // Numerical Recipes' generator: another address each time, spread over the tables.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        std::net::IpAddr::V4((60 << 24 | state >> 6).into())
    };
    c.bench_function("enrich/place of an address", |b| {
        b.iter(|| black_box(geo.table.look_up(black_box(address()))));
    });
    let one = std::net::IpAddr::from([81, 2, 69, 142]);
    c.bench_function("enrich/use of an address", |b| {
        b.iter(|| black_box(networks.table.look_up(black_box(one))));
    });
    let gcj = Degrees { lat: 39.905_603, lon: 116.413_642 };
    c.bench_function("enrich/GCJ-02 to WGS-84", |b| {
        b.iter(|| black_box(to_wgs84(black_box(gcj), Datum::Gcj02)));
    });
    c.bench_function("enrich/one token", |b| {
        b.iter(|| black_box(keys.entity(EntityKind::Card, black_box("6225881234567890"))));
    });
}

criterion_group!(benches, stage, parts);
criterion_main!(benches);
