//! What a reader sees: the table of DOMAIN section 2, whole documents, and that nothing leaks.

use std::borrow::Cow;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    Action, Amount, Attribute, AttributeValue, Band, Body, Card, Consent, Currency, Datum,
    DecisionFlags, DeviceFlags, EntryMode, EventTime, FieldSet, FollowUps, Kind, Location,
    MissingTables, Party, PaymentEvent, Plan, RiskVerification, Sensitive, Seq, Service,
    Verification,
};

fn time(text: &str) -> EventTime {
    EventTime::parse_rfc3339(text).unwrap()
}

fn login() -> PaymentEvent<'static> {
    let occurred_at = time("2026-11-23T14:54:11.123+08:00");
    PaymentEvent::new("evt-1", Kind::Login, Service::MobilePayment, occurred_at)
}

fn shown(event: &PaymentEvent<'_>, profile: &Profile) -> serde_json::Value {
    let answer = Answer {
        malformed: FieldSet::EMPTY,
        malformed_attributes: &[],
        seq: Seq(7),
        body: &Body::default(),
        reasons: &[],
        bundle: "3f9a01c2",
        semantics: 1,
        received_at: event.occurred_at,
        score_band_name: "low",
    };
    let mut out = Masked::new();
    let mut view = Shown::new();
    show(event, profile, &mut view);
    render(&view, &answer, &mut out);
    let mut document: serde_json::Value = serde_json::from_slice(out.as_bytes()).unwrap();
    document["event"].take()
}

/// One value under one mask.
fn check(mask: Mask, value: &str, expected: &str) {
    let mut event = login();
    event.attributes =
        vec![Attribute { name: "a".into(), value: AttributeValue::Text(value.to_owned().into()) }];
    let rule = [("attributes.a", mask.to_string())];
    let rules = rule.iter().map(|(field, rule)| (*field, rule.as_str()));
    let profile = Profile::empty("").with("one", rules).unwrap();
    assert_eq!(shown(&event, &profile)["attributes"]["a"], expected, "{mask} {value}");
}

/// The table of DOMAIN section 2, by its own examples and by the cases beside them.
#[test]
fn masks_are_those_of_the_table() {
    let card = Mask::Ends { first: 6, last: 4 };
    check(card, "6228481234567896789", "622848*********6789");
    check(card, "6225751234561496", "622575******1496");
    check(card, "622575123456", "6225****3456");
    check(Mask::Phone, "13712349050", "137****9050");
    check(Mask::Phone, "+8613712349050", "+86137****9050");
    check(Mask::Phone, "90123485", "90****85");
    check(Mask::Phone, "+85290123485", "+85290****85");
    check(Mask::Phone, "+85366123485", "+85366****85");
    check(Mask::Phone, "901234856", "90****856");
    check(Mask::Phone, "+886901234856", "+88690****856");
    check(Mask::Phone, "0901234856", "09*****856");
    check(Mask::Phone, "01012345678", "010****5678");
    check(Mask::Phone, "075512345678", "0755****5678");
    check(Mask::Phone, "+442071234567", "+4*********67");
    check(Mask::Phone, "12345", "****5");
    check(Mask::Ends { first: 1, last: 1 }, "51010519491231002X", "5****************X");
    check(Mask::Ends { first: 8, last: 0 }, "861234567890123", "86123456*******");
    check(Mask::Name, "张三", "*三");
    check(Mask::Name, "欧阳娜", "**娜");
    check(Mask::Name, "王", "*");
    check(Mask::Name, "John Smith", "*h");
    check(Mask::Name, "X", "*");
    check(Mask::Name, " ", "*");
    check(Mask::Email { local: 3 }, "contact@163.com", "con***@163.com");
    check(Mask::Email { local: 3 }, "abcd@163.com", "ab***@163.com");
    check(Mask::Email { local: 3 }, "a@163.com", "***@163.com");
    check(Mask::Email { local: 3 }, "@163.com", "***");
    check(Mask::Email { local: 3 }, "no address", "***");
    check(Mask::Email { local: 3 }, "a@b@c.cn", "a***@c.cn");
    check(Mask::Mac, "a4:5e:60:c1:02:03", "a4:5e:60:*:*:*");
    check(Mask::Mac, "A4-5E-60-C1-02-03", "A4-5E-60-*-*-*");
    check(Mask::Mac, "a45e60c10203", "a45e60***");
    check(Mask::Mac, "a4:5e:60:c1:02", "***");
    check(Mask::Mac, "地4:5e:60:c1:02:03", "***");
    check(Mask::Prefix, "81.2.69.142", "81.2.69.0/24");
    check(Mask::Prefix, "2001:250:7:8::1", "2001:250:7::/48");
    check(Mask::Prefix, "::ffff:81.2.69.142", "81.2.69.0/24");
    check(Mask::Prefix, "81.2.69.142:80", "***");
    check(Mask::Host, "https://me:pw@pay.example.com:8443/cart?id=7#x", "pay.example.com");
    check(Mask::Host, "http://[2001:db8::1]/", "2001:db8::/48");
    check(Mask::Host, "https://203.0.113.77/pay", "203.0.113.0/24");
    check(Mask::Host, "HTTPS://例子.中国/", "例子.中国");
    check(Mask::Host, "pay.example.com/cart", "***");
}

/// A referrer is whatever an application sends. What follows the scheme of anything but a web page is
/// a number, a card or a name, and a host may be one, too.
#[test]
fn a_referrer_shows_a_host_or_a_scheme_and_nothing_else() {
    for (referrer, expected) in [
        ("tel://13700000000", "tel:***"),
        ("tel:13700000000", "tel:***"),
        ("sms://13700000000?body=hi", "sms:***"),
        ("myapp://4111111111111111", "myapp:***"),
        ("weixin://13700000000", "weixin:***"),
        ("mailto:zhang@163.com", "mailto:***"),
        ("otpauth://totp/zhang?secret=ABC", "otpauth:***"),
        ("upi://pay?pa=zhang@upi", "upi:***"),
        ("content://13700000000 张三/x", "content:***"),
        ("data:text/plain,13700000000", "data:***"),
        ("about:blank", "about:***"),
        ("13700000000:x", "***"),
        ("a13700000000://x", "***"),
        ("张三://x", "***"),
        ("13700000000", "***"),
        ("https:13700000000", "***"),
        ("https://zhang.san%40163.com/", "***"),
        ("https://13700000000/", "***"),
        ("https://13700000000.example.com/", "***"),
        ("https://4111-1111-1111-1111.example.com/", "***"),
        ("https://id1234567.example.com/", "***"),
        ("https://zhangsan/", "***"),
        ("https://example.com.13700000000/", "***"),
        ("https://user:pw@evil.example:8080/x?phone=13700000000", "evil.example"),
        ("https://13700000000@shop.example.com#13700000000", "shop.example.com"),
        ("https://shop2026.example.com:13700000000/", "shop2026.example.com"),
        ("", "***"),
    ] {
        check(Mask::Host, referrer, expected);
    }
}

/// Who fills a name or a model may write a number into it. Ids of events go back to their sender as
/// they came, who has to find them again.
#[test]
fn open_texts_show_no_digits_that_could_be_a_persons() {
    let mut event = full(Service::CardAcquiring);
    event.merchant.name = Some("个体户张三 13700000000".into());
    event.merchant.city = Some("４１１１ １１１１ １１１１ １１１１".into());
    event.merchant.id = Some("4111111111111111".into());
    event.terminal.id = Some("898110100000001".into());
    event.device.model = Some("张三的Phone 11010519491231002X".into());
    event.original_event_id = Some("4111111111111111".into());
    event.attempt_of = Some("order-4111111111111111".into());
    let event = shown(&event, &Profile::shipped("default").unwrap());
    assert_eq!(event["merchant"]["name"], "个体户张三 ***********");
    assert_eq!(event["merchant"]["city"], "**** **** **** ****");
    assert_eq!(event["merchant"]["id"], "****************");
    assert_eq!(event["terminal"]["id"], "898110100000001");
    assert_eq!(event["device"]["model"], "Phone *****************X");
    assert_eq!(event["original_event_id"], "4111111111111111");
    assert_eq!(event["attempt_of"], "order-4111111111111111");
}

/// An address is shown to its district and never past it: a compound is called 区 as well.
#[test]
fn an_address_is_shown_to_its_district() {
    check(Mask::District, "北京市海淀区中关村大街1号", "北京市海淀区********");
    check(
        Mask::District,
        "广西壮族自治区南宁市青秀区民族大道9号",
        "广西壮族自治区南宁市青秀区********",
    );
    check(Mask::District, "湖南省长沙县星沙街道", "湖南省长沙县********");
    check(Mask::District, "江苏省昆山市人民路8号阳光小区3栋", "江苏省昆山市********");
    check(Mask::District, "人民路8号开发区", "********");
    check(Mask::District, "12 Main Street", "********");
}

/// Masks go by character: a value of long characters is not cut inside one, and its true length
/// is that of its characters.
#[test]
fn masks_go_by_character() {
    check(Mask::Ends { first: 2, last: 1 }, "一二三四五六七八", "一二*****八");
    check(Mask::Ends { first: 2, last: 2 }, "😀😁😂😃😄", "****😄");
    check(Mask::Email { local: 3 }, "张三李四@例.中国", "张三***@例.中国");
    check(Mask::Ends { first: 0, last: 4 }, "\"\\\u{1}\"\\\u{1}\"\\", "****\\\u{1}\"\\");
}

/// A personal value given to a profile that hides it is not there at all, and an event without
/// anything to show is an empty object.
#[test]
fn what_is_hidden_leaves_no_trace() {
    let minimal = Profile::shipped("minimal").unwrap();
    let mut event = full(Service::MobilePayment);
    event.amount = None;
    assert_eq!(shown(&event, &minimal), serde_json::json!({}));
    let default = Profile::shipped("default").unwrap();
    assert_eq!(shown(&login(), &default), serde_json::json!({}));
}

/// Two decimals, rounded, with a sign and without a negative zero.
#[test]
fn coordinates_are_coarse() {
    let check = |lat: f64, lon: f64, expected: &str| {
        let mut event = login();
        event.location = Some(Location {
            lat: Sensitive::new(lat),
            lon: Sensitive::new(lon),
            accuracy_m: None,
            datum: Datum::Wgs84,
        });
        let event = shown(&event, &Profile::shipped("default").unwrap());
        assert_eq!(event["location"].to_string(), expected);
    };
    check(39.90105, 116.42079, r#"{"datum":"wgs84","lat":39.9,"lon":116.42}"#);
    check(-33.868, -0.001, r#"{"datum":"wgs84","lat":-33.87,"lon":0.0}"#);
    check(-90.0, 180.0, r#"{"datum":"wgs84","lat":-90.0,"lon":180.0}"#);
}

fn secret(text: &str) -> Option<Sensitive<Cow<'_, str>>> {
    Some(Sensitive::new(Cow::Borrowed(text)))
}

fn party(name: &'static str) -> Party<'static> {
    Party {
        account_id: secret("u-90017731"),
        card: Some(Card { number: Sensitive::new("6225881234567890".into()) }),
        name: secret(name),
        id_number: secret("11010519491231002X"),
        phone: secret("+8613800138000"),
        email: secret("contact@example.com"),
    }
}

/// Every field of an event, of which each service's door leaves a part.
fn full(service: Service) -> PaymentEvent<'static> {
    let text = |text: &'static str| Some(Cow::Borrowed(text));
    let mut event = PaymentEvent { kind: Kind::Payment, service, ..login() };
    event.amount = Amount::from_minor(12_850, Currency::CNY).ok();
    event.original_event_id = text("evt-0");
    event.attempt_of = text("evt-0");
    event.entry_mode = Some(EntryMode::QrMerchant);
    event.lawful_basis = text("contract");
    event.payer = party("张三丰");
    event.payee = party("李四");
    event.merchant.id = text("M898110154110001");
    event.merchant.mcc = text("5411");
    event.merchant.name = text("海淀\"便利\"店");
    event.merchant.city = text("北京");
    event.terminal.id = text("T0001234");
    event.terminal.kind = text("04");
    event.terminal.serial = text("SN20260101778");
    event.terminal.app_version = text("1.2.3");
    event.terminal.iccid = secret("89860012345678901234");
    event.terminal.cell = secret("460-00-1234-5678");
    full_device(&mut event);
    event.network.ip = Some(Sensitive::new("81.2.69.142".parse().unwrap()));
    event.network.port = Some(51_515);
    event.network.carrier = text("CMCC");
    event.network.kind = text("cellular");
    let (lat, lon) = (Sensitive::new(39.90105), Sensitive::new(116.42079));
    event.location = Some(Location { lat, lon, accuracy_m: Some(12.5), datum: Datum::Gcj02 });
    event.consent = Consent { device: Some(true), network: Some(true), ..Consent::default() };
    event.referrer = secret("https://pay.example.com/cart?id=7");
    event.verification = Some(Verification { method: "sms".into(), passed: true });
    event.account_change = text("phone");
    let value = AttributeValue::Text("app".into());
    event.attributes = vec![Attribute { name: "channel".into(), value }];
    event
}

fn full_device(event: &mut PaymentEvent<'static>) {
    let text = |text: &'static str| Some(Cow::Borrowed(text));
    let device = &mut event.device;
    device.platform = text("android");
    device.brand = text("Xiaomi");
    device.model = text("23049RAD8C");
    device.os_version = text("14");
    device.app_version = text("8.1.0");
    device.imei = secret("861234567890123");
    device.idfa = secret("6D92078A-8246-4BA4-AE5B-76104861E7DC");
    device.idfv = secret("599F9C00-92DC-4B5C-9464-7971F01F8370");
    device.oaid = secret("1f7c2b0e9d3a4c55");
    device.android_id = secret("9774d56d682e549c");
    device.media_drm_id = secret("b0e9d3a4c551f7c2");
    device.gsf_id = secret("3d5d3e0f682e549c");
    device.mac = secret("a4:5e:60:c1:02:03");
    device.bluetooth_mac = secret("a4:5e:60:c1:02:04");
    device.cpu = text("sm8475");
    device.cores = Some(8);
    device.memory_mb = Some(12_288);
    device.screen = text("1220x2712");
    device.language = text("zh-CN");
    device.time_zone = text("Asia/Shanghai");
    device.flags = DeviceFlags { emulator: Some(false), rooted: Some(true), ..device.flags };
}

/// The whole document, byte by byte, one per service: readers parse it, and equal decisions must
/// stay equal bytes. `TIDEGATE_BLESS=1` writes the files anew.
#[test]
fn whole_documents_are_stable() {
    let mut body = Body {
        action: Action::Challenge,
        score: 640,
        band: Band(1),
        points: -5,
        risk_verification: RiskVerification::Incomplete,
        plan: Plan::NoModels,
        follow_ups: FollowUps::REVIEW.union(FollowUps::HOLD),
        ..Body::default()
    };
    body.flags.add(DecisionFlags::WARMING);
    body.flags.add(DecisionFlags::MISSING_TABLES);
    body.missing.add(MissingTables::GEO);
    let profile = Profile::shipped("default").unwrap();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mask");
    let (mut view, mut out) = (Shown::new(), Masked::new());
    for service in Service::ALL {
        let event = full(*service);
        let answer = Answer {
            malformed: FieldSet::EMPTY,
            malformed_attributes: &[],
            seq: Seq(4_711),
            body: &body,
            reasons: &[
                ("K2_DEVICE_BURST", "Many payments from one device in ten minutes."),
                ("G4_IPS", "One card from many addresses in an hour."),
            ],
            bundle: "3f9a01c2",
            semantics: 1,
            received_at: time("2026-11-23T06:54:11.200Z"),
            score_band_name: "medium",
        };
        show(&event, &profile, &mut view);
        render(&view, &answer, &mut out);
        serde_json::from_slice::<serde_json::Value>(out.as_bytes()).unwrap();
        let file = folder.join(format!("{}.json", service.name()));
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, out.as_bytes()).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap();
        assert_eq!(std::str::from_utf8(out.as_bytes()).unwrap(), golden, "{file:?}");
    }
}

/// How a personal text is put into an event.
type Put = for<'a> fn(&mut PaymentEvent<'a>, Sensitive<Cow<'a, str>>);

/// Every personal text field.
const PUTS: [(Secret, Put); 24] = [
    (Secret::PayerAccountId, |event, value| event.payer.account_id = Some(value)),
    (Secret::PayerCardNumber, |event, number| event.payer.card = Some(Card { number })),
    (Secret::PayerName, |event, value| event.payer.name = Some(value)),
    (Secret::PayerIdNumber, |event, value| event.payer.id_number = Some(value)),
    (Secret::PayerPhone, |event, value| event.payer.phone = Some(value)),
    (Secret::PayerEmail, |event, value| event.payer.email = Some(value)),
    (Secret::PayeeAccountId, |event, value| event.payee.account_id = Some(value)),
    (Secret::PayeeCardNumber, |event, number| event.payee.card = Some(Card { number })),
    (Secret::PayeeName, |event, value| event.payee.name = Some(value)),
    (Secret::PayeeIdNumber, |event, value| event.payee.id_number = Some(value)),
    (Secret::PayeePhone, |event, value| event.payee.phone = Some(value)),
    (Secret::PayeeEmail, |event, value| event.payee.email = Some(value)),
    (Secret::TerminalIccid, |event, value| event.terminal.iccid = Some(value)),
    (Secret::TerminalCell, |event, value| event.terminal.cell = Some(value)),
    (Secret::DeviceImei, |event, value| event.device.imei = Some(value)),
    (Secret::DeviceIdfa, |event, value| event.device.idfa = Some(value)),
    (Secret::DeviceIdfv, |event, value| event.device.idfv = Some(value)),
    (Secret::DeviceOaid, |event, value| event.device.oaid = Some(value)),
    (Secret::DeviceAndroidId, |event, value| event.device.android_id = Some(value)),
    (Secret::DeviceMediaDrmId, |event, value| event.device.media_drm_id = Some(value)),
    (Secret::DeviceGsfId, |event, value| event.device.gsf_id = Some(value)),
    (Secret::DeviceMac, |event, value| event.device.mac = Some(value)),
    (Secret::DeviceBluetoothMac, |event, value| event.device.bluetooth_mac = Some(value)),
    (Secret::Referrer, |event, value| event.referrer = Some(value)),
];

/// The texts of a document, without their keys.
fn texts(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => members.values().for_each(|value| texts(value, out)),
        serde_json::Value::String(text) => out.push(text.clone()),
        _ => {}
    }
}

/// Values as hostile as they come: scripts, emoji, combining marks, quotes, controls, and the
/// shapes that the masks look for. No stars: those are the masks' own.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,20}",
        "\\+?(86|852|886)?[0-9]{4,12}",
        "[a-f0-9]{2}(:[a-f0-9]{2}){3,6}",
        "[a-zA-Z一-龥]{1,8}@[a-z]{1,8}\\.cn",
        "[a-z]{0,5}://[a-z@:/.]{0,12}",
        "[一-龥]{1,8}[区县市路小]{1,3}[一-龥]{1,4}",
        "[a-zA-Z0-9 一-龥😀-😏\u{300}-\u{306}\"\\\\\u{1}-\u{8}]{1,40}",
    ]
}

proptest! {
    /// A personal value of four characters or more never comes out whole, and never more of either
    /// end than its mask says.
    #[test]
    fn no_personal_value_comes_out(value in value()) {
        let profile = Profile::shipped("default").unwrap();
        let count = value.chars().count();
        for (field, put) in PUTS {
            let mut event = login();
            put(&mut event, Sensitive::new(Cow::Borrowed(&value)));
            let mut found = Vec::new();
            texts(&shown(&event, &profile), &mut found);
            prop_assert_eq!(found.len(), 1);
            let shown = &found[0];
            if count >= 4 {
                prop_assert!(!shown.contains(&value), "{} {}", field.name(), shown);
            }
            let clear = shown.chars().filter(|c| *c != '*').count();
            match field.ceiling() {
                Mask::Ends { first, last } => {
                    let (first, last) = (usize::from(first), usize::from(last));
                    prop_assert_eq!(shown.chars().count(), count, "{}", field.name());
                    prop_assert!(clear <= first + last && clear + 4.min(count) <= count);
                    for (at, (seen, real)) in shown.chars().zip(value.chars()).enumerate() {
                        let between = at >= first && at + last < count;
                        prop_assert!(seen == '*' || !between && seen == real, "{}", shown);
                    }
                }
                // A landline's area code and last four are the most, after a calling code.
                Mask::Phone => {
                    prop_assert!(clear <= "+852".len() + 8 && clear + 4.min(count) <= count);
                }
                Mask::Name => prop_assert!(clear <= 1),
                _ => {}
            }
        }
    }

    /// Any text in any open field gives JSON, and comes back as it went in.
    #[test]
    fn any_text_gives_json(value in any::<String>(), lat in any::<f64>(), minor in any::<u32>()) {
        let mut event = login();
        event.merchant.name = Some(Cow::Borrowed(&value));
        event.device.model = Some(Cow::Borrowed(&value));
        event.device.memory_mb = Some(minor);
        event.amount = Amount::from_minor(minor.into(), Currency::CNY).ok();
        let place = Sensitive::new(lat);
        event.location =
            Some(Location { lat: place, lon: place, accuracy_m: Some(lat), datum: Datum::Bd09 });
        let shown = shown(&event, &Profile::shipped("default").unwrap());
        prop_assert_eq!(&shown["merchant"]["name"], &value);
        prop_assert_eq!(&shown["device"]["model"], crate::domain::without_owner(&value));
        prop_assert_eq!(&shown["amount"]["minor"], &minor);
    }
}
