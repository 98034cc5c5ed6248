//! Fields whose values named nobody.

use super::DeviceIdentifier;

/// Fields of one event whose values named nobody (a mask, a word for "none"), one bit each. They are
/// treated as absent, and counted: a client that sends them has windows that do not see its payers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Placeholders(u32);

impl Placeholders {
    /// The names of the fields, which are those of messages, in the order of their bits.
    pub const FIELDS: [&'static str; 21] = [
        "payer.account_id",
        "payer.card.number",
        "payer.phone",
        "payer.id_number",
        "payer.email",
        "payee.account_id",
        "payee.card.number",
        "merchant.id",
        "terminal.id",
        "terminal.serial",
        "terminal.iccid",
        "network.ip",
        // The device's identifiers, in the order of their numbers.
        "device.media_drm_id",
        "device.android_id",
        "device.idfv",
        "device.gsf_id",
        "device.oaid",
        "device.idfa",
        "device.bluetooth_mac",
        "device.mac",
        "device.imei",
    ];

    /// Adds a field; a name that is none of [`FIELDS`](Self::FIELDS) is not counted.
    pub fn add(&mut self, field: &str) {
        if let Some(bit) = Self::FIELDS.iter().position(|name| *name == field) {
            self.0 |= 1 << bit;
        }
    }

    /// Adds an identifier of the device.
    pub const fn add_identifier(&mut self, which: DeviceIdentifier) {
        self.0 |= 1 << (Self::FIELDS.len() - DeviceIdentifier::COUNT + which as usize);
    }

    /// The names of the fields in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let has = move |bit: &usize| self.0 >> bit & 1 == 1;
        (0..Self::FIELDS.len()).filter(has).map(|bit| Self::FIELDS[bit])
    }
}

const _: () = assert!(Placeholders::FIELDS.len() <= 32, "one bit each");

#[cfg(test)]
mod tests {
    use super::*;

    /// A metric counts by these names: each is found again, and every device identifier has one.
    #[test]
    fn each_field_is_counted_under_its_name() {
        for field in Placeholders::FIELDS {
            let mut fields = Placeholders::default();
            fields.add(field);
            assert_eq!(fields.names().collect::<Vec<_>>(), [field]);
        }
        let mut others = Placeholders::default();
        others.add("payer.crad");
        assert_eq!(others, Placeholders::default());
        for which in DeviceIdentifier::ALL {
            let mut fields = Placeholders::default();
            fields.add_identifier(which);
            assert_eq!(fields.names().collect::<Vec<_>>(), [format!("device.{}", which.name())]);
        }
    }
}
