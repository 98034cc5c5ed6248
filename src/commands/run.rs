//! `tidegate run`: the service, from configuration to a polite stop.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::domain::Source;
use crate::edges::admin::{self, Office, Orders};
use crate::edges::kafka::{Decider, EDGE_REASONS, IN_FLIGHT_MAX};
use crate::edges::machine::Machine;
use crate::edges::memory;
use crate::edges::tables::TableKind;
use crate::engine::{Pace, PassedOver, Pipeline, Recovered};
use crate::journal::JournalId;
use crate::stages::decode::{Field, RejectReason};
use crate::stages::enrich::TokenKeys;
use crate::telemetry::{self, LogEvent, Telemetry, Unready, emit};

use super::assemble::{Assembled, Assembly, assemble_all, keep_snapshots, settle_rates};
use super::check;
use super::prepare::{Means, Prepared, prepare};
use super::probe::probe;
use super::rules::try_cases;
use super::serve::{ServeError, Surroundings, report_failure};

/// Run the service: payments from Kafka, decisions and audit records to Kafka
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Example:\n  tidegate run --config tidegate.toml\n\nStops on SIGTERM and \
                        SIGINT: 0 when all is acknowledged and committed, 2 when the \
                        configuration is refused, 3 when something outside failed.")]
pub struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Go on with this journal though the group's positions belong to another one, or to one that was
    /// longer: events that it does not have may be answered once more, and not as before
    #[arg(long)]
    adopt: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> ExitCode {
    let mut prepared = match prepare(&args.config) {
        Ok(prepared) => prepared,
        Err(faults) => {
            check::report(&args.config, &faults);
            return ExitCode::from(2);
        }
    };
    prepared.config.kafka.adopt = args.adopt;
    // What lies outside may be otherwise when it is needed, and says so itself if it is not.
    let faults = probe(&args.config, &prepared).faults;
    if !faults.is_empty() {
        check::report(&args.config, &faults);
        return ExitCode::from(2);
    }
    telemetry::init(prepared.config.log.level, prepared.config.log.format);
    telemetry::hide_panic_payloads();
    let telemetry = telemetry_of_the_service();
    match serve(prepared, telemetry.clone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report_failure(&telemetry, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Telemetry with the closed vocabularies of the door, of the edge and of the tables: every series
/// whose labels are known is there from the start.
pub(super) fn telemetry_of_the_service() -> Telemetry {
    let mut reasons: Vec<&'static str> =
        RejectReason::ALL.iter().map(|reason| reason.name()).collect();
    reasons.extend(EDGE_REASONS);
    let fields: Vec<&'static str> = Field::ALL.iter().map(|field| field.name()).collect();
    let tables = TableKind::ALL.map(TableKind::name);
    let telemetry = Telemetry::new(&reasons, &fields).with_tables(&tables);
    telemetry.started(env!("CARGO_PKG_VERSION"), SystemTime::now())
}

fn serve(prepared: Prepared, telemetry: Telemetry) -> Result<(), ServeError> {
    let Prepared { config, means, profile } = prepared;
    let Means { keys, bundle, bundle_files, tables } = means;
    let surroundings = Surroundings::begin(config.http, telemetry.clone())?;
    telemetry.readiness.set(Unready::Recovering);
    let dir = config.journal.dir.clone();
    let began = Instant::now();
    let Assembled { mut pipeline, recovered, files } = assemble_all(Assembly {
        bundle: Arc::clone(&bundle),
        bundle_files: &bundle_files,
        keys: &keys,
        journal: Some((dir.clone(), config.journal.segment_bytes, config.journal.durability)),
        door: config.limits.door,
        times: config.limits.time,
        limits: config.limits.engine,
        profile,
        pace: Pace::Live,
    })?;
    settle_rates(&tables, &pipeline)?;
    let _memory = memory::keep_ready(pipeline.engine_mut().demands())
        .map_err(|source| ServeError::System { what: "a thread", source })?;
    report_recovery(&recovered, began.elapsed());
    if let Some(keeper) = pipeline.keeper() {
        surroundings.keep(keeper)?;
    }
    surroundings.tend(dir.clone(), config.journal.closed, pipeline.surroundings())?;
    telemetry.readiness.clear(Unready::Recovering);
    let keeper = keep_snapshots(&dir, config.snapshots, &pipeline, &recovered)
        .map_err(|source| ServeError::System { what: "a thread", source })?;
    emit(&LogEvent::Started {
        version: env!("CARGO_PKG_VERSION"),
        bundle: &pipeline.engine().bundle().name(),
        next_seq: pipeline.engine().next_seq().0,
    });
    surroundings.watch(Arc::clone(&tables), config.tables.reload)?;
    let positions: Vec<Source> = recovered.next_offsets().collect();
    // What a crash may leave unsent: what reading is held up for, a batch more, and a commit's interval
    // at a rate that one thread does not reach.
    let in_flight_max = IN_FLIGHT_MAX + config.kafka.unacknowledged_max as u64 + 1_000_000;
    let named = (dir.as_path(), recovered.journal);
    let orders = admin_socket(config.admin, named, (&pipeline, &files, keys.token_keys()))?;
    let mut decider =
        Decider::new(pipeline, tables, keys.token_keys(), (dir, positions), in_flight_max);
    if let Some(keeper) = keeper {
        decider = decider.with_snapshots(keeper);
    }
    decider = decider.with_telemetry(telemetry.clone());
    if let Some(orders) = orders {
        decider = decider.with_orders(orders);
    }
    surroundings.run(config.kafka, decider)
}

/// Opens the socket for changes by people, where one is configured.
fn admin_socket(
    settings: admin::Settings,
    (journal, id): (&Path, Option<JournalId>),
    (pipeline, files, keys): (&Pipeline<Machine>, &BTreeMap<String, Vec<u8>>, TokenKeys),
) -> Result<Option<Orders>, ServeError> {
    let Some(socket) = settings.socket else { return Ok(None) };
    let engine = pipeline.engine();
    let bundle = Arc::clone(engine.bundle());
    let office = Office::new(settings.people, journal, engine.standing(), bundle);
    let office = office.with_keys(keys).with_tries(try_cases).of_journal(id);
    let office = office.with_lists(engine.lists());
    // The bundle that is in force now can be gone back to.
    office.store().put_in_force(&engine.bundle().hash, files)?;
    let (sender, orders) = admin::orders();
    admin::serve(socket, office, sender)?;
    Ok(Some(orders))
}

/// Says from where the state came back, and which snapshots could not be used.
fn report_recovery(recovered: &Recovered, took: Duration) {
    if let Some(cut) = &recovered.cut {
        emit(&LogEvent::JournalCut { cut });
    }
    for PassedOver { path, fault } in &recovered.passed_over {
        emit(&LogEvent::SnapshotPassedOver { file: &path.display(), fault });
    }
    emit(&LogEvent::Recovered {
        restored: recovered.restored.map_or(0, |next| next.0 - 1),
        inputs: recovered.inputs,
        ms: took.as_millis() as u64,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{CounterName, GaugeName};

    /// A counter that is born with its first event has no increase that an alert could see: every
    /// metric is there from the start. A lag belongs to a partition, and none is read yet.
    #[test]
    fn every_metric_is_there_from_the_start() {
        let text = telemetry_of_the_service().render();
        let counters = CounterName::ALL.iter().map(|name| name.name());
        let gauges = GaugeName::ALL.iter().filter(|name| **name != GaugeName::ConsumerLag);
        for name in counters.chain(gauges.map(|name| name.name())) {
            assert!(text.contains(&format!("\n# TYPE {name} ")), "{name}");
        }
        for series in [
            "tidegate_reloads_total{table=\"fx\",result=\"kept\"} 0\n",
            "tidegate_guard_trips_total{measure=\"fall_back\"} 0\n",
            concat!("tidegate_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n"),
        ] {
            assert!(text.contains(series), "{series}");
        }
        let start = text.lines().find_map(|line| line.strip_prefix("tidegate_start_time_seconds "));
        // Of this century.
        assert!(start.and_then(|at| at.parse::<f64>().ok()).is_some_and(|at| at > 946_684_800.0));
    }
}
