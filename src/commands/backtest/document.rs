//! The report as a document for people: what it would catch, at what price, which rules earn it.

use super::figures;
use super::report::{Band, Measure, Plants, Report, RuleReport, Slice};
use crate::commands::report::{Cell, Document, Line, Table, Tone, counted, grouped, money_text};

/// Rows of the tables that would not end otherwise; JSON and CSV hold all.
const PAIRS_SHOWN: usize = 12;

/// The report in words, tables and plots.
pub(super) fn of(report: &Report) -> Document {
    let lead = format!("{}, {}", report.history, report.range);
    let mut document = Document::new("Backtest", lead);
    verdict(&mut document, report);
    if report.decisions == 0 {
        document.note(
            "What was imported was counted and not decided: --events measures rules on a file of \
             it.",
        );
        facts(&mut document, report);
        return document;
    }
    document.heading("Answers");
    let mut table = Table::new(&[
        "=answer",
        ">events",
        ">fraud",
        ">legitimate",
        ">precision",
        ">recall",
        ">false positive",
        ">caught",
    ]);
    for one in &report.answers {
        table.row(measure_row(Cell::from(&*one.name), one, report));
    }
    document.table(table);
    document.note(
        "stopped: challenged or declined; flagged: stopped, or put before a person (review, hold). \
         Caught is the amount of the frauds among them.",
    );
    if let Some(plants) = &report.plants {
        planted(&mut document, plants);
    }
    figures::scores(&mut document, report);
    transitions(&mut document, report);
    rules(&mut document, report);
    overlaps(&mut document, report);
    slices(&mut document, report);
    facts(&mut document, report);
    document
}

fn verdict(document: &mut Document, report: &Report) {
    let truth = &report.truth;
    if report.decisions == 0 {
        document.verdict("no decision lies in this stretch", Tone::Warning);
        return;
    }
    let decisions = counted(report.decisions, "decision");
    if truth.fraud == 0 {
        let text = format!(
            "{decisions}, and none of them is known to be fraud: hits are counted, \
                            precision and recall are not known"
        );
        document.verdict(text, Tone::Warning);
    } else if let Some(stopped) = report.answers.iter().find(|one| one.name == "stopped") {
        let text = format!(
            "{decisions}, {}: {} stopped (recall {} of events), {} of legitimate ones stopped",
            counted(truth.fraud, "fraud"),
            grouped(stopped.fraud),
            stopped.recall.percent(),
            stopped.false_positive_rate.percent(),
        );
        document.verdict(text, Tone::Good);
    }
    let unlabelled = grouped(truth.unlabelled);
    document.note(match truth.assumption {
        "labelled_only" => format!(
            "Truth: {}. Assumption: events without a label ({unlabelled}) are left out of every \
             share.",
            truth.source
        ),
        "complete" => format!("Truth: {}, which names every planted event.", truth.source),
        _ => format!(
            "Truth: {}. Assumption: an event is legitimate unless it is labelled ({unlabelled} are \
             not); --labelled-only leaves them out.",
            truth.source
        ),
    });
    if truth.unmatched > 0 {
        document.note(format!(
            "{} of the file speak of no decision in this stretch.",
            counted(truth.unmatched, "label")
        ));
    }
    if let Some(first) = report.begins_with {
        document.note(format!(
            "The journal begins with input {}: what came before is not kept, and windows were empty \
             there. --from leaves the first weeks to fill them.",
            grouped(first)
        ));
    }
}

fn measure_row(name: Cell, one: &Measure, report: &Report) -> [Cell; 8] {
    let with = |share: &super::share::Share| match share.value {
        None => Cell::toned("-", Tone::Quiet),
        Some(_) => Cell::from(format!("{} ({})", share.percent(), share.interval())),
    };
    [
        name,
        Cell::from(one.hits),
        Cell::from(one.fraud),
        Cell::from(one.legitimate),
        with(&one.precision),
        with(&one.recall),
        Cell::from(one.false_positive_rate.percent()),
        Cell::from(amount(one.amount_caught, report)),
    ]
}

/// Whole major units: a table of cents is not read.
fn amount(minor: i64, report: &Report) -> String {
    money_text(minor, report.decimals)
}

fn planted(document: &mut Document, plants: &Plants) {
    document.heading("Planted attacks");
    let text = format!(
        "{} of attacks at or above their threshold flagged ({} of {}); {} of clean payments \
         challenged or declined",
        plants.attacks_at_or_above.percent(),
        grouped(plants.attacks_at_or_above.part),
        grouped(plants.attacks_at_or_above.of),
        plants.clean_stopped.percent(),
    );
    document.verdict(text, Tone::Plain);
    let names = ["=typology", "=variant", ">below", ">at", ">above", ">own rule at or above"];
    let mut table = Table::new(&names);
    let band = |band: &Band, tone| match band.planted {
        0 => Cell::toned("-", Tone::Quiet),
        planted => Cell::toned(format!("{} of {planted}", band.flagged), tone),
    };
    for one in &plants.typologies {
        let tone = |band: &Band| match one.is_attack && band.flagged * 10 < band.planted * 9 {
            true => Tone::Warning,
            false => Tone::Plain,
        };
        let own = Band {
            planted: one.at.planted + one.above.planted,
            flagged: one.at.own_rule + one.above.own_rule,
            ..Band::default()
        };
        let name = if one.is_attack { one.typology.clone() } else { format!("({})", one.typology) };
        table.row([
            Cell::from(name),
            Cell::from(&*one.variant),
            band(&one.below, Tone::Quiet),
            band(&one.at, tone(&one.at)),
            band(&one.above, tone(&one.above)),
            band(&own, Tone::Plain),
        ]);
    }
    document.table(table);
    document.note(
        "Campaigns flagged of planted: below the rule's threshold, at it (up to a fifth above), and \
         above. In brackets: no attack but a fault of equipment or a circumstance. Own rule: one of \
         the typology's name held.",
    );
    document.note(format!(
        "Clean payments (nothing planted): {} of {} stopped, {} passed and put before a person.",
        grouped(plants.clean_stopped.part),
        grouped(plants.clean_stopped.of),
        plants.clean_reviewed.percent(),
    ));
}

fn transitions(document: &mut Document, report: &Report) {
    let Some(against) = &report.against else { return };
    document.heading("Answers, old and new");
    let changed: u64 = report.transitions.iter().map(|one| one.decisions).sum();
    let old =
        if against == "journal" { "what the journal says was answered" } else { short(against) };
    let verb = if changed == 1 { "changes" } else { "change" };
    let text = format!("Against {old}: {} {verb}.", counted(changed, "answer"));
    document.note(text);
    let names = ["=old", "=new", ">decisions", ">fraud", ">legitimate"];
    let mut table = Table::new(&names);
    for one in &report.transitions {
        // Stricter on fraud is good news, and on honest people bad.
        let (fraud, legitimate) = match one.is_stricter {
            true => (Tone::Good, Tone::Bad),
            false => (Tone::Bad, Tone::Good),
        };
        let tone = |count: u64, tone| if count == 0 { Tone::Quiet } else { tone };
        table.row([
            Cell::from(&*one.from),
            Cell::from(&*one.to),
            Cell::from(one.decisions),
            Cell::toned(grouped(one.fraud), tone(one.fraud, fraud)),
            Cell::toned(grouped(one.legitimate), tone(one.legitimate, legitimate)),
        ]);
    }
    document.table(table);
}

fn rules(document: &mut Document, report: &Report) {
    document.heading("Rules");
    let names = [
        "=rule",
        "=mode",
        ">hits",
        ">fraud",
        ">precision",
        ">recall",
        ">false positive",
        ">caught",
        ">unique",
    ];
    let mut table = Table::new(&names);
    let mut shown: Vec<&RuleReport> =
        report.rules.iter().filter(|rule| rule.measure.hits > 0).collect();
    shown.sort_by_key(|rule| std::cmp::Reverse((rule.acts, rule.measure.fraud, rule.measure.hits)));
    for rule in &shown {
        let one = &rule.measure;
        let precision = match one.precision.value {
            None => "-".to_owned(),
            Some(_) => format!("{} ({})", one.precision.percent(), one.precision.interval()),
        };
        table.row([
            Cell::from(&*one.name),
            Cell::toned(if rule.acts { rule.mode } else { "weight" }, Tone::Quiet),
            Cell::from(one.hits),
            Cell::from(one.fraud),
            Cell::from(precision),
            Cell::from(one.recall.percent()),
            Cell::from(one.false_positive_rate.percent()),
            Cell::from(amount(one.amount_caught, report)),
            Cell::from(rule.unique_fraud),
        ]);
    }
    document.table(table);
    document.note(
        "In brackets the 95 % interval (Wilson) in percent. Unique: frauds that no other rule with an \
         answer or a follow-up holds on. Shadow rules are measured like live ones.",
    );
    let silent: Vec<&str> = report
        .rules
        .iter()
        .filter(|rule| rule.measure.hits == 0)
        .map(|rule| &*rule.measure.name)
        .collect();
    if !silent.is_empty() {
        document.note(format!("Never held: {}.", silent.join(" ")));
    }
}

fn overlaps(document: &mut Document, report: &Report) {
    if report.overlaps.is_empty() {
        return;
    }
    document.heading("Rules that hold together");
    figures::overlap(document, report);
    let hits = |name: &str| {
        let rule = report.rules.iter().find(|rule| rule.measure.name == name);
        rule.map_or(0, |rule| rule.measure.hits).max(1)
    };
    let names = ["=one", "=other", ">both", ">of the one", ">of the other"];
    let mut table = Table::new(&names);
    for pair in report.overlaps.iter().take(PAIRS_SHOWN) {
        let share = |name: &str| format!("{:.0} %", 100.0 * pair.hits as f64 / hits(name) as f64);
        table.row([
            Cell::from(&*pair.one),
            Cell::from(&*pair.other),
            Cell::from(pair.hits),
            Cell::from(share(&pair.one)),
            Cell::from(share(&pair.other)),
        ]);
    }
    document.table(table);
}

fn slices(document: &mut Document, report: &Report) {
    document.heading("By service");
    document.table(slice_table(&report.services, report));
    document.heading("By day of arrival");
    figures::days(document, report);
    document.table(slice_table(&report.days, report));
}

fn slice_table(slices: &[Slice], report: &Report) -> Table {
    let names = [
        "=",
        ">decisions",
        ">stopped",
        ">flagged",
        ">fraud flagged",
        ">precision",
        ">recall",
        ">false positive",
        ">changed",
    ];
    let mut table = Table::new(&names);
    for slice in slices {
        let one = &slice.flagged;
        let changed =
            report.against.as_ref().map_or_else(|| "-".to_owned(), |_| grouped(slice.changed));
        table.row([
            Cell::from(&*one.name),
            Cell::from(slice.decisions),
            Cell::from(slice.stopped),
            Cell::from(one.hits),
            Cell::from(one.fraud),
            Cell::from(one.precision.percent()),
            Cell::from(one.recall.percent()),
            Cell::from(one.false_positive_rate.percent()),
            Cell::from(changed),
        ]);
    }
    table
}

fn facts(document: &mut Document, report: &Report) {
    document.heading("What was run");
    let mut lines = vec![
        Line::new("rules", short(&report.bundle)),
        Line::new("inputs", grouped(report.inputs)),
        Line::under(1, "before the stretch, to fill the windows", grouped(report.before)),
        Line::under(1, "decisions measured", grouped(report.decisions)),
    ];
    lines.extend(report.refusals.lines());
    if let Some(against) = &report.against {
        lines.push(Line::new("against", short(against)));
    }
    lines.push(Line::new("amounts in", report.currency.clone()));
    let speed = grouped((report.inputs as f64 / report.elapsed_s.max(1e-9)) as u64);
    lines.push(Line::new("time", format!("{:.1} s, {speed} inputs/s", report.elapsed_s)));
    document.lines(lines);
}

/// The first twelve digits of a bundle's hash name it among people.
fn short(name: &str) -> &str {
    name.get(..19).unwrap_or(name)
}
