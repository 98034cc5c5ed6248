//! The short tables as files: BINs, networks, rates, hosts.

use std::net::IpAddr;

use super::fault::{FaultKind, FileFaults};
use super::punycode;
use super::sheet::{Column, rows};
use crate::domain::Currency;
use crate::stages::enrich::{
    Bin, BinTable, FxTable, HostList, NetworkFlags, NetworkList, NetworkListBuilder,
};

/// `bin,brand,card_type,issuer,country`.
pub(super) fn bins(content: &[u8]) -> Result<BinTable, FileFaults> {
    const COLUMNS: [Column; 5] = [
        Column::Needed("bin"),
        Column::Needed("brand"),
        Column::Needed("card_type"),
        Column::Needed("issuer"),
        Column::Needed("country"),
    ];
    let (mut table, mut faults) = (BinTable::new(), FileFaults::default());
    rows(content, &COLUMNS, &mut faults, |row, faults| {
        let (shortest, longest) = BinTable::DIGITS;
        let prefix = row.read(0, "4 to 10 digits", faults, |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            (digits && (shortest..=longest).contains(&text.len())).then_some(text)
        });
        let text = |text| Some(text);
        let brand = row.read_optional(1, "text", faults, text);
        let card_type = row.read_optional(2, "debit, credit or prepaid", faults, |text| {
            matches!(text, "debit" | "credit" | "prepaid").then_some(text)
        });
        let issuer = row.read_optional(3, "text", faults, text);
        let country = row.read_optional(4, "two capital letters", faults, |text| {
            (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(text)
        });
        if let Some(prefix) = prefix
            && !table.add(prefix, Bin { brand, card_type, issuer, country })
        {
            faults.add(row.line, FaultKind::Twice { column: row.name(0) });
        }
    });
    table.seal();
    faults.or(table)
}

/// `cidr,flag`: a network may stand in many rows, with a flag or several (`hosting|vpn`) in each.
pub(super) fn networks(content: &[u8]) -> Result<NetworkList, FileFaults> {
    const COLUMNS: [Column; 2] = [Column::Needed("cidr"), Column::Needed("flag")];
    let (mut list, mut faults) = (NetworkListBuilder::default(), FileFaults::default());
    rows(content, &COLUMNS, &mut faults, |row, faults| {
        let network = row.read(0, "an address with a prefix, 192.0.2.0/24", faults, cidr);
        let flags = row.read(1, "one of hosting, proxy, vpn, tor, mobile, cgnat", faults, |text| {
            text.split('|').try_fold(NetworkFlags::default(), |flags, name| {
                Some(flags.or(NetworkFlags::parse(name.trim())?))
            })
        });
        if let (Some((address, prefix)), Some(flags)) = (network, flags) {
            list.add(address, prefix, flags);
        }
    });
    faults.or(list.finish())
}

/// An address, alone or with a prefix that fits it.
pub(super) fn cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(bits), |prefix| prefix.trim().parse().ok())?;
    (prefix <= bits).then_some((address, prefix))
}

/// `currency,numerator,denominator`, between minor units. Into which currency, a column `base` says,
/// else a row with the rate 1/1; a file that says nothing is into CNY.
pub(super) fn fx(content: &[u8]) -> Result<FxTable, FileFaults> {
    const COLUMNS: [Column; 4] = [
        Column::Needed("currency"),
        Column::Needed("numerator"),
        Column::Needed("denominator"),
        Column::Optional("base"),
    ];
    let mut faults = FileFaults::default();
    let (mut rates, mut said) = (Vec::new(), None);
    rows(content, &COLUMNS, &mut faults, |row, faults| {
        let currency = row.read(0, "three capital letters", faults, Currency::parse);
        let whole = |text: &str| text.parse::<u64>().ok();
        let numerator = row.read(1, "a whole number", faults, whole);
        let denominator = row.read(2, "a whole number", faults, whole);
        let base =
            row.read_optional(3, "the same three capital letters in each row", faults, |text| {
                Currency::parse(text).filter(|base| said.is_none_or(|said| said == *base))
            });
        said = said.or(base);
        if let (Some(currency), Some(rate)) = (currency, numerator.zip(denominator)) {
            rates.push((row.line, currency, rate));
        }
    });
    let is_one = |rate: (u64, u64)| rate.0 == rate.1 && rate.0 > 0;
    let ones = || rates.iter().filter(|(.., rate)| is_one(*rate)).map(|(_, currency, _)| *currency);
    let usual = Some(Currency::CNY).filter(|usual| ones().any(|one| one == *usual));
    let base = said.or(usual).or_else(|| ones().next()).unwrap_or(Currency::CNY);
    let mut table = FxTable::new(base);
    for (line, currency, rate) in rates {
        if let Err(fault) = table.add(currency, rate) {
            faults.add(line, FaultKind::Rate(fault));
        }
    }
    faults.or(table)
}

/// `host,reason`. A host with letters beyond ASCII is listed in both of its spellings.
pub(super) fn hosts(content: &[u8]) -> Result<HostList, FileFaults> {
    const COLUMNS: [Column; 2] = [Column::Needed("host"), Column::Needed("reason")];
    let (mut list, mut faults) = (HostList::new(), FileFaults::default());
    rows(content, &COLUMNS, &mut faults, |row, faults| {
        let host = row.read(0, "a host name, without scheme, port or path", faults, host);
        let Some(host) = host else { return };
        let reason = row.cell(1);
        if !list.add(&host, reason) {
            faults.add(row.line, FaultKind::Twice { column: row.name(0) });
        }
        if !host.is_ascii()
            && let Some(ascii) = punycode::host_to_ascii(&host)
        {
            // Its other spelling may be listed by itself: the same host, no fault.
            list.add(&ascii, reason);
        }
    });
    list.seal();
    faults.or(list)
}

/// A host in lower case without a final dot. `*.bad.example` is `bad.example`: it speaks for those below.
fn host(text: &str) -> Option<String> {
    let host = text.strip_prefix("*.").unwrap_or(text).trim_end_matches('.').to_lowercase();
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/\\:@?#[]*".contains(c);
    let labels = host.split('.').all(|label| !label.is_empty());
    (labels && host.len() <= 253 && !host.contains(odd)).then_some(host)
}
