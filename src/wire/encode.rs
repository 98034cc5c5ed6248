//! The canonical form of a message: what its fingerprint is taken over and what the journal seals.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::net::IpAddr;

use super::{MessageReader, MessageWriter, WireValue, read_attribute};
use crate::domain::{
    Attribute, AttributeValue, Consent, Device, DeviceFlags, Label, Location, Merchant, Message,
    Network, Outcome, Party, PaymentEvent, Sensitive, Terminal, Verification,
};

/// A message in canonical form, in three parts because payer and payee are sealed under keys of
/// their own, so that one of them can be forgotten. A reused buffer.
///
/// The parts stand in one buffer, each after its length (`u32`, little endian): the whole buffer
/// is what the content fingerprint is taken over, without a copy.
#[derive(Clone, Default)]
pub struct EventBytes {
    bytes: Vec<u8>,
    /// Where the second and the third part begin, at their lengths.
    payer_at: usize,
    payee_at: usize,
}

/// The number of an event's custom fields.
const ATTRIBUTES: u32 = 21;
/// Bytes of a part's length.
const PREFIX: usize = 4;

impl EventBytes {
    /// An empty buffer with room for a usual event.
    pub fn new() -> Self {
        Self { bytes: Vec::with_capacity(1_024), payer_at: 0, payee_at: 0 }
    }

    /// The message (`tidegate.v1.Message`) without payer and payee.
    pub fn event(&self) -> &[u8] {
        self.bytes.get(PREFIX..self.payer_at).unwrap_or_default()
    }

    /// The payer (`tidegate.v1.Payer`); empty when there is none.
    pub fn payer(&self) -> &[u8] {
        self.bytes.get(self.payer_at + PREFIX..self.payee_at).unwrap_or_default()
    }

    /// The payee (`tidegate.v1.Payee`); empty when there is none.
    pub fn payee(&self) -> &[u8] {
        self.bytes.get(self.payee_at + PREFIX..).unwrap_or_default()
    }

    /// The three parts, each after its length: two messages are the same exactly when these are.
    pub fn canonical(&self) -> &[u8] {
        &self.bytes
    }

    /// Leaves of the event's custom fields only those with these names. What was not declared is not
    /// for keeping; the other parts stay as they are.
    pub fn keep_attributes(&mut self, is_kept: impl Fn(&str) -> bool) {
        let is_kept = |attribute| {
            read_attribute(MessageReader::new(attribute)).is_ok_and(|one| is_kept(&one.name))
        };
        let mut event = Vec::new();
        let mut message = MessageReader::new(self.event());
        while let Ok(Some((number, WireValue::Bytes(of)))) = message.field() {
            MessageWriter::new(&mut event).message(number, |w| {
                let mut fields = MessageReader::new(of);
                while let Ok(Some((number, value))) = fields.field() {
                    match value {
                        WireValue::Bytes(value) if number == ATTRIBUTES && !is_kept(value) => {}
                        WireValue::Varint(value) => w.uint(number, value),
                        WireValue::Bytes(value) => w.bytes(number, value),
                        WireValue::Fixed64(bits) => w.double(number, f64::from_bits(bits)),
                        // No field of ours has it.
                        WireValue::Fixed32(_) => {}
                    }
                }
            });
        }
        let parties = self.bytes.split_off(self.payer_at);
        let shorter = self.payer_at - (PREFIX + event.len());
        self.bytes.clear();
        let at = self.begin();
        self.bytes.append(&mut event);
        self.end(at);
        self.bytes.extend_from_slice(&parties);
        (self.payer_at, self.payee_at) = (self.payer_at - shorter, self.payee_at - shorter);
    }

    /// Starts a part: room for its length.
    fn begin(&mut self) -> usize {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; PREFIX]);
        at
    }

    /// Ends the part that began at `at`.
    fn end(&mut self, at: usize) {
        // The decoder's size limit keeps a message far below 4 GiB.
        let length = (self.bytes.len() - at - PREFIX) as u32;
        self.bytes[at..at + PREFIX].copy_from_slice(&length.to_le_bytes());
    }
}

/// How many, never which: raw values stand in them.
impl fmt::Debug for EventBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventBytes({} bytes)", self.bytes.len())
    }
}

/// Writes a message in canonical form: fields in the order of their numbers, nothing for what is
/// absent, a present empty text as an empty field.
pub fn encode(message: &Message<'_>, out: &mut EventBytes) {
    out.bytes.clear();
    let at = out.begin();
    let w = &mut MessageWriter::new(&mut out.bytes);
    match message {
        Message::Event(event) => w.message(1, |w| write_event(w, event)),
        Message::Outcome(outcome) => w.message(2, |w| write_outcome(w, outcome)),
        Message::Label(label) => w.message(3, |w| write_label(w, label)),
    }
    out.end(at);
    let (payer, payee) = match message {
        Message::Event(event) => (Some(&event.payer), Some(&event.payee)),
        Message::Outcome(_) | Message::Label(_) => (None, None),
    };
    out.payer_at = write_part(out, payer);
    out.payee_at = write_part(out, payee);
}

fn write_part(out: &mut EventBytes, party: Option<&Party<'_>>) -> usize {
    let at = out.begin();
    if let Some(party) = party {
        write_party(&mut MessageWriter::new(&mut out.bytes), party);
    }
    out.end(at);
    at
}

fn text(w: &mut MessageWriter<'_>, number: u32, value: Option<&Cow<'_, str>>) {
    if let Some(value) = value {
        w.text(number, value);
    }
}

fn secret(w: &mut MessageWriter<'_>, number: u32, value: Option<&Sensitive<Cow<'_, str>>>) {
    if let Some(value) = value {
        w.text(number, value.expose());
    }
}

fn flag(w: &mut MessageWriter<'_>, number: u32, value: Option<bool>) {
    if let Some(value) = value {
        w.flag(number, value);
    }
}

fn count(w: &mut MessageWriter<'_>, number: u32, value: Option<u32>) {
    if let Some(value) = value {
        w.uint(number, u64::from(value));
    }
}

fn write_event(w: &mut MessageWriter<'_>, event: &PaymentEvent<'_>) {
    w.text(1, &event.event_id);
    w.uint(2, event.kind as u64);
    w.uint(3, event.service as u64);
    w.int(4, event.occurred_at.as_ms());
    if let Some(amount) = event.amount {
        w.message(5, |w| {
            w.uint(1, amount.minor());
            w.text(2, amount.currency().as_str());
        });
    }
    text(w, 6, event.original_event_id.as_ref());
    text(w, 7, event.attempt_of.as_ref());
    if let Some(mode) = event.entry_mode {
        w.uint(8, mode as u64);
    }
    text(w, 9, event.lawful_basis.as_ref());
    // 10 and 11, payer and payee, are parts of their own.
    w.message_or_absent(12, |w| write_merchant(w, &event.merchant));
    w.message_or_absent(13, |w| write_terminal(w, &event.terminal));
    w.message_or_absent(14, |w| write_device(w, &event.device));
    w.message_or_absent(15, |w| write_network(w, &event.network));
    if let Some(location) = &event.location {
        w.message(16, |w| write_location(w, location));
    }
    w.message_or_absent(17, |w| write_consent(w, event.consent));
    secret(w, 18, event.referrer.as_ref());
    if let Some(verification) = &event.verification {
        w.message(19, |w| write_verification(w, verification));
    }
    text(w, 20, event.account_change.as_ref());
    for attribute in &event.attributes {
        w.message(ATTRIBUTES, |w| write_attribute(w, attribute));
    }
}

fn write_party(w: &mut MessageWriter<'_>, party: &Party<'_>) {
    secret(w, 1, party.account_id.as_ref());
    if let Some(card) = &party.card {
        w.message(2, |w| w.text(1, card.number.expose()));
    }
    secret(w, 3, party.name.as_ref());
    secret(w, 4, party.id_number.as_ref());
    secret(w, 5, party.phone.as_ref());
    secret(w, 6, party.email.as_ref());
}

fn write_merchant(w: &mut MessageWriter<'_>, merchant: &Merchant<'_>) {
    text(w, 1, merchant.id.as_ref());
    text(w, 2, merchant.mcc.as_ref());
    text(w, 3, merchant.name.as_ref());
    text(w, 4, merchant.city.as_ref());
}

fn write_terminal(w: &mut MessageWriter<'_>, terminal: &Terminal<'_>) {
    text(w, 1, terminal.id.as_ref());
    text(w, 2, terminal.kind.as_ref());
    text(w, 3, terminal.serial.as_ref());
    text(w, 4, terminal.app_version.as_ref());
    secret(w, 5, terminal.iccid.as_ref());
    secret(w, 6, terminal.cell.as_ref());
}

fn write_device(w: &mut MessageWriter<'_>, device: &Device<'_>) {
    text(w, 1, device.platform.as_ref());
    text(w, 2, device.brand.as_ref());
    text(w, 3, device.model.as_ref());
    text(w, 4, device.os_version.as_ref());
    text(w, 5, device.app_version.as_ref());
    secret(w, 6, device.imei.as_ref());
    secret(w, 7, device.idfa.as_ref());
    secret(w, 8, device.idfv.as_ref());
    secret(w, 9, device.oaid.as_ref());
    secret(w, 10, device.android_id.as_ref());
    secret(w, 11, device.media_drm_id.as_ref());
    secret(w, 12, device.gsf_id.as_ref());
    secret(w, 13, device.mac.as_ref());
    secret(w, 14, device.bluetooth_mac.as_ref());
    text(w, 15, device.cpu.as_ref());
    count(w, 16, device.cores);
    count(w, 17, device.memory_mb);
    text(w, 18, device.screen.as_ref());
    text(w, 19, device.language.as_ref());
    text(w, 20, device.time_zone.as_ref());
    w.message_or_absent(21, |w| write_device_flags(w, device.flags));
}

fn write_device_flags(w: &mut MessageWriter<'_>, flags: DeviceFlags) {
    flag(w, 1, flags.emulator);
    flag(w, 2, flags.rooted);
    flag(w, 3, flags.hooked);
    flag(w, 4, flags.debug);
    flag(w, 5, flags.cloned);
    flag(w, 6, flags.mock_location);
}

fn write_network(w: &mut MessageWriter<'_>, network: &Network<'_>) {
    if let Some(ip) = &network.ip {
        w.message(1, |w| write_ip(w, ip.expose()));
    }
    count(w, 2, network.port.map(u32::from));
    text(w, 3, network.carrier.as_ref());
    text(w, 4, network.kind.as_ref());
}

/// The text form, which the standard library writes in one way only.
fn write_ip(w: &mut MessageWriter<'_>, ip: &IpAddr) {
    write!(w.raw(), "{ip}").expect("writing into memory does not fail");
}

fn write_location(w: &mut MessageWriter<'_>, location: &Location) {
    w.double(1, *location.lat.expose());
    w.double(2, *location.lon.expose());
    if let Some(accuracy_m) = location.accuracy_m {
        w.double(3, accuracy_m);
    }
    w.uint(4, location.datum as u64);
}

fn write_consent(w: &mut MessageWriter<'_>, consent: Consent) {
    flag(w, 1, consent.device);
    flag(w, 2, consent.location);
    flag(w, 3, consent.bluetooth);
    flag(w, 4, consent.network);
}

fn write_verification(w: &mut MessageWriter<'_>, verification: &Verification<'_>) {
    w.text(1, &verification.method);
    w.flag(2, verification.passed);
}

pub(crate) fn write_attribute(w: &mut MessageWriter<'_>, attribute: &Attribute<'_>) {
    w.text(1, &attribute.name);
    match &attribute.value {
        AttributeValue::Text(value) => w.text(2, value),
        AttributeValue::Integer(value) => w.int(3, *value),
        AttributeValue::Number(value) => w.double(4, *value),
        AttributeValue::Flag(value) => w.flag(5, *value),
    }
}

fn write_outcome(w: &mut MessageWriter<'_>, outcome: &Outcome<'_>) {
    w.text(1, &outcome.of);
    w.uint(2, outcome.result as u64);
    text(w, 3, outcome.code.as_ref());
    w.int(4, outcome.occurred_at.as_ms());
}

fn write_label(w: &mut MessageWriter<'_>, label: &Label<'_>) {
    w.text(1, &label.of);
    w.uint(2, label.truth as u64);
    w.text(3, &label.source);
    w.int(4, label.occurred_at.as_ms());
}
