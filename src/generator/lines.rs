//! Drafts and amendments as lines of JSON, in the field order of `event.proto`.

use super::draft::{Attribute, Draft, Party, Passed, Shows, Software, TerminalUse};
use super::json::{Object, push_micro_degrees, push_number, push_time};
use super::truth::{EventId, Message};
use super::world::World;
use super::world::cities::CITIES;
use super::world::devices::{DeviceFlags, DeviceUse};
use super::world::models::Platform;
use super::world::network::{CARRIERS, NetworkUse};
use super::world::tables::{push_merchant_id, push_terminal_id};

const APP_VERSIONS: [&str; 5] = ["9.4.2", "9.4.1", "9.3.8", "9.5.0", "8.12.6"];
const TERMINAL_VERSIONS: [&str; 3] = ["3.2.11", "3.2.9", "3.1.4"];
const OLD_TERMINAL_VERSION: &str = "3.0.12";

/// Appends an event as one line of JSON, without a line end.
pub(super) fn push_event(world: &World, stream: u32, draft: &Draft, out: &mut Vec<u8>) {
    let mut line = Object::open(out);
    line.quoted("event_id", |out| EventId { stream, number: draft.number }.push(out));
    line.text("kind", draft.kind.name());
    line.text("service", draft.service.name());
    line.quoted("occurred_at", |out| push_time(out, draft.at_ms));
    if let Some(amount) = draft.amount {
        line.object("amount", |money| {
            money.number("minor", amount.minor);
            money.text("currency", amount.currency);
        });
    }
    for (name, number) in [("original_event_id", draft.original), ("attempt_of", draft.attempt_of)]
    {
        if let Some(number) = number {
            line.quoted(name, |out| EventId { stream, number }.push(out));
        }
    }
    if let Some(entry) = draft.entry {
        line.text("entry_mode", entry.name());
    }
    if let Some(basis) = draft.lawful_basis {
        line.text("lawful_basis", basis);
    }
    for (name, party) in [("payer", &draft.payer), ("payee", &draft.payee)] {
        if let Some(party) = party {
            line.object(name, |object| push_party(world, draft.number, party, object));
        }
    }
    push_acceptance(world, draft, &mut line);
    push_surroundings(world, draft, &mut line);
    line.close();
}

fn push_party(world: &World, number: u64, party: &Party, object: &mut Object<'_>) {
    let (person, shows) = (party.person, party.shows);
    if shows.any_of(Shows::ACCOUNT) {
        object.quoted("account_id", |out| world.push_account(person, out));
    }
    if let Some(card) = &party.card {
        object.object("card", |inner| {
            inner.quoted("number", |out| out.extend_from_slice(card.as_bytes()));
        });
    }
    if shows.any_of(Shows::NAME) {
        object.quoted("name", |out| world.push_name(person, out));
    } else if shows.any_of(Shows::PARTIAL_NAME) {
        object.quoted("name", |out| world.push_partial_name(person, out));
    }
    if shows.any_of(Shows::ID_NUMBER) {
        object.quoted("id_number", |out| world.push_id_number(person, out));
    }
    if shows.any_of(Shows::PHONE) {
        object.quoted("phone", |out| {
            let first = out.len();
            world.push_phone(person, out);
            // One message in 32 writes a mainland number with its country: one phone, two forms.
            if number % 32 == 5 && out[first] != b'+' {
                out.splice(first..first, *b"+86");
            }
        });
    }
    if shows.any_of(Shows::EMAIL) {
        object.quoted("email", |out| world.push_email(person, out));
    }
}

/// Merchant and terminal.
fn push_acceptance(world: &World, draft: &Draft, line: &mut Object<'_>) {
    if let Some(index) = draft.merchant {
        let merchant = world.merchant(index);
        line.object("merchant", |object| {
            object.quoted("id", |out| push_merchant_id(index, out));
            object.text("mcc", merchant.category.mcc);
            object.quoted("name", |out| world.push_merchant_name(&merchant, out));
            object.text("city", CITIES[usize::from(merchant.city)].name);
        });
    }
    if let Some(terminal) = &draft.terminal {
        line.object("terminal", |object| push_terminal(world, terminal, object));
    }
}

fn push_terminal(world: &World, used: &TerminalUse, object: &mut Object<'_>) {
    let terminal = world.terminal(used.terminal);
    object.quoted("id", |out| push_terminal_id(used.terminal, out));
    object.text("type", terminal.kind);
    object.quoted("serial", |out| world.push_serial(used.serial_of, out));
    let version = match used.software {
        Software::Own => TERMINAL_VERSIONS[terminal.radio as usize % 3],
        Software::Older => OLD_TERMINAL_VERSION,
    };
    object.text("app_version", version);
    object.quoted("iccid", |out| world.terminal(used.sim_of).push_iccid(out));
    object.quoted("cell", |out| terminal.push_cell(used.network_code, out));
}

/// Everything after the terminal: device, network, position, consent, and what is particular.
fn push_surroundings(world: &World, draft: &Draft, line: &mut Object<'_>) {
    if let Some(device) = &draft.device {
        line.object("device", |object| push_device(world, device, object));
    }
    if let Some(network) = &draft.network {
        line.object("network", |object| push_network(network, object));
    }
    if let Some(fix) = &draft.fix {
        line.object("location", |object| {
            push_micro_degrees(object.key("lat"), fix.place.lat_e6);
            push_micro_degrees(object.key("lon"), fix.place.lon_e6);
            let out = object.key("accuracy_m");
            push_number(out, u64::from(fix.accuracy_m));
            out.extend_from_slice(b".0");
            object.text("datum", fix.datum.name());
        });
    }
    if let Some(consent) = &draft.consent {
        line.object("consent", |object| {
            let names = ["device", "location", "bluetooth", "network"];
            for (name, given) in names.into_iter().zip(consent) {
                if let Some(given) = given {
                    object.flag(name, (*given).into());
                }
            }
        });
    }
    if let Some(host) = draft.referrer {
        line.quoted("referrer", |out| {
            out.extend_from_slice(b"https://");
            out.extend_from_slice(host.as_bytes());
            out.extend_from_slice(b"/order/pay?from=app");
        });
    }
    if let Some((method, passed)) = draft.verification {
        line.object("verification", |object| {
            object.text("method", method.name());
            object.text("result", if passed == Passed::Yes { "passed" } else { "failed" });
        });
    }
    if let Some(what) = draft.account_change {
        line.object("account_change", |object| object.text("what", what));
    }
    if !draft.attributes.is_empty() {
        line.object("attributes", |object| {
            for (name, value) in draft.attributes {
                match value {
                    Attribute::Text(text) => object.text(name, text),
                    Attribute::Integer(number) => object.number(name, *number),
                }
            }
        });
    }
}

fn push_device(world: &World, device: &DeviceUse, object: &mut Object<'_>) {
    let (model, mut rng) = world.model_of(device);
    let ids = world.identifiers_of(device, model);
    object.text("platform", model.platform.name());
    object.text("brand", model.brand);
    object.text("model", model.name);
    object.text("os_version", rng.pick(model.os_versions));
    if model.platform != Platform::Web {
        object.text("app_version", rng.pick(&APP_VERSIONS));
    }
    for (name, push) in ids.readable() {
        object.quoted(name, |out| push(&ids, out));
    }
    object.text("cpu", model.cpu);
    object.number("cores", u64::from(model.cores));
    object.number("memory_mb", u64::from(model.memory_mb));
    object.text("screen", model.screen);
    object.text("language", if rng.below(40) == 0 { "en-US" } else { "zh-CN" });
    object.text("time_zone", "Asia/Shanghai");
    let apps = !matches!(model.platform, Platform::Web | Platform::Tv | Platform::Terminal);
    if apps || device.flags != DeviceFlags::default() {
        object.object("flags", |inner| {
            for (bit, name) in DeviceFlags::NAMES.into_iter().enumerate() {
                inner.flag(name, (device.flags.0 >> bit & 1 == 1).into());
            }
        });
    }
}

fn push_network(network: &NetworkUse, object: &mut Object<'_>) {
    object.quoted("ip", |out| {
        use std::io::Write as _;
        write!(out, "{}", network.ip).expect("a Vec takes every byte");
    });
    object.number("port", u64::from(network.port));
    if let Some(carrier) = network.carrier {
        object.text("carrier", CARRIERS[usize::from(carrier) % CARRIERS.len()]);
    }
    object.text("type", network.link.name());
}

/// What becomes known of an event after it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Amendment {
    /// Approved.
    Approved,
    /// Refused with a code.
    Refused(&'static str),
    /// Never sent to the issuer.
    NotSent,
    /// Approved and undone.
    Reversed,
    /// Found to be fraud, by this source.
    Fraud(&'static str),
    /// Found to be legitimate, by this source.
    Legitimate(&'static str),
}

impl Amendment {
    /// Which of the two amendments it is.
    pub(super) fn message(self) -> Message {
        match self {
            Self::Fraud(_) | Self::Legitimate(_) => Message::Label,
            _ => Message::Outcome,
        }
    }
}

/// Appends an amendment as one line of JSON, without a line end.
pub(super) fn push_amendment(of: EventId, what: Amendment, at_ms: i64, out: &mut Vec<u8>) {
    let mut line = Object::open(out);
    let outcome = |line: &mut Object<'_>, result| {
        line.text("kind", "outcome");
        line.quoted("of", |out| of.push(out));
        line.text("result", result);
    };
    let label = |line: &mut Object<'_>, truth, source| {
        line.text("kind", "label");
        line.quoted("of", |out| of.push(out));
        line.text("truth", truth);
        line.text("source", source);
    };
    match what {
        Amendment::Approved => outcome(&mut line, "approved"),
        Amendment::Refused(code) => {
            outcome(&mut line, "refused");
            line.text("code", code);
        }
        Amendment::NotSent => outcome(&mut line, "not_sent"),
        Amendment::Reversed => outcome(&mut line, "reversed"),
        Amendment::Fraud(source) => label(&mut line, "fraud", source),
        Amendment::Legitimate(source) => label(&mut line, "legitimate", source),
    }
    line.quoted("occurred_at", |out| push_time(out, at_ms));
    line.close();
}
