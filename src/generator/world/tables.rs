//! The registers of this world as CSV: what an acquirer would hand the enrich stage.

use super::World;
use super::cities::CITIES;
use super::devices::DeviceUse;
use super::place::Place;
use crate::generator::draft::Datum;
use crate::generator::json::{push_date, push_micro_degrees, push_padded};

impl World {
    /// `terminals.csv`: id, type, serial, merchant, registered place and its datum, province, city,
    /// network code, opening date; one line per terminal.
    pub fn terminals_csv(&self) -> Vec<u8> {
        let mut csv = Vec::with_capacity(self.terminals as usize * 128);
        csv.extend_from_slice(
            b"terminal_id,type,serial,merchant_id,lat,lon,datum,province,city,network_code,\
              opened_on\n",
        );
        for index in 0..self.terminals {
            let terminal = self.terminal(index);
            let city = &CITIES[usize::from(self.merchant(terminal.merchant).city)];
            push_terminal_id(index, &mut csv);
            push_text(terminal.kind, &mut csv);
            csv.push(b',');
            self.push_serial(index, &mut csv);
            csv.push(b',');
            push_merchant_id(terminal.merchant, &mut csv);
            push_place(terminal.registered(), terminal.datum, &mut csv);
            for text in [city.province, city.name, "460"] {
                push_text(text, &mut csv);
            }
            csv.push(b',');
            push_date(&mut csv, terminal.opened_day);
            csv.push(b'\n');
        }
        csv
    }

    /// `merchants.csv`: id, category, seat, registered place, opening date and, for some small
    /// merchants, the owner's identity number (for M4) and the shop's own phone (for M5).
    pub fn merchants_csv(&self) -> Vec<u8> {
        let mut csv = Vec::with_capacity(self.districts.count as usize * 112);
        csv.extend_from_slice(
            b"merchant_id,mcc,city,province,lat,lon,datum,opened_on,owner_id_number,devices\n",
        );
        for index in 0..self.districts.count {
            let merchant = self.merchant(index);
            let city = &CITIES[usize::from(merchant.city)];
            push_merchant_id(index, &mut csv);
            for text in [merchant.category.mcc, city.name, city.province] {
                push_text(text, &mut csv);
            }
            push_place(merchant.place, Datum::Wgs84, &mut csv);
            csv.push(b',');
            push_date(&mut csv, merchant.opened_day);
            csv.push(b',');
            if let Some(owner) = merchant.owner {
                self.push_id_number(owner, &mut csv);
            }
            csv.push(b',');
            if let Some(phone) = &merchant.phone {
                self.push_identifiers(phone, &mut csv);
            }
            csv.push(b'\n');
        }
        csv
    }

    /// `android_id=...;oaid=...`: what an app can read on the device.
    fn push_identifiers(&self, device: &DeviceUse, csv: &mut Vec<u8>) {
        let (model, _) = self.model_of(device);
        let ids = self.identifiers_of(device, model);
        for (nth, (name, push)) in ids.readable().enumerate() {
            if nth > 0 {
                csv.push(b';');
            }
            csv.extend_from_slice(name.as_bytes());
            csv.push(b'=');
            push(&ids, csv);
        }
    }
}

/// Appends a merchant id as events and registers write it.
pub(in crate::generator) fn push_merchant_id(index: u32, out: &mut Vec<u8>) {
    out.push(b'M');
    push_padded(out, u64::from(index), 9);
}

/// Appends a terminal id as events and registers write it.
pub(in crate::generator) fn push_terminal_id(index: u32, out: &mut Vec<u8>) {
    out.push(b'T');
    push_padded(out, u64::from(index), 9);
}

fn push_text(text: &str, csv: &mut Vec<u8>) {
    csv.push(b',');
    csv.extend_from_slice(text.as_bytes());
}

fn push_place(place: Place, datum: Datum, csv: &mut Vec<u8>) {
    for degrees in [place.lat_e6, place.lon_e6] {
        csv.push(b',');
        push_micro_degrees(csv, degrees);
    }
    push_text(datum.name(), csv);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Settings;

    /// A loader that counts columns must find the same number on every line.
    #[test]
    fn tables_are_rectangular() {
        let world = World::new(&Settings::default());
        let tables = [
            (world.terminals_csv(), 11, world.terminals as usize),
            (world.merchants_csv(), 10, world.districts.count as usize),
            (world.networks_csv(), 2, 7),
            (world.hosts_csv(), 2, super::super::hosts::RISKY_HOSTS.len()),
        ];
        for (bytes, columns, rows) in tables {
            let text = String::from_utf8(bytes).expect("registers are UTF-8");
            assert!(text.lines().all(|line| line.split(',').count() == columns));
            assert_eq!(text.lines().count(), rows + 1);
        }
    }
}
