//! The devices people carry, the boxes under their televisions and the terminals of shops.

/// The families a device belongs to: they decide which identifiers can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Platform {
    /// Android 10 and later: no IMEI, no Wi-Fi MAC.
    Android,
    /// Android 9 and earlier: IMEI and MAC are readable.
    OldAndroid,
    /// HarmonyOS.
    Harmony,
    /// iOS.
    Ios,
    /// A browser.
    Web,
    /// A television box.
    Tv,
    /// A merchant's terminal.
    Terminal,
}

impl Platform {
    /// The word the event carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Android | Self::OldAndroid => "android",
            Self::Harmony => "harmony",
            Self::Ios => "ios",
            Self::Web => "web",
            Self::Tv | Self::Terminal => "other",
        }
    }
}

/// One model on the market.
#[derive(Debug)]
pub struct Model {
    /// Family.
    pub platform: Platform,
    /// Brand as the device reports it.
    pub brand: &'static str,
    /// Model as the device reports it.
    pub name: &'static str,
    /// Processor.
    pub cpu: &'static str,
    /// Processor cores.
    pub cores: u8,
    /// Memory in MB.
    pub memory_mb: u32,
    /// Pixels.
    pub screen: &'static str,
    /// System versions in the field.
    pub os_versions: &'static [&'static str],
    /// Type allocation code: the first eight digits of an IMEI (invented).
    pub tac: u32,
    /// Share of the market within its class, relative.
    pub weight: u32,
}

#[expect(clippy::too_many_arguments, reason = "one row of a table, read in columns")]
const fn row(
    platform: Platform,
    brand: &'static str,
    name: &'static str,
    cpu: &'static str,
    (cores, memory_mb): (u8, u32),
    screen: &'static str,
    os_versions: &'static [&'static str],
    (tac, weight): (u32, u32),
) -> Model {
    Model { platform, brand, name, cpu, cores, memory_mb, screen, os_versions, tac, weight }
}

/// Phones.
pub(super) const PHONES: &[Model] = &[
    row(
        Platform::Harmony,
        "HUAWEI",
        "ALN-AL00",
        "Kirin 9000S",
        (12, 12288),
        "1260x2720",
        &["4.2.0", "5.0.1"],
        (86_500_106, 90),
    ),
    row(
        Platform::Harmony,
        "HUAWEI",
        "BRA-AL00",
        "Kirin 9010",
        (12, 8192),
        "1224x2700",
        &["4.2.0"],
        (86_500_107, 50),
    ),
    row(
        Platform::Harmony,
        "HUAWEI",
        "NOH-AN00",
        "Kirin 9000",
        (8, 8192),
        "1344x2772",
        &["3.0.0", "4.0.0"],
        (86_500_108, 60),
    ),
    row(
        Platform::Android,
        "Xiaomi",
        "23127PN0CC",
        "SM8650",
        (8, 12288),
        "1200x2670",
        &["14", "15"],
        (86_700_211, 90),
    ),
    row(
        Platform::Android,
        "Redmi",
        "23117RK66C",
        "SM8550",
        (8, 12288),
        "1440x3200",
        &["13", "14"],
        (86_700_212, 100),
    ),
    row(
        Platform::Android,
        "Redmi",
        "22101316C",
        "MT6877",
        (8, 8192),
        "1080x2400",
        &["12", "13"],
        (86_700_213, 90),
    ),
    row(
        Platform::Android,
        "OPPO",
        "PHZ110",
        "MT6989",
        (8, 12288),
        "1264x2780",
        &["14", "15"],
        (86_800_311, 90),
    ),
    row(
        Platform::Android,
        "OPPO",
        "PGX110",
        "MT6895",
        (8, 8192),
        "1080x2412",
        &["13"],
        (86_800_312, 70),
    ),
    row(
        Platform::Android,
        "vivo",
        "V2309A",
        "MT6989",
        (8, 16384),
        "1260x2800",
        &["14", "15"],
        (86_900_411, 80),
    ),
    row(
        Platform::Android,
        "vivo",
        "V2244A",
        "SM8475",
        (8, 8192),
        "1080x2400",
        &["13", "14"],
        (86_900_412, 70),
    ),
    row(
        Platform::Android,
        "HONOR",
        "BVL-AN16",
        "SM8650",
        (8, 12288),
        "1280x2800",
        &["14"],
        (86_910_511, 70),
    ),
    row(
        Platform::Android,
        "HONOR",
        "ALI-AN00",
        "MT6833",
        (8, 8192),
        "1080x2388",
        &["12", "13"],
        (86_910_512, 50),
    ),
    row(
        Platform::Android,
        "samsung",
        "SM-S9280",
        "SM8650",
        (8, 12288),
        "1440x3120",
        &["14", "15"],
        (35_400_611, 15),
    ),
    row(
        Platform::OldAndroid,
        "HUAWEI",
        "LYA-AL00",
        "Kirin 980",
        (8, 6144),
        "1440x3120",
        &["9"],
        (86_500_109, 25),
    ),
    row(
        Platform::OldAndroid,
        "Xiaomi",
        "MI 8",
        "SDM845",
        (8, 6144),
        "1080x2248",
        &["8.1.0", "9"],
        (86_700_214, 20),
    ),
    row(
        Platform::OldAndroid,
        "OPPO",
        "PACM00",
        "MT6771",
        (8, 4096),
        "1080x2280",
        &["8.1.0"],
        (86_800_313, 15),
    ),
    row(
        Platform::Ios,
        "Apple",
        "iPhone16,2",
        "A17 Pro",
        (6, 8192),
        "1290x2796",
        &["17.6.1", "18.1"],
        (35_800_711, 60),
    ),
    row(
        Platform::Ios,
        "Apple",
        "iPhone15,3",
        "A16",
        (6, 6144),
        "1290x2796",
        &["16.7.2", "17.5.1"],
        (35_800_712, 70),
    ),
    row(
        Platform::Ios,
        "Apple",
        "iPhone14,5",
        "A15",
        (6, 4096),
        "1170x2532",
        &["16.6", "17.4.1"],
        (35_800_713, 70),
    ),
    row(
        Platform::Ios,
        "Apple",
        "iPhone12,1",
        "A13",
        (6, 4096),
        "828x1792",
        &["15.8.2", "16.7.2"],
        (35_800_714, 45),
    ),
];

/// Browsers on computers.
pub(super) const BROWSERS: &[Model] = &[
    row(
        Platform::Web,
        "Chrome",
        "Windows",
        "x86_64",
        (8, 8192),
        "1920x1080",
        &["126.0", "131.0"],
        (0, 60),
    ),
    row(
        Platform::Web,
        "Edge",
        "Windows",
        "x86_64",
        (12, 8192),
        "2560x1440",
        &["126.0", "130.0"],
        (0, 30),
    ),
    row(
        Platform::Web,
        "Safari",
        "Macintosh",
        "arm",
        (8, 8192),
        "1728x1117",
        &["17.5", "18.0"],
        (0, 15),
    ),
    row(Platform::Web, "QQBrowser", "Windows", "x86_64", (4, 4096), "1366x768", &["12.4"], (0, 10)),
];

/// Television boxes.
pub(super) const BOXES: &[Model] = &[
    row(
        Platform::Tv,
        "Skyworth",
        "E900V22C",
        "S905L3A",
        (4, 2048),
        "1920x1080",
        &["9"],
        (86_990_801, 40),
    ),
    row(
        Platform::Tv,
        "Hisense",
        "IP906H",
        "Hi3798MV310",
        (4, 2048),
        "3840x2160",
        &["9", "11"],
        (86_990_802, 40),
    ),
    row(
        Platform::Tv,
        "ZTE",
        "B860AV",
        "S905L2",
        (4, 1024),
        "1920x1080",
        &["7.1.2"],
        (86_990_803, 30),
    ),
];

/// Terminals of merchants.
pub(super) const TERMINALS: &[Model] = &[
    row(
        Platform::Terminal,
        "Newland",
        "N910",
        "MSM8909",
        (4, 1024),
        "720x1280",
        &["5.1", "7.1"],
        (86_110_901, 40),
    ),
    row(
        Platform::Terminal,
        "PAX",
        "A920",
        "MSM8909",
        (4, 1024),
        "720x1280",
        &["7.1", "10"],
        (86_110_902, 40),
    ),
    row(
        Platform::Terminal,
        "Centerm",
        "K9",
        "MT8735",
        (4, 1024),
        "720x1280",
        &["7.0"],
        (86_110_903, 20),
    ),
];

/// What an emulator on a farm of them reports.
pub(super) const EMULATORS: &[Model] = &[
    row(
        Platform::Android,
        "google",
        "sdk_gphone64_x86_64",
        "ranchu",
        (4, 2048),
        "1080x2340",
        &["13"],
        (35_000_000, 10),
    ),
    row(
        Platform::Android,
        "Genymotion",
        "Android SDK built for x86",
        "vbox86",
        (2, 2048),
        "1080x1920",
        &["9"],
        (35_000_001, 10),
    ),
];
