//! The registers as files. Raw ids and identity numbers become tokens here and are not kept.

use super::fault::{FaultKind, FileFaults};
use super::sheet::{Column, Row, rows};
use crate::domain::{Datum, DeviceIdentifier};
use crate::stages::enrich::datum::Degrees;
use crate::stages::enrich::{
    MerchantRegister, MerchantRow, RegisteredPlace, TerminalRegister, TerminalRow, TokenKeys, mcc,
};

const LATITUDE: &str = "degrees between -90 and 90";
const LONGITUDE: &str = "degrees between -180 and 180";
const A_DATE: &str = "a date, 2026-11-23";

/// `merchant_id,mcc,city,province,lat,lon,datum,opened_on,owner_id_number` and, when devices are
/// registered (M5), `devices`: `android_id=...;mac=...`.
pub(super) fn merchants(content: &[u8], keys: &TokenKeys) -> Result<MerchantRegister, FileFaults> {
    const COLUMNS: [Column; 10] = [
        Column::Needed("merchant_id"),
        Column::Needed("mcc"),
        Column::Needed("city"),
        Column::Needed("province"),
        Column::Needed("lat"),
        Column::Needed("lon"),
        Column::Needed("datum"),
        Column::Needed("opened_on"),
        Column::Needed("owner_id_number"),
        Column::Optional("devices"),
    ];
    let (mut register, mut faults) = (MerchantRegister::new(), FileFaults::default());
    let mut devices = Vec::new();
    rows(content, &COLUMNS, &mut faults, |row, faults| {
        let merchant = row.read(0, "a merchant code", faults, |id| keys.merchant(id));
        let entry = MerchantRow {
            mcc: row.read_optional(1, "four digits", faults, mcc::parse),
            city: register.intern(row.cell(2)),
            province: register.intern(row.cell(3)),
            place: place(row, 4, faults),
            opened_on: row.read_optional(7, A_DATE, faults, day),
            owner: row.read_optional(8, "an identity number", faults, |id| keys.id_document(id)),
        };
        devices.clear();
        row.read_optional(9, "identifiers, android_id=...;mac=...", faults, |text| {
            text.split(';').try_for_each(|part| {
                let (name, value) = part.split_once('=')?;
                let which = DeviceIdentifier::ALL.into_iter().find(|d| d.name() == name.trim())?;
                devices.extend(keys.device_identifier(which, value));
                Some(())
            })
        });
        if let Some(merchant) = merchant
            && !register.add(merchant, entry, &devices)
        {
            faults.add(row.line, FaultKind::Twice { column: row.name(0) });
        }
    });
    register.seal();
    faults.or(register)
}

/// `terminal_id,type,serial,merchant_id,lat,lon,datum,province,city,network_code,opened_on`.
pub(super) fn terminals(content: &[u8], keys: &TokenKeys) -> Result<TerminalRegister, FileFaults> {
    const COLUMNS: [Column; 11] = [
        Column::Needed("terminal_id"),
        Column::Needed("type"),
        Column::Needed("serial"),
        Column::Needed("merchant_id"),
        Column::Needed("lat"),
        Column::Needed("lon"),
        Column::Needed("datum"),
        Column::Needed("province"),
        Column::Needed("city"),
        Column::Needed("network_code"),
        Column::Needed("opened_on"),
    ];
    let (mut register, mut faults) = (TerminalRegister::new(), FileFaults::default());
    rows(content, &COLUMNS, &mut faults, |row, faults| {
        let id = row.read(0, "a terminal code", faults, |id| keys.terminal(id));
        let kind = row.read_optional(1, "two digits", faults, digits::<2>).unwrap_or("");
        let code = row.read_optional(9, "three digits", faults, digits::<3>).unwrap_or("");
        let entry = TerminalRow {
            kind: register.intern(kind),
            serial: keys.terminal(row.cell(2)),
            merchant: keys.merchant(row.cell(3)),
            place: place(row, 4, faults),
            province: register.intern(row.cell(7)),
            city: register.intern(row.cell(8)),
            network_code: register.intern(code),
            opened_on: row.read_optional(10, A_DATE, faults, day),
        };
        if let Some(id) = id
            && !register.add(id, entry)
        {
            faults.add(row.line, FaultKind::Twice { column: row.name(0) });
        }
    });
    register.seal();
    faults.or(register)
}

/// Latitude, longitude and datum in three cells from `column` on: all or none.
fn place(row: &Row<'_>, column: usize, faults: &mut FileFaults) -> Option<RegisteredPlace> {
    if (column..column + 3).all(|column| row.cell(column).is_empty()) {
        return None;
    }
    let degrees = |most: f64| {
        move |text: &str| text.parse::<f64>().ok().filter(|degrees| degrees.abs() <= most)
    };
    let lat = row.read(column, LATITUDE, faults, degrees(90.0));
    let lon = row.read(column + 1, LONGITUDE, faults, degrees(180.0));
    let datum = row.read(column + 2, "wgs84, gcj02 or bd09", faults, Datum::parse);
    let (lat, lon) = lat.zip(lon)?;
    Some(RegisteredPlace::new(Degrees { lat, lon }, datum?))
}

/// Days since 1970-01-01.
fn day(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let since = date.since(jiff::civil::Date::constant(1970, 1, 1)).ok()?;
    Some(since.get_days())
}

fn digits<const N: usize>(text: &str) -> Option<&str> {
    (text.len() == N && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}
