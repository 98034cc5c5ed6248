//! Lists against a plain map, memory at a million entries, readers beside the writer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;
use crate::bundle::ListSpec;
use crate::domain::{FeatureVector, FieldId, Input, ListEntry, ListPurpose, Provenance};

fn time(ms: i64) -> EventTime {
    EventTime::from_ms(EventTime::MIN.as_ms() + ms).unwrap()
}

fn token(n: u64) -> Token {
    let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Token::from_words([spread, n])
}

fn addition(tokens: &[u64], expires_at: EventTime) -> ListAddition {
    let entry = |n: &u64| ListEntry { token: token(*n), expires_at };
    ListAddition {
        list: "stolen".to_owned(),
        kind: EntityKind::Card,
        entries: tokens.iter().map(entry).collect(),
        provenance: Provenance::default(),
    }
}

fn removal(tokens: &[u64]) -> ListRemoval {
    ListRemoval {
        list: "stolen".to_owned(),
        kind: EntityKind::Card,
        tokens: tokens.iter().map(|n| token(*n)).collect(),
        provenance: Provenance::default(),
    }
}

/// An event stands on a list of networks by the network around its address, or by the address itself,
/// which is how a smaller network is listed.
#[test]
fn a_list_of_networks_holds_addresses_too() {
    let (lists, now, field) = (Lists::default(), time(0), FieldId(0));
    let kind = EntityKind::IpPrefix;
    let columns = vec![(kind, field)];
    let name = "bad_networks".to_owned();
    let spec = ListSpec {
        name: name.clone(),
        kind,
        purpose: ListPurpose::Block,
        emergency_ms: None,
        columns,
    };
    let listed = ListAddition { list: name, kind, ..addition(&[1, 2], time(9)) };
    lists.add(&listed, Seq(1), now);
    let questions = Question::all(&[spec], &lists);
    for (around, subnet, address, expected) in
        [(1, 7, 7, true), (7, 7, 2, true), (7, 1, 8, true), (7, 7, 8, false), (2, 7, 7, true)]
    {
        let mut input = Input { received_at: now, ..Input::default() };
        input.tokens.set(kind, token(around));
        input.subnet = Some(token(subnet));
        input.tokens.set(EntityKind::Ip, token(address));
        let mut row = FeatureVector::new(1);
        questions[0].ask(&input, None, &mut row);
        assert_eq!(row.bits(field) == 1, expected, "{around} {subnet} {address}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A list is a map from token to expiry, whatever the order and size of its changes; what has
    /// ended is found no more.
    #[test]
    fn a_list_is_a_map(changes in proptest::collection::vec(
        (any::<bool>(), proptest::collection::vec(0..300_u64, 1..40), 1..50_i64), 1..40)
    ) {
        let (lists, mut map) = (Lists::default(), BTreeMap::new());
        for (n, (is_addition, tokens, lasts)) in changes.iter().enumerate() {
            let now = time(10 * n as i64);
            if *is_addition {
                let expires_at = time(10 * n as i64 + lasts);
                lists.add(&addition(tokens, expires_at), Seq(n as u64), now);
                map.extend(tokens.iter().map(|token| (*token, (expires_at, Seq(n as u64)))));
            } else {
                lists.remove(&removal(tokens), now);
                map.retain(|token, _| !tokens.contains(token));
            }
            for n in 0..300 {
                let wanted = map.get(&n).filter(|(expires_at, _)| *expires_at > now);
                let found = lists.find("stolen", EntityKind::Card, token(n), now);
                let found = found.map(|listed| (listed.expires_at, listed.since));
                prop_assert_eq!(found.as_ref(), wanted);
            }
        }
        prop_assert_eq!(lists.find("stolen", EntityKind::Account, token(1), time(0)), None);
    }
}

/// An entry of a list of a million takes at most 48 bytes, whatever the list has gone through.
#[test]
fn a_million_entries_are_small() {
    let (lists, now) = (Lists::default(), time(0));
    let mut tokens: Vec<u64> = (0..1_100_000).collect();
    tokens.sort_unstable_by_key(|n| *token(*n).as_bytes());
    for part in tokens.chunks(4_096) {
        lists.add(&addition(part, time(1_000)), Seq(7), now);
    }
    lists.remove(&removal(&tokens[..90_000]), now);
    let table = lists.table("stolen", EntityKind::Card).unwrap();
    assert_eq!(table.len(), 1_010_000);
    // A boxed slice has no room to spare; a shard's pointer, counts and length are all there is.
    let bytes: usize = table.frozen().map(|shard| shard.len() * 32 + 64).sum();
    let bytes_each = bytes as f64 / table.len() as f64;
    assert!(bytes_each <= 48.0, "{bytes_each}");
    assert!(lists.find("stolen", EntityKind::Card, token(tokens[90_000]), now).is_some());
    assert!(lists.find("stolen", EntityKind::Card, token(tokens[89_999]), now).is_none());
}

/// A reader beside the writer sees a shard before a change or after it, never a mixture: the pair
/// that is added and removed together is seen whole.
#[test]
fn readers_see_whole_changes() {
    let (lists, stop) = (Lists::default(), AtomicBool::new(false));
    // Both in one shard.
    let pair = [token(1), Token::from_words([token(1).to_words()[0], 99])];
    let entries = pair.map(|token| ListEntry { token, expires_at: time(1_000) });
    let add = ListAddition { entries: entries.to_vec(), ..addition(&[], time(1)) };
    let remove = ListRemoval { tokens: pair.to_vec(), ..removal(&[]) };
    lists.open("stolen", EntityKind::Card);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0_u64;
            while !stop.load(Ordering::Relaxed) || seen == 0 {
                let mut count = 0;
                lists.entries("stolen", EntityKind::Card, |_, _| count += 1);
                assert!(count == 0 || count == 2, "{count}");
                seen += 1;
            }
        });
        for n in 0..2_000 {
            lists.add(&add, Seq(n), time(0));
            lists.remove(&remove, time(0));
        }
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}
