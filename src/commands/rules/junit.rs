//! The results of the cases as JUnit XML, for whatever runs the tests of a rules repository.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::bundle::{Failure, Trial, Tried};

/// One suite a file, one test a case; a rule without a firing or a silent case is a failed test.
pub(super) fn document(trial: &Trial) -> String {
    let mut suites: BTreeMap<&str, Vec<&Tried>> = BTreeMap::new();
    for tried in &trial.tried {
        suites.entry(&tried.file).or_default().push(tried);
    }
    let missing = trial.never_fires.len() + trial.never_silent.len();
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let (tests, failures) = (trial.tried.len() + missing, trial.failures.len() + missing);
    line(
        &mut xml,
        format_args!(
            "<testsuites name=\"tidegate rules\" tests=\"{tests}\" failures=\"{failures}\">"
        ),
    );
    for (file, tried) in suites {
        let failed = tried.iter().filter(|one| one.failure.is_some()).count();
        let (name, tests) = (escaped(file), tried.len());
        line(
            &mut xml,
            format_args!("  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failed}\">"),
        );
        for one in tried {
            let place = format!("{name}.{}", escaped(&one.rule));
            let failure = one.failure.and_then(|index| trial.failures.get(index));
            test(&mut xml, &place, &one.case, failure.map(said).as_deref());
        }
        line(&mut xml, format_args!("  </testsuite>"));
    }
    if missing > 0 {
        line(
            &mut xml,
            format_args!(
                "  <testsuite name=\"every rule has its cases\" tests=\"{missing}\" failures=\"{missing}\">"
            ),
        );
        for (rules, what) in [(&trial.never_fires, "fires"), (&trial.never_silent, "is silent")] {
            for rule in rules {
                let name = format!("a case in which it {what}");
                test(&mut xml, &escaped(rule), &name, Some("there is none"));
            }
        }
        line(&mut xml, format_args!("  </testsuite>"));
    }
    line(&mut xml, format_args!("</testsuites>"));
    xml
}

fn line(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(xml, "{text}");
}

fn test(xml: &mut String, class: &str, name: &str, failure: Option<&str>) {
    let name = escaped(name);
    match failure {
        None => line(xml, format_args!("    <testcase classname=\"{class}\" name=\"{name}\"/>")),
        Some(said) => {
            let first = said.lines().next().unwrap_or_default();
            line(xml, format_args!("    <testcase classname=\"{class}\" name=\"{name}\">"));
            line(
                xml,
                format_args!(
                    "      <failure message=\"{}\">{}</failure>",
                    escaped(first),
                    escaped(said)
                ),
            );
            line(xml, format_args!("    </testcase>"));
        }
    }
}

fn said(failure: &Failure) -> String {
    let mut text = format!("expected {}, got {}", failure.expected.name(), failure.got.name());
    failure.error.iter().for_each(|error| text.push_str(&format!("\n{error}")));
    for part in &failure.parts {
        text.push_str(&format!("\n{} = {}", part.text, part.value));
    }
    text
}

/// XML's own characters, and none that XML does not have.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            _ if letter.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}
