//! Label files as people and enemies write them.

use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8]) -> Result<Labels, String> {
    let text = Text::of(bytes, None).map_err(|error| format!("labels: {error}"))?;
    Labels::of(text.reader, "labels").map_err(|fault| fault.to_string())
}

#[track_caller]
fn check(text: &str, faults: &[&str]) {
    let found = read(text.as_bytes()).map(|labels| labels.len()).unwrap_err();
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, faults, "{text}");
}

/// What an export of a case system, a hand and the generator write.
#[test]
fn all_forms_are_read() {
    let csv =
        "\u{feff}case,event_id,label\r\n1,e-1,fraud\r\n2, e-2 , legitimate\r\n3,e-1,fraud\r\n";
    let labels = read(csv.as_bytes()).unwrap();
    assert_eq!((labels.len(), labels.is_complete), (2, false));
    assert_eq!(labels.get("e-1").map(|known| known.truth), Some(Truth::Fraud));
    assert_eq!(labels.get("e-2").map(|known| known.truth), Some(Truth::Legitimate));
    assert_eq!(labels.get("e-3"), None);

    let json = "{\"event_id\":\"e-1\",\"label\":\"fraud\"}\n\n{\"label\":\"legitimate\",\
                \"event_id\":\"e-2\",\"note\":[1,{}]}";
    assert_eq!(read(json.as_bytes()).unwrap().len(), 2);
    let packed = zstd::encode_all(format!("\u{feff}{json}").as_bytes(), 1).unwrap();
    assert_eq!(read(&packed).unwrap().len(), 2);

    let settings = crate::generator::Settings { events: 3_000, ..Default::default() };
    let settings = crate::generator::Settings { fraud_share: 0.2, ..settings };
    let mut generator = crate::generator::Generator::new(settings);
    let (mut truth, mut line, mut number) = (Vec::new(), Vec::new(), 0);
    let mut planted = std::collections::BTreeSet::new();
    while let Some(told) = generator.next_into(&mut line) {
        number += 1;
        if !told.is_ordinary() {
            told.push_json(number, &mut truth);
            truth.push(b'\n');
        }
        planted.extend(told.planted.map(|_| told.event_id.to_string()));
    }
    let labels = read(&truth).unwrap();
    assert!(labels.is_complete && labels.campaigns.len() > 10);
    assert_eq!(labels.len(), planted.len());
    assert!(planted.iter().all(|id| labels.get(id).is_some_and(|known| known.campaign.is_some())));

    assert_eq!(read(b"event_id,label\n").unwrap().len(), 0);
}

/// Every faulty line at once, by number; never what stands in it.
#[test]
fn every_fault_is_named_and_nothing_is_quoted() {
    check(
        "event_id,label\ne1,frod\ne2\n6225 7500 0000 1496,fraud\ne4,fraud\ne4,legitimate\n",
        &[
            "labels:2: `label` must be `fraud` or `legitimate`",
            "labels:3: has not as many cells as the header",
            "labels:4: `event_id` must be 1 to 64 of A-Z, a-z, 0-9 and `._:-`",
            "labels:6: says something else of an event than an earlier line does",
        ],
    );
    let header = "labels:1: the header must name the columns `event_id` and `label`";
    check("id;label\ne1;fraud\n", &[header]);
    check("", &[header]);
    check(
        "{\"event_id\":\"e1\"}\n{\"label\":\"fraud\"}\n{\"event_id\":\"e1\",\"label\":\"x\"}\n{\n[]\n",
        &[
            "labels:1: has no `label`",
            "labels:2: has no `event_id`",
            "labels:3: `label` must be `fraud` or `legitimate`",
            "labels:4: is not a label: an object with `event_id` and `label`, or a line of a truth file",
            "labels:5: is not a label: an object with `event_id` and `label`, or a line of a truth file",
        ],
    );
    let plant = |number: u32, intensity: &str| {
        format!(
            "{{\"event_id\":\"e{number}\",\"message\":\"payment\",\"plant\":{{\"typology\":\"K1\",\
             \"variant\":\"\",\"campaign\":1,\"intensity\":{intensity},\"at_or_above\":true,\
             \"decisive\":true,\"fraud\":true}}}}\n"
        )
    };
    check(
        &(plant(1, "1.0") + &plant(2, "1.5") + &plant(3, "-1")),
        &[
            "labels:2: describes its campaign otherwise than an earlier line does",
            "labels:3: `intensity` must be a number from 0 to 1,000,000",
        ],
    );
    let many = "event_id,label\n".to_owned() + &"e,maybe\n".repeat(50);
    let found = read(many.as_bytes()).map(|labels| labels.len()).unwrap_err();
    assert_eq!(found.lines().count(), 21);
    assert!(found.ends_with("labels: and 30 more"), "{found}");
    let deep = format!("{{\"event_id\":{}", "[".repeat(40_000));
    check(&deep, &["labels:1: is nested too deeply"]);
    let long = format!("{{\"event_id\":\"{}", "x".repeat(1 << 20));
    check(&long, &["labels:1: is longer than 64 KiB; this is no file of labels"]);
}

proptest! {
    /// Whatever the bytes: labels or sentences, and no sentence holds a piece of the file.
    #[test]
    fn any_bytes_are_read_or_refused(
        start in prop::sample::select(vec!["", "event_id,label\n", "{\"event_id\":\"a\",", "{"]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let whole = [start.as_bytes(), &bytes].concat();
        if let Err(text) = read(&whole) {
            prop_assert!(text.lines().all(|line| line.starts_with("labels:")), "{text}");
        }
    }

    /// A valid file with one byte changed anywhere.
    #[test]
    fn a_flipped_byte_is_read_or_refused(at in 0_usize..200, byte in any::<u8>()) {
        for text in [
            "event_id,label\nsecret-1,fraud\n\"secret-2\",legitimate\n",
            "{\"event_id\":\"secret-1\",\"label\":\"fraud\"}\n{\"event_id\":\"secret-2\",\
             \"message\":\"payment\",\"plant\":{\"typology\":\"K1\",\"variant\":\"\",\"campaign\":1,\
             \"intensity\":1.0,\"at_or_above\":true,\"fraud\":true}}\n",
        ] {
            let mut bytes = text.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Err(text) = read(&bytes) {
                prop_assert!(!text.contains("secret"), "{text}");
            }
        }
    }
}
