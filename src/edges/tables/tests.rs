//! Files as operators leave them: sound, broken in every way, changing while events flow.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::mmdb_write::{CityBlock, city_db};
use super::*;
use crate::domain::{Amount, Currency, EntityKind};
use crate::stages::enrich::NetworkFlags;

fn keys() -> Arc<TokenKeys> {
    Arc::new(TokenKeys::new(1, &[7; 32]))
}

/// The faults of a content as people read them; none when it is sound.
#[track_caller]
fn check(kind: TableKind, content: &str, expected: &[&str]) -> Tables {
    let mut tables = Tables::default();
    let faults = kind.put(content.as_bytes().to_vec(), &keys(), &mut tables).err();
    let faults: Vec<_> = faults.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(faults, expected);
    assert_eq!(tables.pins().iter().any(|(_, hash)| hash.is_some()), expected.is_empty());
    tables
}

const BINS: &str = "bin,brand,card_type,issuer,country\n";
const MERCHANTS: &str = "merchant_id,mcc,city,province,lat,lon,datum,opened_on,owner_id_number\n";
const TERMINALS: &str = "terminal_id,type,serial,merchant_id,lat,lon,datum,province,city,\
    network_code,opened_on\n";

/// A byte order mark, quotes, comments, other line ends, other column orders and spare blanks are
/// how real files look.
#[test]
fn sound_files_are_read_as_they_come() {
    let content = "\u{feff}country, issuer ,bin,brand,card_type\r\n\
        # a comment\r\nCN,\"Bank, of Tides\",622588, unionpay,debit\r\n";
    let tables = check(TableKind::Bins, content, &[]);
    let bin = tables.bins.as_ref().unwrap().table.look_up(b"6225881234").unwrap();
    assert_eq!((bin.issuer, bin.brand), (Some("Bank, of Tides"), Some("unionpay")));

    let tables = check(TableKind::Networks, "cidr,flag\n10.0.0.0/8,vpn|tor\n::/0,proxy\n", &[]);
    let networks = &tables.networks.as_ref().unwrap().table;
    let flags = networks.look_up("10.1.1.1".parse().unwrap());
    assert_eq!(flags, NetworkFlags::VPN.or(NetworkFlags::TOR));

    let tables = check(TableKind::Fx, "currency,numerator,denominator\nUSD,7,1\n", &[]);
    let dollar = Amount::from_minor(100, Currency::parse("USD").unwrap()).unwrap();
    assert_eq!(tables.fx.as_ref().unwrap().table.to_base(dollar), Some(700));

    let hosts =
        "host,reason\nBad.Example.,phishing\n中国.example,fake bank\n*.shop.example,fakes\n";
    let tables = check(TableKind::Hosts, hosts, &[]);
    let hosts = &tables.hosts.as_ref().unwrap().table;
    assert_eq!(hosts.look_up("x.bad.example"), Some("phishing"));
    assert_eq!(hosts.look_up("a.b.shop.example"), Some("fakes"));
    assert_eq!(hosts.look_up("workshop.example"), None);
    assert_eq!(hosts.look_up("xn--fiqs8s.example"), Some("fake bank"));
}

/// Each kind of fault is named with its line, all of a file at once, and no cell is repeated.
#[test]
fn every_fault_of_a_file_is_named_with_its_line() {
    check(
        TableKind::Bins,
        &format!("{BINS}62,x,debit,B,CN\n622588,x,gold,B,cn\n622588,x,,B\n622588,,,,\n622588,,,,"),
        &[
            "bins:2: `bin` is not 4 to 10 digits",
            "bins:3: `card_type` is not debit, credit or prepaid",
            "bins:3: `country` is not two capital letters",
            "bins:4: has 4 cells where the header has 5",
            "bins:5: `bin` is in the table already",
            "bins:6: `bin` is in the table already",
        ],
    );
    check(
        TableKind::Bins,
        "bin,brand,brand,colour\n",
        &[
            "bins:1: the header has column `brand` twice",
            "bins:1: column 4 of the header is not one of: bin, brand, card_type, issuer, country",
            "bins:1: the header has no column `card_type`",
            "bins:1: the header has no column `issuer`",
            "bins:1: the header has no column `country`",
        ],
    );
    check(
        TableKind::Networks,
        "cidr,flag\n10.0.0.0/33,vpn\n10.0.0.0/8,bad\n10.0.0/8,tor\n",
        &[
            "networks:2: `cidr` is not an address with a prefix, 192.0.2.0/24",
            "networks:3: `flag` is not one of hosting, proxy, vpn, tor, mobile, cgnat",
            "networks:4: `cidr` is not an address with a prefix, 192.0.2.0/24",
        ],
    );
    check(
        TableKind::Fx,
        "currency,numerator,denominator\nusd,7,1\nUSD,7.1,1\nEUR,7,0\nJPY,1,2\nJPY,1,2\n",
        &[
            "fx:2: `currency` is not three capital letters",
            "fx:3: `numerator` is not a whole number",
            "fx:4: numerator and denominator must both be above zero",
            "fx:6: the currency has a rate already",
        ],
    );
    check(
        TableKind::Hosts,
        "host,reason\nhttps://a.example,x\n,y\nb.example,z\nB.example.,z\n",
        &[
            "hosts:2: `host` is not a host name, without scheme, port or path",
            "hosts:3: `host` is not a host name, without scheme, port or path",
            "hosts:5: `host` is in the table already",
        ],
    );
}

/// Registers: a place is whole or absent, a date is one, an entry stands once.
#[test]
fn registers_are_checked_cell_by_cell() {
    check(
        TableKind::Merchants,
        &format!(
            "{MERCHANTS}M1,54,,,,,,,\nM2,5411,X,Y,39.9,,wgs84,2026-02-30,\n\
             M3,,,,91,0,mars,,\nM3,,,,1,2,gcj02,2020-01-01,11010519491231002X\n,,,,,,,,\n"
        ),
        &[
            "merchants:2: `mcc` is not four digits",
            "merchants:3: `lon` is not degrees between -180 and 180",
            "merchants:3: `opened_on` is not a date, 2026-11-23",
            "merchants:4: `lat` is not degrees between -90 and 90",
            "merchants:4: `datum` is not wgs84, gcj02 or bd09",
            "merchants:5: `merchant_id` is in the table already",
            "merchants:6: `merchant_id` is not a merchant code",
        ],
    );
    check(
        TableKind::Terminals,
        &format!("{TERMINALS}T1,2,,,,,,,,46,\nT1,02,S,M,NaN,0,wgs84,,,460,2020-13-01\n"),
        &[
            "terminals:2: `type` is not two digits",
            "terminals:2: `network_code` is not three digits",
            "terminals:3: `lat` is not degrees between -90 and 90",
            "terminals:3: `opened_on` is not a date, 2026-11-23",
            "terminals:3: `terminal_id` is in the table already",
        ],
    );
}

/// A quote that is never closed, bytes that are no text, an empty file, no database.
#[test]
fn what_is_no_table_is_refused() {
    check(
        TableKind::Hosts,
        "host,reason\na.example,\"x\nb.example,y\n",
        &["hosts:2: is not CSV: a quoted cell goes on past its line"],
    );
    check(
        TableKind::Hosts,
        "",
        &["hosts:1: the header has no column `host`", "hosts:1: the header has no column `reason`"],
    );
    let mut tables = Tables::default();
    let faults = TableKind::Hosts
        .put(b"host,reason\na.example,\xff\xfe\nb.example,y\n".to_vec(), &keys(), &mut tables)
        .unwrap_err();
    assert_eq!(faults[0].to_string(), "hosts:2: is not CSV: a cell is not UTF-8");
    let faults = TableKind::Geo.put(b"nothing".to_vec(), &keys(), &mut tables).unwrap_err();
    assert!(faults[0].to_string().starts_with("geo: not a readable MaxMind database"));
}

/// A file of nothing but faults is cut short, and says so.
#[test]
fn very_many_faults_are_cut_short() {
    let content = format!("{BINS}{}", "x,,,,\n".repeat(500));
    let faults =
        TableKind::Bins.put(content.into_bytes(), &keys(), &mut Tables::default()).unwrap_err();
    assert_eq!(faults.len(), 101);
    assert_eq!(faults[100].to_string(), "bins: has more faults; these are the first 100");
}

/// A register's fault names the place, never what stands there: an identity number is personal.
#[test]
fn faults_show_no_cell() {
    let secret = "1101051949123100";
    let content =
        format!("{MERCHANTS}{secret},{secret},a,b,{secret},{secret},{secret},{secret},x\n");
    let faults = TableKind::Merchants
        .put(content.into_bytes(), &keys(), &mut Tables::default())
        .unwrap_err();
    assert!(faults.len() >= 4);
    assert!(faults.iter().all(|fault| !format!("{fault} {fault:?}").contains(secret)));
}

fn london() -> Vec<u8> {
    let (country, city, lat, lon) = ("GB", "London", 51.5142, -0.0931);
    let block = CityBlock { cidr: "81.2.69.0/24", country, city, lat, lon, radius_km: 100 };
    city_db([block]).unwrap()
}

fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> Option<std::path::PathBuf> {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    Some(path)
}

/// An operator fixes a configuration once, not once for each file.
#[test]
fn a_start_reports_all_faults_of_all_files() {
    let dir = tempfile::tempdir().unwrap();
    let paths = TablePaths {
        geo: write(dir.path(), "geo.mmdb", "x"),
        hosts: write(dir.path(), "hosts.csv", "host\na\n"),
        fx: Some(dir.path().join("absent.csv")),
        bins: write(dir.path(), "bins.csv", BINS),
        ..TablePaths::default()
    };
    let Err(faults) = TableStore::load(&paths, keys()) else { panic!("must be refused") };
    let tables: Vec<_> = faults.iter().map(|fault| (fault.table, fault.line)).collect();
    assert_eq!(tables, [("geo", None), ("fx", None), ("hosts", Some(1))]);
}

/// A file that replaces another with the same size and time, as a copy that keeps times or a build
/// that sets them does, is another file.
#[test]
fn a_file_of_the_same_size_and_time_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let put = |name: &str, content: &str| {
        let path = write(dir.path(), name, content).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        path
    };
    let path = put("hosts.csv", "host,reason\na.example,1\n");
    let paths = TablePaths { hosts: Some(path.clone()), ..TablePaths::default() };
    let store = TableStore::load(&paths, keys()).ok().unwrap();
    for (content, is_renamed) in
        [("host,reason\na.example,2\n", true), ("host,reason\na.example,3\n", false)]
    {
        // The clock of a file system may stand still for some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(30));
        match is_renamed {
            true => fs::rename(put("new.csv", content), &path).unwrap(),
            false => drop(put("hosts.csv", content)),
        }
        assert!(store.refresh().replaced.is_empty(), "it may still be written");
        assert_eq!(store.refresh().replaced, [TableKind::Hosts]);
        let tables = store.current();
        let reason = tables.hosts.as_ref().unwrap().table.look_up("a.example");
        assert_eq!(reason, content.trim_end().rsplit(',').next());
    }
}

/// A changed file is taken when it has come to rest; a broken one keeps the table before and is
/// reported once; the other tables are not touched.
#[test]
fn a_changed_file_replaces_its_table_and_a_broken_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let hosts = |content: &str| write(dir.path(), "hosts.csv", content);
    let paths = TablePaths {
        geo: write(dir.path(), "geo.mmdb", london()),
        hosts: hosts("host,reason\na.example,1\n"),
        ..TablePaths::default()
    };
    let store = TableStore::load(&paths, keys()).ok().unwrap();
    let reason = || {
        let tables = store.current();
        let hosts = &tables.hosts.as_ref().unwrap().table;
        hosts.look_up("a.example").map(str::to_owned)
    };
    let geo = Arc::clone(store.current().geo.as_ref().unwrap());
    let look = |replaced: &[TableKind], faults: usize| {
        let refreshed = store.refresh();
        assert_eq!((&*refreshed.replaced, refreshed.faults.len()), (replaced, faults));
    };
    look(&[], 0);

    hosts("host,reason\na.example,second\n");
    look(&[], 0); // it may still be written
    look(&[TableKind::Hosts], 0);
    look(&[], 0);
    assert_eq!(reason().as_deref(), Some("second"));
    assert!(Arc::ptr_eq(&geo, store.current().geo.as_ref().unwrap()));

    hosts("host,reason\na.example,third\nb.exa");
    look(&[], 0);
    look(&[], 1);
    look(&[], 0); // said once
    assert_eq!(reason().as_deref(), Some("second"));

    fs::remove_file(paths.hosts.as_ref().unwrap()).unwrap();
    look(&[], 0);
    look(&[], 1);
    assert_eq!(reason().as_deref(), Some("second"));

    hosts("host,reason\na.example,the fourth\n");
    look(&[], 0);
    look(&[TableKind::Hosts], 0);
    assert_eq!(reason().as_deref(), Some("the fourth"));
}

/// The keys of registers are those that events get, so that they meet.
#[test]
fn registers_are_keyed_as_events_are() {
    let merchants = format!(
        "{}M1,5411,Beijing,Beijing,39.9,116.4,gcj02,2026-01-01,11010519491231002x,\
         android_id=aabbccdd00112233;mac=a4:5e:60:c1:02:9f\n",
        MERCHANTS.replace('\n', ",devices\n")
    );
    let tables = check(TableKind::Merchants, &merchants, &[]);
    let register = &tables.merchants.as_ref().unwrap().table;
    let token = keys().entity(EntityKind::Merchant, "M1").unwrap();
    let merchant = register.look_up(token).unwrap();
    assert_eq!(merchant.row.mcc, Some(5411));
    assert_eq!(merchant.row.opened_on, Some(20_454));
    assert_eq!(merchant.row.owner, keys().entity(EntityKind::IdDocument, "11010519491231002X"));
    assert_eq!(register.devices(token).len(), 2);
    assert!(!format!("{tables:?}").contains("11010519491231002"));
}

/// Rates are into one currency: a table says which, and is taken only where a bundle counts in it,
/// at the start and when its file changes. Else 1000.00 of one would become 1000.00 of another.
#[test]
fn rates_are_into_the_currency_that_the_bundle_counts_in() {
    #[track_caller]
    fn check(lines: &str, base: &str, expected: Result<u64, &str>) {
        let content = format!("currency,numerator,denominator{lines}");
        let mut tables = Tables::default();
        let read = TableKind::Fx.put(content.into_bytes(), &keys(), &mut tables);
        let read = read.map_err(|faults| faults[0].to_string());
        let store = TableStore::fixed(tables.clone(), keys());
        let settled = read.and_then(|()| {
            let base = Currency::parse(base).unwrap();
            store.settle(base).map_err(|fault| fault.to_string())
        });
        match (settled, expected) {
            (Ok(()), Ok(worth)) => {
                let hundred = Amount::from_minor(100, Currency::parse("USD").unwrap()).unwrap();
                assert_eq!(tables.fx.unwrap().table.to_base(hundred), Some(worth));
            }
            (Err(told), Err(named)) => assert!(told.contains(named), "{told}"),
            (got, _) => panic!("{lines}, {base}: {got:?}"),
        }
    }
    let into_eur = "its rates are into EUR, the bundle counts in CNY";
    let into_cny = "its rates are into CNY, the bundle counts in EUR";
    // A file that says nothing is into CNY, as ever.
    check("\nUSD,7,1\n", "CNY", Ok(700));
    check("\nUSD,7,1\n", "EUR", Err(into_cny));
    check("\nUSD,7,1\nCNY,1,1\n", "EUR", Err(into_cny));
    check("\nUSD,7,8\nEUR,5,5\n", "EUR", Ok(88));
    check("\nUSD,7,8\nEUR,1,1\n", "CNY", Err(into_eur));
    check("\nUSD,7,8\nCNY,1,8\n", "EUR", Err("a column `base`"));
    check("\nUSD,7,8\nEUR,1,1\nCNY,1,8\n", "EUR", Ok(88));
    check(",base\nUSD,7,8,EUR\nCNY,1,8,EUR\n", "EUR", Ok(88));
    check(",base\nUSD,7,8,EUR\n", "CNY", Err(into_eur));
    check(",base\nUSD,7,8,EUR\nJPY,1,2,USD\n", "EUR", Err("same three capital letters"));

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("fx.csv");
    fs::write(&file, "currency,numerator,denominator\nUSD,7,1\n").unwrap();
    let paths = TablePaths { fx: Some(file.clone()), ..TablePaths::default() };
    let store = TableStore::load(&paths, keys()).ok().unwrap();
    store.settle(Currency::CNY).unwrap();
    fs::write(&file, "currency,numerator,denominator\nUSD,7,8\nEUR,1,1\n").unwrap();
    let told: Vec<String> =
        (0..3).flat_map(|_| store.refresh().faults).map(|fault| fault.to_string()).collect();
    assert!(told.len() == 1 && told[0].contains(into_eur), "{told:?}");
    assert_eq!(store.current().fx.as_ref().unwrap().table.base(), Currency::CNY);
}
