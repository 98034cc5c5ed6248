//! The cities of the world we send from: centre, district code, weight.

use super::place::Place;

/// One city. Coordinates are WGS-84 micro-degrees of its centre.
#[derive(Debug)]
pub struct City {
    /// Name as a register writes it.
    pub name: &'static str,
    /// Province, or region abroad.
    pub province: &'static str,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// A district code (GB/T 2260) for identity numbers; empty outside the mainland.
    pub district: &'static str,
    /// Centre.
    pub centre: Place,
    /// Share of customers and merchants, relative.
    pub weight: u32,
}

const fn city(
    name: &'static str,
    province: &'static str,
    district: &'static str,
    (lat_e6, lon_e6): (i32, i32),
    weight: u32,
) -> City {
    City { name, province, country: "CN", district, centre: Place { lat_e6, lon_e6 }, weight }
}

const fn abroad(name: &'static str, country: &'static str, (lat_e6, lon_e6): (i32, i32)) -> City {
    let centre = Place { lat_e6, lon_e6 };
    City { name, province: name, country, district: "", centre, weight: 0 }
}

/// How many of [`CITIES`] lie in the mainland; they come first.
pub const MAINLAND: usize = 38;

/// All cities: the mainland first, then where people travel to and attackers come from.
pub const CITIES: &[City] = &[
    city("上海市", "上海市", "310115", (31_230_400, 121_473_700), 250),
    city("北京市", "北京市", "110105", (39_904_200, 116_407_400), 220),
    city("深圳市", "广东省", "440305", (22_543_100, 114_057_900), 180),
    city("广州市", "广东省", "440106", (23_129_100, 113_264_400), 190),
    city("成都市", "四川省", "510104", (30_572_800, 104_066_800), 200),
    city("重庆市", "重庆市", "500103", (29_563_000, 106_551_600), 200),
    city("天津市", "天津市", "120101", (39_125_600, 117_190_200), 130),
    city("武汉市", "湖北省", "420106", (30_592_800, 114_305_500), 130),
    city("杭州市", "浙江省", "330106", (30_274_100, 120_155_100), 120),
    city("西安市", "陕西省", "610103", (34_341_600, 108_939_800), 125),
    city("南京市", "江苏省", "320106", (32_060_300, 118_796_900), 95),
    city("苏州市", "江苏省", "320508", (31_298_900, 120_585_300), 120),
    city("郑州市", "河南省", "410105", (34_746_600, 113_625_300), 125),
    city("长沙市", "湖南省", "430104", (28_228_200, 112_938_800), 100),
    city("沈阳市", "辽宁省", "210102", (41_805_700, 123_431_500), 90),
    city("青岛市", "山东省", "370202", (36_067_100, 120_382_600), 100),
    city("济南市", "山东省", "370102", (36_651_200, 117_120_100), 92),
    city("哈尔滨市", "黑龙江省", "230103", (45_803_800, 126_534_900), 98),
    city("长春市", "吉林省", "220102", (43_817_100, 125_323_500), 88),
    city("大连市", "辽宁省", "210202", (38_914_000, 121_614_700), 75),
    city("厦门市", "福建省", "350203", (24_479_800, 118_089_400), 52),
    city("福州市", "福建省", "350102", (26_074_500, 119_296_500), 83),
    city("合肥市", "安徽省", "340104", (31_820_600, 117_227_200), 94),
    city("南昌市", "江西省", "360102", (28_682_000, 115_857_900), 63),
    city("昆明市", "云南省", "530102", (24_880_100, 102_832_900), 85),
    city("贵阳市", "贵州省", "520102", (26_647_000, 106_630_200), 60),
    city("南宁市", "广西壮族自治区", "450103", (22_817_000, 108_366_900), 87),
    city("海口市", "海南省", "460106", (20_044_000, 110_199_500), 29),
    city("太原市", "山西省", "140105", (37_870_600, 112_548_900), 53),
    city("石家庄市", "河北省", "130102", (38_042_800, 114_514_900), 112),
    city("兰州市", "甘肃省", "620102", (36_061_100, 103_834_300), 44),
    city("西宁市", "青海省", "630103", (36_617_100, 101_778_200), 25),
    city("银川市", "宁夏回族自治区", "640104", (38_487_200, 106_230_900), 29),
    city("乌鲁木齐市", "新疆维吾尔自治区", "650102", (43_825_600, 87_616_800), 40),
    city("拉萨市", "西藏自治区", "540102", (29_650_000, 91_140_900), 9),
    city("呼和浩特市", "内蒙古自治区", "150102", (40_842_400, 111_749_000), 35),
    city("宁波市", "浙江省", "330203", (29_868_300, 121_544_000), 94),
    city("东莞市", "广东省", "441900", (23_020_800, 113_751_800), 104),
    abroad("Hong Kong", "HK", (22_319_300, 114_169_400)),
    abroad("Macao", "MO", (22_198_700, 113_543_900)),
    abroad("Taipei", "TW", (25_033_000, 121_565_400)),
    abroad("Tokyo", "JP", (35_676_200, 139_650_300)),
    abroad("Singapore", "SG", (1_352_100, 103_819_800)),
    abroad("Bangkok", "TH", (13_756_300, 100_501_800)),
    abroad("Manila", "PH", (14_599_500, 120_984_200)),
    abroad("London", "GB", (51_507_400, -127_800)),
    abroad("Frankfurt", "DE", (50_110_900, 8_682_100)),
    abroad("New York", "US", (40_712_800, -74_006_000)),
];

// The IP plan gives each city one /12 of 240.0.0.0/4 and one /21 of 198.18.0.0/15.
const _: () = assert!(CITIES.len() <= 64 && MAINLAND < CITIES.len());

/// A city's index by its weight: the mainland only.
pub(super) fn weighted_city(draw: u64) -> u16 {
    let total: u64 = CITIES.iter().map(|city| u64::from(city.weight)).sum();
    let mut left = draw % total;
    for (index, city) in CITIES.iter().enumerate() {
        if left < u64::from(city.weight) {
            return index as u16;
        }
        left -= u64::from(city.weight);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights decide who lives where: abroad nobody does, and the count of the mainland holds.
    #[test]
    fn only_the_mainland_has_weight_and_districts() {
        for (index, city) in CITIES.iter().enumerate() {
            assert_eq!(city.weight > 0, index < MAINLAND, "{}", city.name);
            assert_eq!(city.district.len(), if index < MAINLAND { 6 } else { 0 });
        }
        assert!((0..10_000).all(|draw| usize::from(weighted_city(draw * 7919)) < MAINLAND));
    }
}
