//! Hosts that send people to a payment page: honest ones, and ones on the high-risk list.

use super::World;

/// Hosts whose pages honest customers come from.
pub const HONEST_HOSTS: &[&str] = &[
    "shop.laojie.example",
    "www.mall-haitang.example",
    "m.trip-beidou.example",
    "school.sihai.example",
    "tickets.jinqiao.example",
    "hospital.chunxiao.example",
];

/// Hosts on the list, with the reason the list gives.
pub const RISKY_HOSTS: &[(&str, &str)] = &[
    ("secure-unionpay-verify.example", "phishing"),
    ("95588-icbc-update.example", "phishing"),
    ("etc-renewal-service.example", "phishing"),
    ("refund-taobao-service.example", "phishing"),
    ("medical-insurance-reactivate.example", "phishing"),
    ("tax-rebate-2026.example", "phishing"),
    ("parcel-customs-fee.example", "phishing"),
    ("points-exchange-mobile.example", "phishing"),
    ("lucky-888-casino.example", "gambling"),
    ("bet-dragon-tiger.example", "gambling"),
    ("quick-loan-no-check.example", "loan_fraud"),
    ("brush-orders-daily-pay.example", "task_scam"),
];

/// Hosts that resemble listed ones and are not listed: near misses for the plants.
pub const LOOKALIKE_HOSTS: &[&str] =
    &["unionpay-verify.example", "points-exchange.example", "customs-fee.example"];

impl World {
    /// `hosts.csv`: the high-risk referrer hosts (R8).
    pub fn hosts_csv(&self) -> Vec<u8> {
        let mut csv = String::from("host,reason\n");
        for (host, reason) in RISKY_HOSTS {
            csv.push_str(host);
            csv.push(',');
            csv.push_str(reason);
            csv.push('\n');
        }
        csv.into_bytes()
    }
}
