//! What is sold: merchant category codes with their usual amounts.

/// One category of merchants.
#[derive(Debug)]
pub struct Category {
    /// ISO 18245 code.
    pub mcc: &'static str,
    /// What a shop of this kind ends its name with.
    pub suffix: &'static str,
    /// Median ticket in fen.
    pub median_minor: f64,
    /// Spread of tickets, in natural logarithms.
    pub sigma: f64,
    /// A coarse group, as K10 counts them: grocery, restaurants, transport and so on.
    pub group: u8,
    /// How many merchants have it, relative.
    pub weight: u32,
    /// Where it sells.
    pub reach: Reach,
}

/// Where a category sells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Over a counter.
    Shop,
    /// Over the network.
    Online,
    /// Both.
    Both,
}

const fn row(
    mcc: &'static str,
    suffix: &'static str,
    median_yuan: u32,
    sigma: f64,
    group: u8,
    weight: u32,
    reach: Reach,
) -> Category {
    Category { mcc, suffix, median_minor: median_yuan as f64 * 100.0, sigma, group, weight, reach }
}

/// The categories. Medians are our own, near what people in a city spend.
pub const CATEGORIES: &[Category] = &[
    row("5411", "超市", 58, 0.8, 1, 120, Reach::Both),
    row("5499", "便利店", 18, 0.6, 1, 160, Reach::Shop),
    row("5462", "面包房", 24, 0.5, 1, 40, Reach::Shop),
    row("5812", "餐饮店", 66, 0.7, 2, 170, Reach::Both),
    row("5814", "快餐店", 26, 0.5, 2, 130, Reach::Both),
    row("5813", "酒吧", 220, 0.7, 2, 15, Reach::Shop),
    row("4111", "轨道交通", 4, 0.4, 3, 25, Reach::Shop),
    row("4121", "出行服务", 22, 0.6, 3, 20, Reach::Online),
    row("4112", "铁路客运", 160, 0.8, 3, 6, Reach::Both),
    row("4511", "航空公司", 980, 0.6, 5, 5, Reach::Online),
    row("5541", "加油站", 260, 0.4, 4, 40, Reach::Shop),
    row("7011", "酒店", 380, 0.6, 5, 40, Reach::Both),
    row("4722", "旅行社", 860, 0.9, 5, 12, Reach::Online),
    row("5311", "百货商场", 240, 0.9, 6, 40, Reach::Both),
    row("5651", "服装店", 190, 0.7, 6, 80, Reach::Both),
    row("5661", "鞋店", 260, 0.5, 6, 30, Reach::Both),
    row("5977", "化妆品店", 180, 0.8, 9, 30, Reach::Both),
    row("5944", "珠宝店", 2_600, 0.9, 7, 14, Reach::Shop),
    row("5732", "电子产品店", 900, 1.1, 8, 40, Reach::Both),
    row("5722", "家电店", 1_500, 0.8, 6, 20, Reach::Both),
    row("5712", "家具店", 1_800, 0.9, 6, 20, Reach::Both),
    row("5912", "药店", 46, 0.7, 9, 60, Reach::Both),
    row("8062", "医院", 240, 1.1, 9, 18, Reach::Shop),
    row("8011", "诊所", 120, 0.8, 9, 20, Reach::Shop),
    row("8299", "培训学校", 1_200, 1.0, 10, 20, Reach::Both),
    row("5942", "书店", 62, 0.6, 6, 16, Reach::Both),
    row("7832", "电影院", 80, 0.4, 11, 14, Reach::Both),
    row("7994", "游戏厅", 60, 0.9, 12, 10, Reach::Both),
    row("5816", "数字商品", 30, 1.0, 12, 30, Reach::Online),
    row("5815", "数字媒体", 20, 0.5, 12, 14, Reach::Online),
    row("4899", "数字电视", 35, 0.5, 13, 6, Reach::Online),
    row("4814", "通信服务", 50, 0.5, 13, 10, Reach::Online),
    row("4900", "公用事业", 130, 0.6, 13, 10, Reach::Online),
    row("7230", "美发店", 68, 0.7, 11, 60, Reach::Shop),
    row("7298", "养生馆", 198, 0.6, 11, 30, Reach::Shop),
    row("5533", "汽车配件", 420, 1.0, 6, 24, Reach::Shop),
    row("7538", "汽车维修", 520, 0.9, 11, 26, Reach::Shop),
    row("5993", "烟酒店", 150, 1.0, 6, 50, Reach::Shop),
    row("6012", "理财服务", 3_000, 1.2, 14, 6, Reach::Online),
    row("5999", "专营店", 96, 1.0, 6, 70, Reach::Both),
];

/// The index of a category by a random draw over the weights of those that `reach` allows.
pub(super) fn weighted_category(draw: u64, reach: Reach) -> u16 {
    let allowed = |category: &Category| category.reach == reach || category.reach == Reach::Both;
    let weight = |c: &Category| if allowed(c) { u64::from(c.weight) } else { 0 };
    let total: u64 = CATEGORIES.iter().map(weight).sum();
    let mut left = draw % total.max(1);
    for (index, category) in CATEGORIES.iter().enumerate() {
        if left < weight(category) {
            return index as u16;
        }
        left -= weight(category);
    }
    0
}
