//! `tidegate rules eval`: one expression to its value and type, or to its error.
//!
//! With an event it means exactly what it would mean in a rule: the typed language over the row that
//! the event makes. Without one it is CEL over literals; what only rules know (`money`, constants)
//! is taken from the typed language where that reads no column.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::eval_value::{Json, cel_type_name, number, type_name};
use super::player::{Played, Player};
use super::source::{self, NoBundle, answer, print};
use super::{CLEAN, FINDINGS, WRONG};
use crate::bundle::{Bundle, Part};
use crate::commands::lines::Text;
use crate::commands::prepare::{Finding, Means};
use crate::commands::report::file_code;
use crate::domain::{FeatureVector, Value};
use crate::edges::keys::Keys;
use crate::edges::tables::TablePaths;
use crate::lang::{self, CelValue, Expected, Fault, NoValue, Place, Program, Type};
use crate::wire::json_depth;

/// Deeper than any event that the decoder takes.
const DEPTH_MAX: usize = 64;

/// Compute one expression: a pocket calculator that speaks the rules' language
///
/// Without --event any CEL expression over literals; with it, what a rule would read: facts,
/// features and constants of the bundle. A file of several lines is a history: the last event is
/// the one that is asked about.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:\n  tidegate rules eval '[1, 2, 3].exists(x, x * x > 8)'\n  \
                        tidegate rules eval 'money(\"12.50 CNY\") * 3'\n  \
                        tidegate rules eval 'card_payments_10m > 5 && is_night' --event event.json\n\n\
                        With --json one object comes out, whatever happens: {ok, value, type, text, error}.\n  \
                        value  in JSON; bytes in base64, timestamps and durations as texts, a type by\n         \
                        its name, a double that is not finite as \"NaN\", \"Infinity\", \"-Infinity\"\n  \
                        text   the value as CEL writes it, e.g. [1u, 2.0, b\"\\xff\"]\n  \
                        error  a sentence, else null; with it `place` {line, column, message, suggestion}\n         \
                        where computing failed, or `faults`, a list of such, where it means nothing\n  \
                        parts  with --event: {text, value} of every part\n\
                        A bundle with faults: {ok, error, faults}, each fault with its file.\n\
                        Exit codes: 0 a value, 1 an error while computing, 2 no meaning, 3 no access.")]
pub(super) struct Args {
    /// The expression
    #[arg(allow_hyphen_values = true)]
    expression: String,
    /// An event in JSON, or a history of one a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// A rules directory instead of the shipped one
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// A directory with reference tables, as `score` takes it
    #[arg(long, value_name = "DIR", requires = "event")]
    tables: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> u8 {
    let outcome = match &args.event {
        None => without_event(args),
        Some(event) => with_event(args, event),
    };
    let (report, code) = match outcome {
        Ok(report) if report.error.is_some() => (report, FINDINGS),
        Ok(report) => (report, CLEAN),
        Err(Stop::Bundle(error)) => return error.tell(args.json),
        Err(Stop::Said(error, code)) => (Report { error: Some(error), ..Report::default() }, code),
        Err(Stop::Meaning(faults)) => {
            let error = faults.first().map(|fault| fault.message.clone());
            (Report { error, faults, ..Report::default() }, WRONG)
        }
    };
    if args.json {
        return code.max(answer(true, &report, ""));
    }
    let printed = match (&report.text, &report.value_type) {
        (Some(text), Some(value_type)) => print(&format!("{text} : {value_type}")),
        _ => 0,
    };
    code.max(printed).max(answer(false, &report, &report.explanation()))
}

/// Why nothing was computed.
enum Stop {
    Bundle(NoBundle),
    /// A sentence and its exit code.
    Said(String, u8),
    /// The expression means nothing.
    Meaning(Vec<FaultReport>),
}

impl From<Vec<Fault>> for Stop {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Meaning(faults.into_iter().map(FaultReport::of).collect())
    }
}

fn place() -> Place {
    Place { file: "expression".into(), line: 1, column: 1 }
}

fn without_event(args: &Args) -> Result<Report, Stop> {
    let text = args.expression.as_str();
    let named = args.bundle.as_deref();
    let given = named.map(|named| source::bundle(Some(named)).map_err(Stop::Bundle)).transpose()?;
    let zone = given.as_ref().map(|(bundle, _)| &bundle.zone);
    let (computed, faults) = match lang::reckon(text, &place(), zone) {
        Ok(value) => return Ok(Report::of_literal(&value)),
        Err(NoValue::Error(fault)) => (Some(Report::of_error(&fault)), Vec::new()),
        Err(NoValue::Meaning(faults)) => (None, faults),
    };
    // What only rules know, where it speaks of no event.
    let bundle = given.map_or_else(Bundle::shipped, |(bundle, _)| bundle);
    match (typed(&bundle, text), computed) {
        (Ok(program), computed) if program.fields().is_empty() => {
            let row = FeatureVector::new(bundle.schema.columns());
            Ok(computed.unwrap_or_else(|| Report::of_rule(&bundle, &program, &row)))
        }
        (_, Some(computed)) => Ok(computed),
        (Ok(program), None) => {
            let name = |id| bundle.schema.field(id).map_or("", |field| field.name.as_str());
            let names: Vec<_> =
                program.fields().iter().map(|id| format!("`{}`", name(*id))).collect();
            let message = format!(
                "{} {} known of an event: give one with --event FILE",
                names.join(", "),
                if names.len() == 1 { "is" } else { "are" },
            );
            Err(Stop::Said(message, WRONG))
        }
        // An expression that speaks of columns or money was meant for rules: so are its faults.
        (Err(typed), None) => {
            let knows = typed.iter().any(|fault| fault.suggestion.is_some());
            Err(if knows || speaks_of_rules(&bundle, text) { typed } else { faults }.into())
        }
    }
}

/// Functions that CEL does not have.
const RULES_ONLY: [&str; 6] = ["money", "in_list", "distance_km", "min", "max", "abs"];

/// Whether a text names what only rules know.
fn speaks_of_rules(bundle: &Bundle, text: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let mut words = words.filter(|word| !word.is_empty());
    words.any(|word| RULES_ONLY.contains(&word) || bundle.schema.get(word).is_some())
}

fn typed(bundle: &Bundle, text: &str) -> Result<Program, Vec<Fault>> {
    bundle.compile_expression(text, &place(), Expected::Anything)
}

fn with_event(args: &Args, event: &Path) -> Result<Report, Stop> {
    let text = args.expression.as_str();
    let (bundle, files) = source::bundle(args.bundle.as_deref()).map_err(Stop::Bundle)?;
    let program = match typed(&bundle, text) {
        Ok(program) => program,
        // Lists, bytes and macros are not for rules, but can be computed where no column is read.
        Err(faults) => match lang::reckon(text, &place(), Some(&bundle.zone)) {
            Ok(value) => return Ok(Report::of_literal(&value)),
            Err(_) => return Err(faults.into()),
        },
    };
    let paths = args.tables.as_deref().map(TablePaths::in_dir).unwrap_or_default();
    let means = Means::of(Keys::demo(), (bundle, files), &paths).map_err(|findings| {
        let texts: Vec<_> = findings.iter().map(Finding::to_string).collect();
        Stop::Said(texts.join("\n"), WRONG)
    })?;
    let bytes = read(event)?;
    let mut player = Player::new(&means).map_err(|error| Stop::Said(error, WRONG))?;
    play(&mut player, &bytes, event)?;
    Ok(Report::of_rule(&means.bundle, &program, player.row()))
}

fn read(event: &Path) -> Result<Vec<u8>, Stop> {
    let read = Text::open(event).and_then(|mut text| {
        let mut bytes = Vec::new();
        text.reader.read_to_end(&mut bytes).map(|_| bytes)
    });
    read.map_err(|error| Stop::Said(format!("{}: {error}", event.display()), file_code(&error)))
}

/// Whether no line is nested so deeply that it would lead a parser down that recurses.
fn flat(lines: &[&[u8]], event: &Path) -> Result<(), String> {
    let Some(at) = lines.iter().position(|line| json_depth(line) > DEPTH_MAX) else {
        return Ok(());
    };
    Err(format!("{}:{}: nested more than {DEPTH_MAX} deep", event.display(), at + 1))
}

/// Plays the file: one event over several lines, or one a line.
fn play(player: &mut Player<'_>, bytes: &[u8], event: &Path) -> Result<(), Stop> {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    flat(&lines, event).map_err(|error| Stop::Said(error, WRONG))?;
    let first = lines.iter().find(|line| !line.is_empty()).copied().unwrap_or_default();
    let is_one_a_line = sonic_rs::from_slice::<sonic_rs::Value>(first).is_ok();
    let events: Vec<(usize, &[u8])> = match is_one_a_line {
        true => lines.into_iter().enumerate().filter(|(_, line)| !line.is_empty()).collect(),
        false => vec![(0, bytes.trim_ascii())],
    };
    let mut last = None;
    for (line, json) in events {
        let said =
            |error: String| Stop::Said(format!("{}:{}: {error}", event.display(), line + 1), WRONG);
        last = Some(player.play(json).map_err(said)?);
    }
    match last {
        Some(Played::Decided) => Ok(()),
        _ => {
            let message = "the last line is no event that is decided, so rules are not asked";
            Err(Stop::Said(format!("{}: {message}", event.display()), WRONG))
        }
    }
}

/// The document of `--json`: field names are stable.
#[derive(Default, Serialize)]
struct Report {
    ok: bool,
    value: Option<Out>,
    #[serde(rename = "type")]
    value_type: Option<&'static str>,
    text: Option<String>,
    error: Option<String>,
    /// Where the error arises.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<FaultReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultReport>,
    /// With an event: what each part of the expression is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartReport>,
}

#[derive(Serialize)]
struct PartReport {
    text: String,
    value: String,
}

#[derive(Serialize)]
struct FaultReport {
    line: u32,
    column: u32,
    message: String,
    suggestion: Option<String>,
    #[serde(skip)]
    shown: String,
}

impl FaultReport {
    fn of(fault: Fault) -> Self {
        let shown = fault.to_string();
        let Fault { line, column, message, suggestion, .. } = fault;
        Self { line, column, message, suggestion, shown }
    }
}

/// A value that can be written as JSON.
enum Out {
    Cel(CelValue),
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Serialize for Out {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cel(value) => Json(value).serialize(serializer),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => number(*value, serializer),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl Report {
    fn of_literal(value: &CelValue) -> Self {
        Self {
            ok: true,
            text: Some(value.to_string()),
            value_type: Some(cel_type_name(value)),
            value: Some(Out::Cel(value.clone())),
            ..Self::default()
        }
    }

    fn of_error(fault: &Fault) -> Self {
        let (error, place) = (fault.message.clone(), FaultReport::of(fault.clone()));
        Self { error: Some(error), place: Some(place), ..Self::default() }
    }

    fn of_rule(bundle: &Bundle, program: &Program, row: &FeatureVector) -> Self {
        let node_type = program.node().node_type;
        let reads = !program.fields().is_empty();
        let mut report = Self { value_type: Some(type_name(node_type)), ..Self::default() };
        if reads {
            let parts = bundle.parts(program, row).into_iter();
            report.parts = parts.map(|Part { text, value }| PartReport { text, value }).collect();
        }
        match program.value(row) {
            Ok(value) => {
                let text = match (node_type, value) {
                    (Type::Duration, Value::Int(ms)) => lang::duration_text(ms),
                    (_, value) => bundle.shown(value),
                };
                report.value = Some(match value {
                    Value::Bool(value) => Out::Bool(value),
                    Value::Int(value) if node_type == Type::Int => Out::Int(value),
                    Value::Float(value) => Out::Float(value),
                    Value::Text(value) => Out::Text(value.to_owned()),
                    _ => Out::Text(text.clone()),
                });
                (report.ok, report.text) = (true, Some(text));
            }
            Err(lang::EvalError::Missing(field)) => {
                let name = bundle.schema.field(field).map_or("?", |field| field.name.as_str());
                report.error = Some(format!("`{name}` has no value in this event"));
            }
            Err(error) => report.error = Some(error.to_string()),
        }
        report
    }

    /// What stands beside the value, for people.
    fn explanation(&self) -> String {
        let mut text = String::new();
        match (&self.place, &self.error) {
            (Some(place), _) => text.push_str(&format!("{}\n", place.shown)),
            (None, Some(error)) if self.faults.is_empty() => text.push_str(&format!("{error}\n")),
            _ => {}
        }
        self.faults.iter().for_each(|fault| text.push_str(&format!("{}\n", fault.shown)));
        // One part is the expression itself.
        if self.parts.len() > 1 {
            let width = self.parts.iter().map(|part| part.text.chars().count()).max().unwrap_or(0);
            for part in &self.parts {
                text.push_str(&format!("    {:<width$}  {}\n", part.text, part.value));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out of an expression over literals: the text and the type, else the message.
    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let (event, bundle, tables) = (None, None, None);
        let args = Args { expression: expression.into(), event, bundle, tables, json: true };
        let found = match without_event(&args) {
            Ok(Report { text: Some(text), value_type: Some(of), .. }) => format!("{text} : {of}"),
            Ok(report) => report.error.unwrap_or_default(),
            Err(Stop::Said(message, _)) => message,
            Err(Stop::Meaning(faults)) => faults[0].shown.replace("\n", " | "),
            Err(Stop::Bundle(error)) => error.text(),
        };
        assert_eq!(found, expected, "{expression}");
    }

    /// An event file that is brackets all the way down is refused, and overflows no stack.
    #[test]
    fn a_deep_event_is_refused() {
        for text in
            ["[".repeat(100_000), "{\"a\":".repeat(100_000), "\n\n".to_owned() + &"[".repeat(65)]
        {
            let lines = text.matches('\n').count() + 1;
            let split: Vec<&[u8]> = text.as_bytes().split(|byte| *byte == b'\n').collect();
            let fault = flat(&split, Path::new("e")).unwrap_err();
            assert_eq!(fault, format!("e:{lines}: nested more than 64 deep"));
        }
        assert_eq!(flat(&["[".repeat(64).as_bytes()], Path::new("e")), Ok(()));
    }

    /// The calculator takes CEL over literals, and of the rules' own language what needs no event.
    #[test]
    fn literals_and_what_only_rules_know_are_computed() {
        check("[1, 2].map(x, x + 1)", "[2, 3] : list");
        check("1 / 0", "division by zero");
        check("{'a-b': [1u]}.`a-b`.transformMap(i, x, x)", "{0: 1u} : map");
        check(
            "[1, 2].all(x)",
            "expression:1:8: `all` is as in `[1, 2].all(x, x > 0)` |   [1, 2].all(x) |          ^",
        );
        check(
            "timestamp('2026-11-23T00:00:00Z')",
            "timestamp(\"2026-11-23T00:00:00Z\") : timestamp",
        );
        check("money('12.50 CNY') * 2", "25.00 CNY : money");
        check("max(k2_challenge_above, 3)", "5 : int");
        check(
            "amount_base > k7_large",
            "`amount_base` is known of an event: give one with --event FILE",
        );
        check(
            "amount_bsae > k7_large",
            "expression:1:1: there is no column or constant `amount_bsae` |   \
             amount_bsae > k7_large |   ^ did you mean `amount_base`?",
        );
    }

    /// With an event an expression reads what a rule would read, the history before it included.
    #[test]
    fn an_event_makes_the_row_of_a_rule() {
        let bundle = (Bundle::shipped(), crate::bundle::shipped_files());
        let means = Means::of(Keys::demo(), bundle, &TablePaths::default());
        let means = means.unwrap_or_else(|findings| panic!("{findings:?}"));
        let mut player = Player::new(&means).unwrap();
        let event = |id: u32| {
            format!(
                r#"{{"event_id":"e{id}","kind":"payment","service":"mobile_payment",
                "occurred_at":"2026-11-23T10:00:0{id}+08:00","amount":{{"minor":100,"currency":"CNY"}},
                "payer":{{"card":{{"number":"6225881234567890"}}}}}}"#
            )
            .replace('\n', " ")
        };
        let history = format!("{}\n\n{}\n", event(1), event(2));
        assert!(play(&mut player, history.as_bytes(), Path::new("f")).is_ok());
        let program = typed(&means.bundle, "card_payments_10m * 10 + 1").unwrap();
        let report = Report::of_rule(&means.bundle, &program, player.row());
        assert_eq!(report.text.as_deref(), Some("21"));
        assert_eq!(report.parts[1].value, "20");
        let again = play(&mut player, event(2).as_bytes(), Path::new("f"));
        assert!(matches!(again, Err(Stop::Said(message, WRONG)) if message.contains("event_id")));
    }
}
