//! Common words of facts, so that a record spends a byte or two on "payment" and not eight.
//!
//! The list is part of the file format: it is only ever appended to, and never re-ordered. The
//! first 32 words take one byte, the others two.

use std::sync::LazyLock;

/// The words, by index.
#[rustfmt::skip]
pub(super) const WORDS: &[&str] = &[
    // one byte: what nearly every event says
    "payment", "mobile_payment", "internet_payment", "card_acquiring", "CNY", "CN", "debit",
    "credit", "unionpay", "contract", "android", "ios", "wifi", "cellular", "zh-CN",
    "Asia/Shanghai", "25_44", "45_64", "18_24", "qr_merchant", "stored", "online", "chip",
    "contactless", "qr_payer", "1080x2400", "China Mobile", "China Unicom", "China Telecom",
    "163.com", "qq.com", "retail",
    // two bytes: kinds, services, entry modes
    "refund", "reversal", "transfer", "withdrawal", "binding", "login", "registration",
    "verification", "account_change", "consent", "digital_tv", "prepaid_card", "magstripe",
    "manual", "qr_static",
    // the basis, the payer, the card
    "legal_obligation", "legitimate_interest", "vital_interest", "public_interest", "under_18",
    "65_plus", "HK", "MO", "TW", "US", "GB", "JP", "SG", "KR", "prepaid", "visa", "mastercard",
    "amex", "jcb", "USD", "HKD", "EUR", "JPY", "GBP", "126.com", "gmail.com", "sina.com",
    "foxmail.com", "139.com", "outlook.com", "hotmail.com", "aliyun.com", "icloud.com",
    "example.com", "example.cn",
    // merchants and terminals
    "grocery", "restaurant", "transport", "travel", "utilities", "financial", "quasi_cash",
    "gambling", "professional", "services", "contractors", "other", "unknown", "government",
    "health", "education", "entertainment", "fuel", "clothing", "electronics", "digital_goods",
    "telecom", "lodging", "airline", "5411", "5812", "5814", "5999", "5311", "5541", "5732",
    "5691", "5912", "4111", "4121", "4814", "4816", "6011", "7995", "6051", "5944", "5816", "7011",
    "4511", "8062", "8220", "01", "02", "03", "04", "05", "06", "08", "09", "10", "11", "12", "13",
    "460",
    // places
    "Beijing", "Shanghai", "Guangzhou", "Shenzhen", "Chengdu", "Hangzhou", "Wuhan", "Chongqing",
    "Nanjing", "Tianjin", "Xi'an", "Suzhou", "Changsha", "Shenyang", "Qingdao", "Zhengzhou",
    "Guangdong", "Sichuan", "Zhejiang", "Hubei", "Jiangsu", "Shaanxi", "Hunan", "Liaoning",
    "Shandong", "Henan", "Fujian", "Anhui", "北京", "上海", "广州", "深圳", "成都", "杭州", "武汉",
    "重庆", "南京", "天津", "西安", "苏州", "北京市", "上海市", "重庆市", "天津市", "广东省",
    "四川省", "浙江省", "湖北省", "江苏省", "陕西省", "湖南省", "辽宁省", "山东省", "河南省",
    "福建省", "安徽省", "广州市", "深圳市", "成都市", "杭州市", "武汉市", "南京市", "西安市",
    "苏州市",
    // devices and networks
    "harmony", "web", "wired", "satellite", "Huawei", "HUAWEI", "Xiaomi", "OPPO", "vivo", "Honor",
    "HONOR", "Apple", "Samsung", "samsung", "Redmi", "OnePlus", "realme", "Google", "google",
    "generic", "emulator", "1170x2532", "1179x2556", "1284x2778", "1290x2796", "1080x2340",
    "1080x2412", "1440x3200", "1220x2712", "1200x2640", "1260x2800", "720x1600", "1920x1080",
    "en-US", "zh-HK", "zh-TW", "en", "zh", "Asia/Hong_Kong", "Asia/Taipei", "UTC", "中国移动",
    "中国联通", "中国电信", "14", "15", "16", "17", "18",
    // credentials and hosts
    "sms", "password", "biometric", "app", "id_card", "phone", "email", "sim", "phishing",
    "malware", "address", "device",
];

/// Slots of the look-up table: a power of two, at least twice the words.
const SLOTS: usize = 1_024;
const EMPTY: u16 = u16::MAX;

// Probing ends early only while many slots are free.
const _: () = assert!(WORDS.len() * 2 < SLOTS);

static TABLE: LazyLock<[u16; SLOTS]> = LazyLock::new(|| {
    let mut table = [EMPTY; SLOTS];
    for (index, word) in WORDS.iter().enumerate() {
        let mut slot = hash(word);
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = index as u16;
    }
    table
});

/// The index of a word, if it is a common one.
#[inline]
pub(super) fn index_of(text: &str) -> Option<u64> {
    find(&TABLE, text)
}

/// The word at an index, if this version knows it.
pub(super) fn word(index: u64) -> Option<&'static str> {
    WORDS.get(usize::try_from(index).ok()?).copied()
}

fn find(table: &[u16; SLOTS], text: &str) -> Option<u64> {
    let mut slot = hash(text);
    // `hash` is below SLOTS and so is every later slot; a free slot ends the walk.
    while table[slot] != EMPTY {
        if WORDS[usize::from(table[slot])] == text {
            return Some(u64::from(table[slot]));
        }
        slot = (slot + 1) % SLOTS;
    }
    None
}

/// Spreads length, head and tail of a text over the slots.
fn hash(text: &str) -> usize {
    let bytes = text.as_bytes();
    let head = match bytes.first_chunk::<8>() {
        Some(head) => u64::from_le_bytes(*head),
        None => bytes.iter().fold(0, |head, byte| head << 8 | u64::from(*byte)),
    };
    let tail = bytes.last_chunk::<4>().map_or(0, |tail| u64::from(u32::from_le_bytes(*tail)));
    let mixed = head ^ tail << 29 ^ (bytes.len() as u64) << 59;
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word has its own index and comes back from it; what is not in the list has none.
    #[test]
    fn words_come_back() {
        for (index, text) in WORDS.iter().enumerate() {
            assert_eq!(index_of(text), Some(index as u64), "{text} stands twice");
            assert_eq!(word(index as u64), Some(*text));
        }
        for text in ["", "p", "paymen", "payments", "a text that nobody says"] {
            assert_eq!(index_of(text), None, "{text}");
        }
        assert_eq!(word(WORDS.len() as u64), None);
    }

    /// Old files hold these indexes: the list may grow at its end and nowhere else.
    #[test]
    fn the_list_only_grows() {
        assert_eq!((index_of("payment"), index_of("retail")), (Some(0), Some(31)));
        assert_eq!(index_of("device"), Some(WORDS.len() as u64 - 1), "append, then move this line");
    }
}
