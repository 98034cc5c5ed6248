//! A person's change as the journal keeps it: the message `Control`.

use crate::domain::{
    Activation, BundleDigest, Control, EntityKind, EventTime, Ground, GuardMeasure, GuardTrip,
    ListAddition, ListEntry, ListRemoval, ListSource, Proposal, Provenance, RuleDiff, Seq,
    Signature, SwitchedOff, Token, TokenLookUp, Upgrade,
};
use crate::wire::{MessageReader, MessageWriter, WireError, WireValue, read_varint};

/// Writes the message.
pub(super) fn write_control(w: &mut MessageWriter<'_>, control: &Control) {
    match control {
        Control::ListAdd(ListAddition { list, kind, entries, provenance }) => w.message(1, |w| {
            write_list(w, (list, *kind), entries.iter().map(|entry| entry.token), provenance);
            // Nearly always they end together.
            let first = entries.first().map(|entry| entry.expires_at);
            let is_one = entries.iter().all(|entry| Some(entry.expires_at) == first);
            let written = if is_one { 1 } else { entries.len() };
            let moments = entries.iter().take(written);
            w.packed(5, moments.map(|entry| entry.expires_at.as_ms().cast_unsigned()));
        }),
        Control::ListRemove(ListRemoval { list, kind, tokens, provenance }) => {
            w.message(2, |w| write_list(w, (list, *kind), tokens.iter().copied(), provenance));
        }
        Control::Propose(Proposal { bundle, proposer, diff }) => w.message(3, |w| {
            w.bytes(1, bundle);
            w.text(2, proposer);
            w.message_or_absent(3, |w| write_diff(w, diff));
        }),
        Control::Activate(activation) => w.message(4, |w| write_activation(w, activation)),
        Control::SwitchOff(SwitchedOff { rule, by, reason }) => w.message(5, |w| {
            w.text(1, rule);
            w.text(2, by);
            w.text(3, reason);
        }),
        Control::LookUp(TokenLookUp { by, kind, count, reason }) => w.message(7, |w| {
            w.text(1, by);
            w.uint(2, *kind as u64);
            w.uint_or_absent(3, u64::from(*count));
            w.text(4, reason);
        }),
        Control::Guard(GuardTrip { about, rules, measure, found, limit }) => w.message(6, |w| {
            w.uint(1, *measure as u64);
            if let Some(about) = about {
                w.text(2, about);
            }
            rules.iter().for_each(|rule| w.text(3, rule));
            w.uint_or_absent(4, u64::from(*found));
            w.uint_or_absent(5, u64::from(*limit));
        }),
        Control::Upgrade(Upgrade { from, to, snapshot }) => w.message(20, |w| {
            w.uint(1, u64::from(*from));
            w.uint(2, u64::from(*to));
            if let Some(next) = snapshot {
                w.uint(3, next.0);
            }
        }),
    }
}

fn write_list(
    w: &mut MessageWriter<'_>,
    (list, kind): (&str, EntityKind),
    tokens: impl ExactSizeIterator<Item = Token>,
    provenance: &Provenance,
) {
    w.text(1, list);
    w.uint(2, kind as u64);
    let mut bytes = Vec::with_capacity(16 * tokens.len());
    tokens.for_each(|token| bytes.extend_from_slice(token.as_bytes()));
    w.bytes(3, &bytes);
    w.message(4, |w| {
        w.packed(1, provenance.sources.iter().map(|source| *source as u64));
        w.text(2, &provenance.reason);
        w.text(3, &provenance.creator);
        w.text(4, &provenance.approver);
        w.text(5, &provenance.appeal);
        w.text(6, &provenance.legal_basis);
        w.uint_or_absent(7, provenance.batch);
    });
}

fn write_activation(w: &mut MessageWriter<'_>, activation: &Activation) {
    w.bytes(1, &activation.bundle);
    w.bytes(2, &activation.before);
    match &activation.ground {
        Ground::Approved { proposer, approver, signature } => {
            w.text(3, proposer);
            w.text(4, approver);
            if let Some(signature) = signature {
                w.bytes(5, &signature.bytes);
                w.uint_or_absent(8, signature.proposal.0);
                let expires_at = signature.expires_at;
                let is_told = expires_at != EventTime::MIN;
                w.uint_or_absent(9, if is_told { expires_at.as_ms().cast_unsigned() } else { 0 });
            }
        }
        Ground::RolledBack { by } => w.text(6, by),
    }
    w.message_or_absent(7, |w| write_diff(w, &activation.diff));
}

fn write_diff(w: &mut MessageWriter<'_>, diff: &RuleDiff) {
    for (number, rules) in [(1, &diff.added), (2, &diff.removed), (3, &diff.changed)] {
        rules.iter().for_each(|rule| w.text(number, rule));
    }
}

/// Reads the message.
pub(super) fn read_control(mut reader: MessageReader<'_>) -> Result<Control, WireError> {
    let mut control = None;
    while let Some((number, value)) = reader.field()? {
        control = Some(match number {
            1 => {
                let list = List::read(value.message("control.list_add")?)?;
                let entries = list.entries()?;
                let List { list, kind, provenance, .. } = list;
                Control::ListAdd(ListAddition { list, kind, entries, provenance })
            }
            2 => {
                let List { list, kind, tokens, provenance, .. } =
                    List::read(value.message("control.list_remove")?)?;
                Control::ListRemove(ListRemoval { list, kind, tokens, provenance })
            }
            3 => Control::Propose(read_proposal(value.message("control.propose")?)?),
            4 => Control::Activate(read_activation(value.message("control.activate")?)?),
            6 => Control::Guard(read_guard(value.message("control.guard")?)?),
            20 => Control::Upgrade(read_upgrade(value.message("control.upgrade")?)?),
            7 => Control::LookUp(read_look_up(value.message("control.look_up")?)?),
            5 => Control::SwitchOff(read_switch(value.message("control.switch_off")?)?),
            _ => continue,
        });
    }
    control.ok_or(WireError::Missing { field: "control" })
}

/// What additions and removals share.
struct List {
    list: String,
    kind: EntityKind,
    tokens: Vec<Token>,
    provenance: Provenance,
    expires: Vec<EventTime>,
}

impl List {
    fn read(mut reader: MessageReader<'_>) -> Result<Self, WireError> {
        let (mut kind, mut expires) = (0_u64, Vec::new());
        let (mut list, mut tokens) = (String::new(), Vec::new());
        let mut provenance = Provenance::default();
        while let Some((number, value)) = reader.field()? {
            match number {
                1 => value.text("list.name")?.clone_into(&mut list),
                2 => kind = value.uint("list.kind")?,
                3 => {
                    let (whole, rest) = value.bytes("list.tokens")?.as_chunks::<16>();
                    if !rest.is_empty() {
                        return Err(WireError::Truncated);
                    }
                    tokens = whole.iter().map(|bytes| Token::from_bytes(*bytes)).collect();
                }
                4 => provenance = read_provenance(value.message("list.provenance")?)?,
                5 => expires = read_moments(value)?,
                _ => {}
            }
        }
        let known = usize::try_from(kind).ok().and_then(|at| EntityKind::ALL.get(at));
        let unknown = WireError::UnknownWord { field: "list.kind", number: kind };
        Ok(Self { list, kind: *known.ok_or(unknown)?, tokens, provenance, expires })
    }

    fn entries(&self) -> Result<Vec<ListEntry>, WireError> {
        const FIELD: &str = "list.expires";
        let moment = |at: usize| match self.expires.as_slice() {
            [one] => Some(*one),
            all if all.len() == self.tokens.len() => all.get(at).copied(),
            _ => None,
        };
        let entry = |(at, token): (usize, &Token)| {
            let expires_at = moment(at).ok_or(WireError::Missing { field: FIELD })?;
            Ok(ListEntry { token: *token, expires_at })
        };
        self.tokens.iter().enumerate().map(entry).collect()
    }
}

fn read_moments(value: WireValue<'_>) -> Result<Vec<EventTime>, WireError> {
    const FIELD: &str = "list.expires";
    let (mut rest, mut moments) = (value.bytes(FIELD)?, Vec::new());
    while !rest.is_empty() {
        let ms = read_varint(&mut rest)?.cast_signed();
        moments.push(EventTime::from_ms(ms).map_err(|_| WireError::OutOfRange { field: FIELD })?);
    }
    Ok(moments)
}

fn read_provenance(mut reader: MessageReader<'_>) -> Result<Provenance, WireError> {
    let mut provenance = Provenance::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => {
                let mut rest = value.bytes("provenance.sources")?;
                while !rest.is_empty() {
                    let number = read_varint(&mut rest)?;
                    let field = "provenance.sources";
                    let source = ListSource::from_number(number);
                    provenance
                        .sources
                        .push(source.ok_or(WireError::UnknownWord { field, number })?);
                }
            }
            2 => value.text("provenance.reason")?.clone_into(&mut provenance.reason),
            3 => value.text("provenance.creator")?.clone_into(&mut provenance.creator),
            4 => value.text("provenance.approver")?.clone_into(&mut provenance.approver),
            5 => value.text("provenance.appeal")?.clone_into(&mut provenance.appeal),
            6 => value.text("provenance.legal_basis")?.clone_into(&mut provenance.legal_basis),
            7 => provenance.batch = value.uint("provenance.batch")?,
            _ => {}
        }
    }
    Ok(provenance)
}

fn read_proposal(mut reader: MessageReader<'_>) -> Result<Proposal, WireError> {
    let mut bundle: Option<BundleDigest> = None;
    let (mut proposer, mut diff) = (String::new(), RuleDiff::default());
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => bundle = Some(value.array("propose.bundle")?),
            2 => value.text("propose.proposer")?.clone_into(&mut proposer),
            3 => diff = read_diff(value.message("propose.diff")?)?,
            _ => {}
        }
    }
    let bundle = bundle.ok_or(WireError::Missing { field: "propose.bundle" })?;
    Ok(Proposal { bundle, proposer, diff })
}

fn read_activation(mut reader: MessageReader<'_>) -> Result<Activation, WireError> {
    let (mut bundle, mut before, mut rolled_back, mut signature) = (None, None, None, None);
    let (mut proposer, mut approver) = (String::new(), String::new());
    let (mut proposal, mut expires_at) = (Seq(0), EventTime::MIN);
    let mut diff = RuleDiff::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => bundle = Some(value.array("activate.bundle")?),
            2 => before = Some(value.array("activate.before")?),
            3 => value.text("activate.proposer")?.clone_into(&mut proposer),
            4 => value.text("activate.approver")?.clone_into(&mut approver),
            5 => signature = Some(value.array("activate.signature")?),
            6 => rolled_back = Some(value.text("activate.by")?.to_owned()),
            7 => diff = read_diff(value.message("activate.diff")?)?,
            8 => proposal = Seq(value.uint("activate.proposal")?),
            9 => {
                let field = "activate.expires";
                let ms = value.uint(field)?.cast_signed();
                let moment = EventTime::from_ms(ms);
                expires_at = moment.map_err(|_| WireError::OutOfRange { field })?;
            }
            _ => {}
        }
    }
    let signature = signature.map(|bytes| Box::new(Signature { bytes, proposal, expires_at }));
    Ok(Activation {
        bundle: bundle.ok_or(WireError::Missing { field: "activate.bundle" })?,
        before: before.ok_or(WireError::Missing { field: "activate.before" })?,
        ground: match rolled_back {
            Some(by) => Ground::RolledBack { by },
            None => Ground::Approved { proposer, approver, signature },
        },
        diff,
    })
}

fn read_switch(mut reader: MessageReader<'_>) -> Result<SwitchedOff, WireError> {
    let mut switch = SwitchedOff { rule: String::new(), by: String::new(), reason: String::new() };
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => value.text("switch_off.rule")?.clone_into(&mut switch.rule),
            2 => value.text("switch_off.by")?.clone_into(&mut switch.by),
            3 => value.text("switch_off.reason")?.clone_into(&mut switch.reason),
            _ => {}
        }
    }
    Ok(switch)
}

fn read_look_up(mut reader: MessageReader<'_>) -> Result<TokenLookUp, WireError> {
    const FIELD: &str = "look_up.kind";
    let (mut by, mut reason, mut kind, mut count) = (String::new(), String::new(), 0_u64, 0);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => value.text("look_up.by")?.clone_into(&mut by),
            2 => kind = value.uint(FIELD)?,
            3 => count = value.narrow("look_up.count")?,
            4 => value.text("look_up.reason")?.clone_into(&mut reason),
            _ => {}
        }
    }
    let known = usize::try_from(kind).ok().and_then(|at| EntityKind::ALL.get(at));
    let kind = *known.ok_or(WireError::UnknownWord { field: FIELD, number: kind })?;
    Ok(TokenLookUp { by, kind, count, reason })
}

fn read_guard(mut reader: MessageReader<'_>) -> Result<GuardTrip, WireError> {
    const FIELD: &str = "guard.measure";
    let (mut measure, mut about, mut rules) = (None, None, Vec::new());
    let (mut found, mut limit) = (0, 0);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => {
                let number = value.uint(FIELD)?;
                let unknown = WireError::UnknownWord { field: FIELD, number };
                measure = Some(GuardMeasure::from_number(number).ok_or(unknown)?);
            }
            2 => about = Some(value.text("guard.about")?.to_owned()),
            3 => rules.push(value.text("guard.rules")?.to_owned()),
            4 => found = value.narrow("guard.found")?,
            5 => limit = value.narrow("guard.limit")?,
            _ => {}
        }
    }
    let measure = measure.ok_or(WireError::Missing { field: FIELD })?;
    Ok(GuardTrip { about, rules, measure, found, limit })
}

fn read_upgrade(mut reader: MessageReader<'_>) -> Result<Upgrade, WireError> {
    let mut upgrade = Upgrade { from: 0, to: 0, snapshot: None };
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => upgrade.from = value.narrow("upgrade.from")?,
            2 => upgrade.to = value.narrow("upgrade.to")?,
            3 => upgrade.snapshot = Some(Seq(value.uint("upgrade.snapshot")?)),
            _ => {}
        }
    }
    Ok(upgrade)
}

fn read_diff(mut reader: MessageReader<'_>) -> Result<RuleDiff, WireError> {
    let mut diff = RuleDiff::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => diff.added.push(value.text("diff.added")?.to_owned()),
            2 => diff.removed.push(value.text("diff.removed")?.to_owned()),
            3 => diff.changed.push(value.text("diff.changed")?.to_owned()),
            _ => {}
        }
    }
    Ok(diff)
}
