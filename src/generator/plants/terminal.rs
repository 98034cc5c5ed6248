//! Terminals and printed codes that are not where, or what, they should be: T1 to T10.

use super::scene::Scene;
use super::{HOUR, MINUTE, Typology, circumstance, fraud};
use crate::generator::compose;
use crate::generator::draft::{Datum, Draft, Entry, Fix, Software, TerminalUse};
use crate::generator::world::cities::{CITIES, MAINLAND};
use crate::generator::world::datum::gcj02_of;
use crate::generator::world::place::Place;
use crate::generator::world::terminals::Terminal;

pub(super) const TABLE: &[Typology] = &[
    fraud("T1", "", HOUR, other_serial),
    fraud("T2", "near", 3 * HOUR, moved_across_town),
    fraud("T2", "far", HOUR, moved_to_another_city),
    fraud("T3", "", HOUR, foreign_network),
    fraud("T3", "address", HOUR, foreign_address),
    fraud("T4", "", HOUR, nowhere),
    fraud("T6", "", 24 * HOUR, one_serial_many_merchants),
    fraud("T8", "sim", 6 * HOUR, other_sim),
    fraud("T8", "downgrade", 6 * HOUR, older_software),
    fraud("T9", "", HOUR, code_far_from_home),
    fraud("T10", "", 24 * HOUR, personal_code_as_shop),
    circumstance("G6", "", HOUR, datum_fault),
];

/// A payment of a stranger at this terminal.
fn payment(scene: &mut Scene<'_>, terminal: &Terminal, at_ms: i64) -> Draft {
    let person = scene.stranger();
    let mut draft = compose::counter_payment(scene.world, &person, (terminal, at_ms), scene.rng);
    // The spare card: its owner's own travels are not disturbed.
    if let Some(payer) = &mut draft.payer {
        payer.card = Some(scene.world.card(person.index, 3));
    }
    draft
}

/// An exact position, in either datum.
fn fix(scene: &mut Scene<'_>, place: Place) -> Fix {
    let accuracy_m = 10;
    if scene.rng.chance(0.5) {
        Fix { place, accuracy_m, datum: Datum::Wgs84 }
    } else {
        Fix { place: gcj02_of(place), accuracy_m, datum: Datum::Gcj02 }
    }
}

/// Threshold: 3 of the last 5 positions are more than 1 km from the registered place.
fn moved_across_town(scene: &mut Scene<'_>) {
    let moved = scene.count_up_to(3, 5);
    let terminal = scene.quiet_terminal();
    let elsewhere = {
        let km = scene.rng.between(1_300, 4_000) as f64;
        terminal.place.moved(km, km * 0.3)
    };
    for nth in 0..5 {
        let at_ms = scene.spread(nth, 5, 150 * MINUTE);
        let mut draft = payment(scene, &terminal, at_ms);
        let is_moved = nth >= 5 - moved;
        draft.fix = Some(fix(scene, if is_moved { elsewhere } else { terminal.place }));
        match (is_moved, nth + moved) {
            (false, _) => scene.prepare(draft),
            (true, 7..) => scene.strike(draft),
            (true, _) => scene.play(draft),
        };
    }
}

/// Threshold: 3 of the last 5 positions are 50 km from the registered place; the distance decides.
fn moved_to_another_city(scene: &mut Scene<'_>) {
    let ratio = scene.ratio();
    let terminal = scene.quiet_terminal();
    // Half a kilometre more than the figure when above it: the two formulas for distance differ.
    let metres = 50_000.0 * ratio + if ratio >= 1.0 { 500.0 } else { -500.0 };
    let elsewhere = terminal.place.moved(metres * 0.6, -metres * 0.8);
    for nth in 0..3 {
        let at_ms = scene.spread(nth, 3, 40 * MINUTE);
        let mut draft = payment(scene, &terminal, at_ms);
        draft.fix = Some(fix(scene, elsewhere));
        scene.play_nth(nth + 1, 3, draft);
    }
}

/// The serial number of another terminal; nearly: its own.
fn other_serial(scene: &mut Scene<'_>) {
    let swapped = scene.does_it();
    let (terminal, other) = (scene.quiet_terminal(), scene.quiet_terminal());
    let mut draft = payment(scene, &terminal, scene.at(0));
    let serial_of = if swapped { other.index } else { terminal.index };
    draft.terminal = Some(TerminalUse { serial_of, ..TerminalUse::honest(terminal.index) });
    scene.strike(draft);
}

/// The terminal sits in a mobile network abroad; nearly: at home.
fn foreign_network(scene: &mut Scene<'_>) {
    let abroad = scene.does_it();
    let terminal = scene.quiet_terminal();
    let mut draft = payment(scene, &terminal, scene.at(0));
    let network_code =
        if abroad { scene.rng.pick(&["454", "455", "452", "520", "515"]) } else { "460" };
    let honest = TerminalUse::honest(terminal.index);
    draft.terminal = Some(TerminalUse { network_code, ..honest });
    scene.strike(draft);
}

/// The terminal's address is one abroad, and it tells no position; nearly: its address is at home.
fn foreign_address(scene: &mut Scene<'_>) {
    let is_abroad = scene.does_it();
    let terminal = scene.quiet_terminal();
    let mut draft = payment(scene, &terminal, scene.at(0));
    draft.fix = None;
    if is_abroad {
        let city = scene.rng.between(MAINLAND as i64, CITIES.len() as i64 - 1) as u16;
        let line = scene.rng.word();
        draft.network = Some(compose::wired(scene.world.residential_ip(city, line), scene.rng));
    }
    scene.strike(draft);
}

/// A type that must say where it is says neither position nor address; nearly: the address only.
fn nowhere(scene: &mut Scene<'_>) {
    let silent = scene.does_it();
    let mut terminal = scene.quiet_terminal();
    // Two terminals in five are of such a type, so the search is short; bounded all the same.
    for _ in 0..64 {
        if matches!(terminal.kind, "04" | "09" | "10") {
            break;
        }
        terminal = scene.quiet_terminal();
    }
    let mut draft = payment(scene, &terminal, scene.at(0));
    draft.fix = None;
    draft.network = draft.network.filter(|_| !silent);
    scene.strike(draft);
}

/// Threshold: one serial number with a second merchant within 24 hours.
fn one_serial_many_merchants(scene: &mut Scene<'_>) {
    let merchants = scene.count(2);
    let first = scene.quiet_terminal();
    let (mut terminal, mut seen) = (first.clone(), vec![first.merchant]);
    for nth in 0..merchants {
        let at_ms = scene.spread(nth, merchants, 20 * HOUR);
        let mut draft = payment(scene, &terminal, at_ms);
        let shown = TerminalUse { serial_of: first.index, ..TerminalUse::honest(terminal.index) };
        draft.terminal = Some(shown);
        scene.play_nth(nth + 1, 2, draft);
        while seen.contains(&terminal.merchant) {
            terminal = scene.quiet_terminal();
        }
        seen.push(terminal.merchant);
    }
}

/// The terminal comes back with another SIM; nearly: with its own.
fn other_sim(scene: &mut Scene<'_>) {
    let changed = scene.does_it();
    let (terminal, other) = (scene.quiet_terminal(), scene.quiet_terminal());
    let before = payment(scene, &terminal, scene.at(0));
    scene.prepare(before);
    let mut draft = payment(scene, &terminal, scene.at(5 * HOUR));
    let sim_of = if changed { other.index } else { terminal.index };
    draft.terminal = Some(TerminalUse { sim_of, ..TerminalUse::honest(terminal.index) });
    scene.strike(draft);
}

/// The terminal comes back with an application older than its own; nearly: with its own.
fn older_software(scene: &mut Scene<'_>) {
    let went_back = scene.does_it();
    let terminal = scene.quiet_terminal();
    let before = payment(scene, &terminal, scene.at(0));
    scene.prepare(before);
    let mut draft = payment(scene, &terminal, scene.at(5 * HOUR));
    let software = if went_back { Software::Older } else { Software::Own };
    draft.terminal = Some(TerminalUse { software, ..TerminalUse::honest(terminal.index) });
    scene.strike(draft);
}

/// Threshold: a printed code is used 50 km from where it is registered; the distance decides.
fn code_far_from_home(scene: &mut Scene<'_>) {
    let ratio = scene.ratio();
    let terminal = scene.quiet_terminal();
    // As for a terminal that has moved: the two formulas for distance differ.
    let metres = 50_000.0 * ratio + if ratio >= 1.0 { 500.0 } else { -500.0 };
    let elsewhere = terminal.place.moved(-metres * 0.8, metres * 0.6);
    let (amount, mut draft) = (scene.yuan(10, 90), payment(scene, &terminal, scene.at(0)));
    (draft.amount, draft.entry) = (Some(amount), Some(Entry::QrStatic));
    draft.fix = Some(fix(scene, elsewhere));
    scene.strike(draft);
}

/// Threshold: fifty payments from thirty payers in a day to one person's printed code.
fn personal_code_as_shop(scene: &mut Scene<'_>) {
    let payments = scene.count_up_to(50, 75);
    let holder = scene.crook().index;
    for nth in 0..payments {
        let (payer, money) = (scene.stranger(), scene.yuan(8, 60));
        let at_ms = scene.spread(nth, payments, 22 * HOUR);
        let draft = compose::transfer(scene.world, &payer, holder, (money, at_ms), scene.rng);
        scene.play_nth(nth + 1, 50, Draft { entry: Some(Entry::QrStatic), ..draft });
    }
}

/// A shifted position labelled as unshifted; nearly: as far off, the other way.
fn datum_fault(scene: &mut Scene<'_>) {
    let faulty = scene.does_it();
    let terminal = scene.quiet_terminal();
    let shifted = gcj02_of(terminal.place);
    let mirrored = Place {
        lat_e6: 2 * terminal.place.lat_e6 - shifted.lat_e6,
        lon_e6: 2 * terminal.place.lon_e6 - shifted.lon_e6,
    };
    let mut draft = payment(scene, &terminal, scene.at(0));
    let place = if faulty { shifted } else { mirrored };
    draft.fix = Some(Fix { place, accuracy_m: 8, datum: Datum::Wgs84 });
    scene.strike(draft);
}
