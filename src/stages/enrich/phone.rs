//! The country of a phone number, by its calling code (ITU-T E.164).

use super::normalise;

/// Calling codes of two digits with the country: four characters each.
const TWO: &str = "20EG27ZA30GR31NL32BE33FR34ES36HU39IT40RO41CH43AT44GB45DK46SE47NO48PL49DE\
    51PE52MX53CU54AR55BR56CL57CO58VE60MY61AU62ID63PH64NZ65SG66TH81JP82KR84VN86CN90TR91IN92PK\
    93AF94LK95MM98IR";

/// Calling codes of three digits with the country: five characters each.
const THREE: &str = "211SS212MA213DZ216TN218LY220GM221SN222MR223ML224GN225CI226BF227NE228TG229BJ\
    230MU231LR232SL233GH234NG235TD236CF237CM238CV239ST240GQ241GA242CG243CD244AO245GW246IO248SC\
    249SD250RW251ET252SO253DJ254KE255TZ256UG257BI258MZ260ZM261MG262RE263ZW264NA265MW266LS267BW\
    268SZ269KM290SH291ER297AW298FO299GL350GI351PT352LU353IE354IS355AL356MT357CY358FI359BG370LT\
    371LV372EE373MD374AM375BY376AD377MC378SM379VA380UA381RS382ME383XK385HR386SI387BA389MK420CZ\
    421SK423LI500FK501BZ502GT503SV504HN505NI506CR507PA508PM509HT590GP591BO592GY593EC594GF595PY\
    596MQ597SR598UY599CW670TL672NF673BN674NR675PG676TO677SB678VU679FJ680PW681WF682CK683NU685WS\
    686KI687NC688TV689PF690TK691FM692MH850KP852HK853MO855KH856LA880BD886TW960MV961LB962JO963SY\
    964IQ965KW966SA967YE968OM970PS971AE972IL973BH974QA975BT976MN977NP992TJ993TM994AZ995GE996KG\
    998UZ";

/// ISO 3166 code of the country of a phone number in any of its usual spellings.
pub(super) fn country(number: &str) -> Option<&'static str> {
    let mut buffer = normalise::PHONE;
    let digits = normalise::phone(number, &mut buffer)?;
    match digits.first()? {
        // The North American plan has no finer code than its area codes.
        b'1' => Some("US"),
        b'7' => Some("RU"),
        _ => find(TWO, digits.get(..2)?).or_else(|| find(THREE, digits.get(..3)?)),
    }
}

/// Digits of the calling code that a number begins with; 0 for a code that nobody has.
pub(super) fn code_length(number: &str) -> usize {
    let known = |table, length| {
        number.as_bytes().get(..length).is_some_and(|code| find(table, code).is_some())
    };
    match number.as_bytes().first() {
        Some(b'1' | b'7') => 1,
        _ if number.starts_with("86") || known(TWO, 2) => 2,
        _ if known(THREE, 3) => 3,
        _ => 0,
    }
}

/// The country behind a code in a table of entries one after the other.
fn find(table: &'static str, code: &[u8]) -> Option<&'static str> {
    let size = code.len() + 2;
    let at = table.as_bytes().chunks_exact(size).position(|entry| entry.starts_with(code))? * size;
    table.get(at + code.len()..at + size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The four regions that the masks know, some neighbours, and what is no number.
    #[test]
    fn calling_codes_name_countries() {
        for (number, expected) in [
            ("13712349050", Some("CN")),
            ("+86 13712349050", Some("CN")),
            ("+85291234585", Some("HK")),
            ("+853 6123 4585", Some("MO")),
            ("00886912345856", Some("TW")),
            ("+1 212 555 0100", Some("US")),
            ("+81312345678", Some("JP")),
            ("+998712345678", Some("UZ")),
            ("+999123", None),
            ("+8", None),
            ("", None),
        ] {
            assert_eq!(country(number), expected, "{number}");
        }
    }

    /// The tables are read by their widths: every entry is digits, then two capital letters, and
    /// no two-digit code begins a three-digit one.
    #[test]
    fn the_tables_are_well_formed() {
        for (table, width) in [(TWO, 2), (THREE, 3)] {
            assert_eq!(table.len() % (width + 2), 0);
            for entry in table.as_bytes().chunks_exact(width + 2) {
                assert!(entry[..width].iter().all(u8::is_ascii_digit));
                assert!(entry[width..].iter().all(u8::is_ascii_uppercase));
                assert!(width == 2 || find(TWO, &entry[..2]).is_none());
            }
        }
    }
}
