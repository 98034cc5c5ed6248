//! `tidegate generate`: seeded events into a file or a pipe, their truth into another.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{StyledStr, TypedValueParser as _};

use crate::edges::tables::mmdb_write;
use crate::generator::world::cards::BIN_TABLE_CSV;
use crate::generator::{Generator, Settings, World};

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// Write a seeded stream of payments, honest and otherwise, one JSON object a line.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = example())]
pub struct Args {
    /// Messages to write in all: events, outcomes, labels, copies and malformed lines
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// The same seed and settings give the same bytes on every machine
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Where the lines go; `-` is standard output
    #[arg(long, default_value = "-")]
    out: PathBuf,
    /// Where the truth goes: one JSON object for every line that is planted or faulty
    #[arg(long)]
    truth: Option<PathBuf>,
    /// A directory for the registers that match the stream: terminals.csv, merchants.csv,
    /// networks.csv, hosts.csv
    #[arg(long)]
    tables: Option<PathBuf>,
    /// Ordinary customers
    #[arg(long, default_value_t = Settings::default().customers)]
    #[arg(value_parser = clap::value_parser!(u32).range(100..))]
    customers: u32,
    /// Merchants
    #[arg(long, default_value_t = Settings::default().merchants)]
    #[arg(value_parser = clap::value_parser!(u32).range(500..))]
    merchants: u32,
    /// Terminals
    #[arg(long, default_value_t = Settings::default().terminals)]
    #[arg(value_parser = clap::value_parser!(u32).range(500..))]
    terminals: u32,
    /// First moment of the stream (RFC 3339)
    #[arg(long, default_value = "2026-03-02T06:00:00+08:00", value_parser = moment())]
    start: i64,
    /// Messages per second of event time: how long a history the stream spans
    #[arg(long, default_value_t = Settings::default().rate_per_s, value_parser = rate)]
    rate: f64,
    /// Share of planted events
    #[arg(long, default_value_t = Settings::default().fraud_share, value_parser = share)]
    fraud: f64,
    /// Share of events that arrive late
    #[arg(long, default_value_t = Settings::default().late_share, value_parser = share)]
    late: f64,
    /// Share of lines that come twice
    #[arg(long, default_value_t = Settings::default().duplicate_share, value_parser = share)]
    duplicates: f64,
    /// Share of lines whose id comes again with another amount
    #[arg(long, default_value_t = Settings::default().conflict_share, value_parser = share)]
    conflicts: f64,
    /// Share of lines that no decoder may accept
    #[arg(long, default_value_t = Settings::default().malformed_share, value_parser = share)]
    malformed: f64,
    /// Share of money events whose outcome is told
    #[arg(long, default_value_t = Settings::default().outcome_share, value_parser = share)]
    outcomes: f64,
    /// Share of ordinary money events that are labelled legitimate later
    #[arg(long, default_value_t = Settings::default().label_share, value_parser = share)]
    labels: f64,
    /// Share of planted frauds that are labelled fraud later
    #[arg(long, default_value_t = Settings::default().fraud_label_share, value_parser = share)]
    fraud_labels: f64,
}

fn example() -> StyledStr {
    StyledStr::from(
        "Example:\n  tidegate generate --events 1000000 --seed 7 --out events.jsonl \\\n    \
         --truth truth.jsonl --tables tables/",
    )
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number between 0 and 1".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (1e-6..=1e6).contains(&rate) => Ok(rate),
        _ => {
            Err("a rate is a number of messages per second between 0.000001 and 1000000".to_owned())
        }
    }
}

fn moment() -> impl clap::builder::TypedValueParser<Value = i64> {
    clap::builder::NonEmptyStringValueParser::new().try_map(|text| {
        let wrong = || "a moment is written like 2026-03-02T06:00:00+08:00".to_owned();
        text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).map_err(|_| wrong())
    })
}

impl Args {
    fn settings(&self) -> Settings {
        Settings {
            seed: self.seed,
            events: self.events,
            customers: self.customers,
            merchants: self.merchants,
            terminals: self.terminals,
            start_ms: self.start,
            rate_per_s: self.rate,
            fraud_share: self.fraud,
            late_share: self.late,
            duplicate_share: self.duplicates,
            conflict_share: self.conflicts,
            malformed_share: self.malformed,
            outcome_share: self.outcomes,
            label_share: self.labels,
            fraud_label_share: self.fraud_labels,
        }
    }
}

/// A file or directory that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {place}: {source}")]
pub struct WriteError {
    place: String,
    source: io::Error,
}

/// Generates as asked: 0 when every line is written, 3 when a disk fails. A reader that closes the
/// pipe early has seen enough: that is no failure.
pub fn run(args: Args) -> ExitCode {
    match generate(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(WriteError { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tidegate generate: {error}");
            ExitCode::from(3)
        }
    }
}

fn generate(args: &Args) -> Result<(), WriteError> {
    let mut generator = Generator::new(args.settings());
    if let Some(directory) = &args.tables {
        write_tables(generator.world(), directory)?;
    }
    let to_stdout = args.out.as_os_str() == "-";
    let mut out: BufWriter<Box<dyn Write>> = if to_stdout {
        BufWriter::with_capacity(BUFFER_BYTES, Box::new(io::stdout().lock()))
    } else {
        BufWriter::with_capacity(BUFFER_BYTES, Box::new(create(&args.out)?))
    };
    let mut truths = match &args.truth {
        Some(path) => Some((path, BufWriter::with_capacity(BUFFER_BYTES, create(path)?))),
        None => None,
    };
    let (mut line, mut truth_line, mut number) = (Vec::new(), Vec::new(), 0_u64);
    while let Some(truth) = generator.next_into(&mut line) {
        number += 1;
        line.push(b'\n');
        out.write_all(&line).map_err(at(&args.out))?;
        if let Some((path, truths)) = &mut truths
            && !truth.is_ordinary()
        {
            truth_line.clear();
            truth.push_json(number, &mut truth_line);
            truth_line.push(b'\n');
            truths.write_all(&truth_line).map_err(at(path))?;
        }
    }
    out.flush().map_err(at(&args.out))?;
    match &mut truths {
        Some((path, truths)) => truths.flush().map_err(at(path)),
        None => Ok(()),
    }
}

/// Writes the registers of a world into a directory, which is created when it is absent.
pub fn write_tables(world: &World, directory: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(directory).map_err(at(directory))?;
    for (name, bytes) in [
        ("terminals.csv", world.terminals_csv()),
        ("merchants.csv", world.merchants_csv()),
        ("networks.csv", world.networks_csv()),
        ("hosts.csv", world.hosts_csv()),
        ("bin.csv", BIN_TABLE_CSV.as_bytes().to_vec()),
        ("city.mmdb", city_db(world)),
        ("asn.mmdb", asn_db(world)),
    ] {
        let path = directory.join(name);
        fs::write(&path, bytes).map_err(at(&path))?;
    }
    Ok(())
}

/// Where the world's addresses are, in MaxMind's format.
fn city_db(world: &World) -> Vec<u8> {
    let plan = world.ip_plan();
    let blocks = plan.iter().map(|block| mmdb_write::CityBlock {
        cidr: &block.cidr,
        country: block.country,
        city: block.city,
        lat: block.lat,
        lon: block.lon,
        radius_km: block.radius_km,
    });
    // A test writes it for a world: its plan is not the user's input.
    mmdb_write::city_db(blocks).expect("the world's own plan has no broken block")
}

/// Whose they are.
fn asn_db(world: &World) -> Vec<u8> {
    let plan = world.ip_plan();
    let blocks = plan.iter().map(|block| mmdb_write::AsnBlock {
        cidr: &block.cidr,
        asn: block.asn,
        organization: block.as_org,
    });
    mmdb_write::asn_db(blocks).expect("the world's own plan has no broken block")
}

fn create(path: &Path) -> Result<File, WriteError> {
    File::create(path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError + '_ {
    |source| WriteError { place: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(clap::Parser)]
    struct Whole {
        #[command(flatten)]
        args: Args,
    }

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Whole::try_parse_from([&["generate"], arguments].concat()).map(|whole| whole.args)
    }

    /// Without options the command and the library mean the same stream.
    #[test]
    fn the_defaults_are_the_library_s() {
        let settings = parse(&[]).expect("all options have defaults").settings();
        assert_eq!(settings, Settings { events: 100_000, ..Settings::default() });
    }

    /// A share of 5 or a date without a zone is refused with a sentence, not clamped in silence.
    #[test]
    fn wrong_usage_is_refused() {
        for arguments in
            [["--fraud", "5"], ["--start", "2026-03-02"], ["--rate", "-1"], ["--customers", "0"]]
        {
            assert!(parse(&arguments).is_err(), "{arguments:?}");
        }
    }

    /// The files that the command writes are the stream's lines, its truths and its registers.
    #[test]
    fn it_writes_lines_truth_and_tables() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name);
        let (out, truth, tables) = (path("out"), path("truth"), path("tables"));
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let arguments = [
            "--events",
            "2000",
            "--malformed",
            "0.05",
            "--out",
            &text(&out),
            "--truth",
            &text(&truth),
            "--tables",
            &text(&tables),
        ];
        let args = parse(&arguments).expect("valid options");
        generate(&args).expect("a temporary directory can be written");
        let lines = fs::read(&out).expect("written above");
        assert_eq!(lines.iter().filter(|&&byte| byte == b'\n').count(), 2_000);
        let truths = fs::read_to_string(&truth).expect("written above");
        assert!(truths.lines().count() > 60);
        for name in ["terminals.csv", "merchants.csv", "networks.csv", "hosts.csv"] {
            assert!(tables.join(name).exists(), "{name}");
        }
        let blocked = Args { out: out.join("below_a_file"), ..args };
        assert!(generate(&blocked).is_err());
    }
}
