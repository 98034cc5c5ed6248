//! One masked decision: the answer first, then what the reader may see of the event. That is taken
//! from the event before anything is decided, so that nobody has to keep the event till then.

use std::borrow::Cow;
use std::fmt;

use crate::domain::{
    Body, DecisionFlags, Device, EventTime, FieldSet, FollowUps, Kind, MissingTables, Party,
    PaymentEvent, Sensitive, Seq, Service, is_like_a_card, withhold_digits, without_owner,
};

use super::writer::{Json, Masked};
use super::{Mask, Open, Profile, Secret, apply};

/// What was decided, with the names that a body only numbers.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The decision's number.
    pub seq: Seq,
    /// The deterministic part.
    pub body: &'a Body,
    /// The reasons: a stable code and its fixed sentence, weightiest first.
    pub reasons: &'a [(&'a str, &'a str)],
    /// The bundle's short hash.
    pub bundle: &'a str,
    /// The version of the engine's semantics.
    pub semantics: u32,
    /// When the event arrived.
    pub received_at: EventTime,
    /// Fields of the message that could not be read.
    pub malformed: FieldSet,
    /// Its custom fields that are declared with another type than they came with.
    pub malformed_attributes: &'a [String],
    /// The name of the score's band in the policy.
    pub score_band_name: &'a str,
}

/// What a reader may see of one event: masked, and no borrow of the event, which can be let go before
/// it is decided. A reused buffer.
pub struct Shown {
    event_id: String,
    kind: Kind,
    service: Service,
    occurred_at: EventTime,
    /// The document's block `event` with its key.
    block: Vec<u8>,
}

impl Shown {
    /// Of no event yet.
    pub fn new() -> Self {
        Self {
            event_id: String::with_capacity(64),
            kind: Kind::Payment,
            service: Service::InternetPayment,
            occurred_at: EventTime::MIN,
            block: Vec::with_capacity(1_024),
        }
    }

    /// The event's id, as its sender wrote it.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The event's service.
    pub const fn service(&self) -> Service {
        self.service
    }
}

impl Default for Shown {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({} bytes)", self.block.len())
    }
}

/// Takes from an event what the profile lets a reader see.
///
/// Nothing is allocated once `out` has grown to its size.
pub fn show(event: &PaymentEvent<'_>, profile: &Profile, out: &mut Shown) {
    out.event_id.clear();
    out.event_id.push_str(&event.event_id);
    (out.kind, out.service, out.occurred_at) = (event.kind, event.service, event.occurred_at);
    out.block.clear();
    let mut json = Json::over(&mut out.block);
    let block = json.open("\"event\":{");
    View { profile, json: &mut json }.event(event);
    json.close(block, b'}');
}

/// Writes the decision as one JSON document without a line break. The order of its fields never
/// changes, so that equal decisions are equal bytes.
///
/// Nothing is allocated once `out` has grown to its size.
pub fn render(shown: &Shown, answer: &Answer<'_>, out: &mut Masked) {
    let mut json = out.start();
    let document = json.open("{");
    decision(&mut json, shown, answer);
    json.members(&shown.block);
    json.close(document, b'}');
    json.finish();
}

/// The answer: no value of the event but its id and the words of its vocabularies.
fn decision(json: &mut Json<'_>, event: &Shown, answer: &Answer<'_>) {
    let body = answer.body;
    json.text("\"event_id\":", &event.event_id);
    json.number("\"seq\":", answer.seq.0);
    json.word("\"kind\":", event.kind.name());
    json.word("\"service\":", event.service.name());
    json.time("\"occurred_at\":", event.occurred_at);
    json.time("\"received_at\":", answer.received_at);
    json.word("\"action\":", body.action.name());
    let list = json.open("\"follow_ups\":[");
    for (follow_up, name) in FollowUps::NAMED {
        if body.follow_ups.contains(follow_up) {
            json.element(name);
        }
    }
    json.close(list, b']');
    json.number("\"score\":", body.score.into());
    json.text("\"band\":", answer.score_band_name);
    json.signed("\"points\":", body.points.into());
    let list = json.open("\"reasons\":[");
    for (code, sentence) in answer.reasons {
        let reason = json.open("{");
        json.text("\"code\":", code);
        json.text("\"text\":", sentence);
        json.close(reason, b'}');
    }
    json.close(list, b']');
    json.word("\"risk_verification\":", body.risk_verification.name());
    let list = json.open("\"flags\":[");
    for (flag, name) in DecisionFlags::NAMED {
        if body.flags.contains(flag) {
            json.element(name);
        }
    }
    json.close(list, b']');
    let list = json.open("\"missing_tables\":[");
    for (table, name) in MissingTables::NAMED {
        if body.missing.contains(table) {
            json.element(name);
        }
    }
    json.close(list, b']');
    let list = json.open("\"malformed\":[");
    answer.malformed.iter().for_each(|field| json.element(field.name()));
    answer.malformed_attributes.iter().for_each(|name| json.element_under("attributes.", name));
    json.close(list, b']');
    json.word("\"plan\":", body.plan.name());
    json.text("\"bundle\":", answer.bundle);
    json.number("\"engine_semantics\":", answer.semantics.into());
}

/// The field names of a party, which stands under two names.
struct PartyFields {
    key: &'static str,
    account_id: Secret,
    card_number: Secret,
    name: Secret,
    id_number: Secret,
    phone: Secret,
    email: Secret,
}

const PAYER: PartyFields = PartyFields {
    key: "\"payer\":{",
    account_id: Secret::PayerAccountId,
    card_number: Secret::PayerCardNumber,
    name: Secret::PayerName,
    id_number: Secret::PayerIdNumber,
    phone: Secret::PayerPhone,
    email: Secret::PayerEmail,
};

const PAYEE: PartyFields = PartyFields {
    key: "\"payee\":{",
    account_id: Secret::PayeeAccountId,
    card_number: Secret::PayeeCardNumber,
    name: Secret::PayeeName,
    id_number: Secret::PayeeIdNumber,
    phone: Secret::PayeePhone,
    email: Secret::PayeeEmail,
};

/// An event through a profile.
struct View<'v, 'm> {
    profile: &'v Profile,
    json: &'v mut Json<'m>,
}

impl View<'_, '_> {
    fn event(&mut self, event: &PaymentEvent<'_>) {
        if let Some(amount) = event.amount.filter(|_| self.profile.shows(Open::Amount)) {
            let block = self.json.open("\"amount\":{");
            self.json.number("\"minor\":", amount.minor());
            self.json.text("\"currency\":", amount.currency().as_str());
            self.json.close(block, b'}');
        }
        self.id(Open::OriginalEventId, "\"original_event_id\":", &event.original_event_id);
        self.id(Open::AttemptOf, "\"attempt_of\":", &event.attempt_of);
        if let Some(mode) = event.entry_mode.filter(|_| self.profile.shows(Open::EntryMode)) {
            self.json.word("\"entry_mode\":", mode.name());
        }
        self.open(Open::LawfulBasis, "\"lawful_basis\":", &event.lawful_basis);
        self.party(&event.payer, &PAYER);
        self.party(&event.payee, &PAYEE);
        self.merchant(event);
        self.terminal(event);
        self.device(&event.device);
        self.network(event);
        self.location(event);
        self.consent(event);
        self.secret(Secret::Referrer, "\"referrer\":", &event.referrer);
        let verification = event.verification.as_ref();
        if let Some(verification) = verification.filter(|_| self.profile.shows(Open::Verification))
        {
            let block = self.json.open("\"verification\":{");
            self.json.text("\"method\":", &withhold_digits(&verification.method));
            let result = if verification.passed { "passed" } else { "failed" };
            self.json.word("\"result\":", result);
            self.json.close(block, b'}');
        }
        let block = self.json.open("\"account_change\":{");
        self.open(Open::AccountChange, "\"what\":", &event.account_change);
        self.json.close_or_drop(block, b'}');
        self.attributes(event);
    }

    fn party(&mut self, party: &Party<'_>, fields: &PartyFields) {
        let block = self.json.open(fields.key);
        self.secret(fields.account_id, "\"account_id\":", &party.account_id);
        if let Some(card) = &party.card {
            let block = self.json.open("\"card\":{");
            let mask = self.profile.mask(fields.card_number);
            self.masked(mask, "\"number\":", card.number.expose());
            self.json.close_or_drop(block, b'}');
        }
        self.secret(fields.name, "\"name\":", &party.name);
        self.secret(fields.id_number, "\"id_number\":", &party.id_number);
        self.secret(fields.phone, "\"phone\":", &party.phone);
        self.secret(fields.email, "\"email\":", &party.email);
        self.json.close_or_drop(block, b'}');
    }

    fn merchant(&mut self, event: &PaymentEvent<'_>) {
        let merchant = &event.merchant;
        let block = self.json.open("\"merchant\":{");
        self.code(Open::MerchantId, "\"id\":", &merchant.id);
        self.open(Open::MerchantMcc, "\"mcc\":", &merchant.mcc);
        self.open(Open::MerchantName, "\"name\":", &merchant.name);
        self.open(Open::MerchantCity, "\"city\":", &merchant.city);
        self.json.close_or_drop(block, b'}');
    }

    fn terminal(&mut self, event: &PaymentEvent<'_>) {
        let terminal = &event.terminal;
        let block = self.json.open("\"terminal\":{");
        self.code(Open::TerminalId, "\"id\":", &terminal.id);
        self.open(Open::TerminalType, "\"type\":", &terminal.kind);
        self.code(Open::TerminalSerial, "\"serial\":", &terminal.serial);
        self.open(Open::TerminalAppVersion, "\"app_version\":", &terminal.app_version);
        self.secret(Secret::TerminalIccid, "\"iccid\":", &terminal.iccid);
        self.secret(Secret::TerminalCell, "\"cell\":", &terminal.cell);
        self.json.close_or_drop(block, b'}');
    }

    fn device(&mut self, device: &Device<'_>) {
        let block = self.json.open("\"device\":{");
        self.open(Open::DevicePlatform, "\"platform\":", &device.platform);
        self.open(Open::DeviceBrand, "\"brand\":", &device.brand);
        if let Some(model) = &device.model
            && self.profile.shows(Open::DeviceModel)
        {
            self.json.text("\"model\":", &withhold_digits(without_owner(model)));
        }
        self.open(Open::DeviceOsVersion, "\"os_version\":", &device.os_version);
        self.open(Open::DeviceAppVersion, "\"app_version\":", &device.app_version);
        self.secret(Secret::DeviceImei, "\"imei\":", &device.imei);
        self.secret(Secret::DeviceIdfa, "\"idfa\":", &device.idfa);
        self.secret(Secret::DeviceIdfv, "\"idfv\":", &device.idfv);
        self.secret(Secret::DeviceOaid, "\"oaid\":", &device.oaid);
        self.secret(Secret::DeviceAndroidId, "\"android_id\":", &device.android_id);
        self.secret(Secret::DeviceMediaDrmId, "\"media_drm_id\":", &device.media_drm_id);
        self.secret(Secret::DeviceGsfId, "\"gsf_id\":", &device.gsf_id);
        self.secret(Secret::DeviceMac, "\"mac\":", &device.mac);
        self.secret(Secret::DeviceBluetoothMac, "\"bluetooth_mac\":", &device.bluetooth_mac);
        self.open(Open::DeviceCpu, "\"cpu\":", &device.cpu);
        self.count(Open::DeviceCores, "\"cores\":", device.cores);
        self.count(Open::DeviceMemoryMb, "\"memory_mb\":", device.memory_mb);
        self.open(Open::DeviceScreen, "\"screen\":", &device.screen);
        self.open(Open::DeviceLanguage, "\"language\":", &device.language);
        self.open(Open::DeviceTimeZone, "\"time_zone\":", &device.time_zone);
        if self.profile.shows(Open::DeviceFlags) {
            let block = self.json.open("\"flags\":{");
            self.flag("\"emulator\":", device.flags.emulator);
            self.flag("\"rooted\":", device.flags.rooted);
            self.flag("\"hooked\":", device.flags.hooked);
            self.flag("\"debug\":", device.flags.debug);
            self.flag("\"cloned\":", device.flags.cloned);
            self.flag("\"mock_location\":", device.flags.mock_location);
            self.json.close_or_drop(block, b'}');
        }
        self.json.close_or_drop(block, b'}');
    }

    fn network(&mut self, event: &PaymentEvent<'_>) {
        let network = &event.network;
        let block = self.json.open("\"network\":{");
        if let (Some(ip), Mask::Prefix) = (network.ip, self.profile.mask(Secret::NetworkIp)) {
            let mut text = self.json.pieces("\"ip\":");
            apply::prefix(&mut text, *ip.expose());
            text.end();
        }
        self.count(Open::NetworkPort, "\"port\":", network.port.map(u32::from));
        self.open(Open::NetworkCarrier, "\"carrier\":", &network.carrier);
        self.open(Open::NetworkType, "\"type\":", &network.kind);
        self.json.close_or_drop(block, b'}');
    }

    fn location(&mut self, event: &PaymentEvent<'_>) {
        let mask = self.profile.mask(Secret::Location);
        let (Some(location), Mask::Place { decimals }) = (event.location, mask) else { return };
        let block = self.json.open("\"location\":{");
        self.json.degrees("\"lat\":", *location.lat.expose(), decimals);
        self.json.degrees("\"lon\":", *location.lon.expose(), decimals);
        if let Some(radius) = location.accuracy_m {
            // Whole metres, rounded up; the cast saturates.
            self.json.number("\"accuracy_m\":", radius.ceil() as u64);
        }
        self.json.word("\"datum\":", location.datum.name());
        self.json.close(block, b'}');
    }

    fn consent(&mut self, event: &PaymentEvent<'_>) {
        if !self.profile.shows(Open::Consent) {
            return;
        }
        let block = self.json.open("\"consent\":{");
        self.flag("\"device\":", event.consent.device);
        self.flag("\"location\":", event.consent.location);
        self.flag("\"bluetooth\":", event.consent.bluetooth);
        self.flag("\"network\":", event.consent.network);
        self.json.close_or_drop(block, b'}');
    }

    /// Texts that the profile names; numbers and flags of clients' own are never shown.
    fn attributes(&mut self, event: &PaymentEvent<'_>) {
        let block = self.json.open("\"attributes\":{");
        for attribute in &event.attributes {
            let mask = self.profile.attribute(&attribute.name);
            if let (crate::domain::AttributeValue::Text(value), true) =
                (&attribute.value, mask != Mask::Hidden)
            {
                let mut text = self.json.foreign(&attribute.name);
                apply::text(&mut text, value, mask);
                text.end();
            }
        }
        self.json.close_or_drop(block, b'}');
    }

    /// An open text, without digits that could be a person's: whoever fills a name or a model may
    /// write a number into it.
    fn open(&mut self, field: Open, key: &'static str, value: &Option<Cow<'_, str>>) {
        if let Some(value) = value
            && self.profile.shows(field)
        {
            self.json.text(key, &withhold_digits(value));
        }
    }

    /// The code of a merchant or a terminal: a number as well, which is hidden only when it is like
    /// a card's.
    fn code(&mut self, field: Open, key: &'static str, value: &Option<Cow<'_, str>>) {
        if let Some(value) = value
            && self.profile.shows(field)
        {
            let text =
                if is_like_a_card(value) { withhold_digits(value) } else { (&**value).into() };
            self.json.text(key, &text);
        }
    }

    /// The id of another event: its sender's own, who has to find it again.
    fn id(&mut self, field: Open, key: &'static str, value: &Option<Cow<'_, str>>) {
        if let Some(value) = value
            && self.profile.shows(field)
        {
            self.json.text(key, value);
        }
    }

    /// A personal text: its only way out is a mask.
    fn secret(
        &mut self,
        field: Secret,
        key: &'static str,
        value: &Option<Sensitive<Cow<'_, str>>>,
    ) {
        if let Some(value) = value {
            self.masked(self.profile.mask(field), key, value.expose());
        }
    }

    fn masked(&mut self, mask: Mask, key: &'static str, value: &str) {
        if mask != Mask::Hidden {
            let mut text = self.json.pieces(key);
            apply::text(&mut text, value, mask);
            text.end();
        }
    }

    fn count(&mut self, field: Open, key: &'static str, value: Option<u32>) {
        if let Some(value) = value.filter(|_| self.profile.shows(field)) {
            self.json.number(key, value.into());
        }
    }

    fn flag(&mut self, key: &'static str, value: Option<bool>) {
        if let Some(value) = value {
            self.json.flag(key, value);
        }
    }
}
