//! Which rules are asked, and under which heading they are told.

use std::collections::BTreeMap;

use crate::domain::{
    Action, Currency, DecisionFlags, Effect, EventTime, FeatureVector, FieldType, Force, Kind,
    Plan, Schema, Service, Token, Zone,
};
use crate::lang::{Expected, Place, Scope, compile};

use super::*;

/// Two columns (`count` is 7, `gone` is missing) and a rule set built for one test.
struct World {
    schema: Schema,
    row: FeatureVector,
    warming: Vec<u64>,
}

impl World {
    fn new() -> Self {
        let mut schema = Schema::of_facts();
        let count = schema.add("count", FieldType::Int, "").unwrap();
        schema.add("gone", FieldType::Int, "").unwrap();
        let mut row = FeatureVector::new(schema.columns());
        row.set_int(count, 7);
        let warming = vec![0; schema.columns().div_ceil(64)];
        Self { schema, row, warming }
    }

    fn rule(&self, id: &str, when: &str) -> Rule {
        let scope = Scope {
            schema: &self.schema,
            constants: &BTreeMap::new(),
            zone: &Zone::parse("UTC").unwrap(),
            base_currency: Currency::CNY,
            base_decimals: 2,
        };
        let place = Place { file: "rules.yaml".into(), line: 1, column: 1 };
        Rule {
            id: id.into(),
            name: id.into(),
            when: compile(when, &place, &scope, Expected::Condition).unwrap(),
            place,
            effect: Effect::default(),
            reason_code: String::new(),
            reason: String::new(),
            mode: Mode::Live,
            services: ServiceSet::ALL,
            kinds: KindSet::ALL,
            warmth: Warmth::Any,
            valid_from: None,
            valid_until: None,
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            service: Service::MobilePayment,
            kind: Kind::Payment,
            occurred_at: EventTime::from_ms(1_795_445_651_000).unwrap(),
            subject: Some(Token::from_bytes([7; 16])),
            warming: &self.warming,
            plan: Plan::Full,
        }
    }
}

/// Asks the rules and tells the answer as `fired | shadow | undetermined | warming`.
fn told(world: &World, rules: Vec<Rule>, context: &Context<'_>) -> String {
    let rules = RuleSet::new(rules, [1; 32]).unwrap();
    let mut hits = Hits::default();
    rules.evaluate(&world.row, context, &mut hits);
    let names = |indexes: &[RuleIndex]| {
        indexes.iter().map(|index| rules.rule(*index).id.as_str()).collect::<Vec<_>>().join(" ")
    };
    [&hits.fired, &hits.shadow, &hits.undetermined, &hits.warming].map(|l| names(l)).join("|")
}

/// The order of rules is the order of hits, so that replays compare byte by byte; a missing value
/// is told apart from a condition that does not hold.
#[test]
fn hits_stand_in_the_order_of_rules() {
    let world = World::new();
    let rules = vec![
        world.rule("a", "count > 3"),
        world.rule("b", "count > 9"),
        world.rule("c", "gone > 3"),
        Rule { mode: Mode::Shadow, ..world.rule("d", "count > 4") },
        Rule { mode: Mode::Off, ..world.rule("e", "count > 4") },
        Rule { mode: Mode::Shadow, ..world.rule("f", "gone > 4") },
        world.rule("g", "count > 5"),
    ];
    assert_eq!(told(&world, rules, &world.context()), "a g|d|c f|");
}

/// A rule is asked only about what it looks at: service, kind, time and plan.
#[test]
fn a_rule_is_asked_only_about_what_it_looks_at() {
    let world = World::new();
    let now = world.context().occurred_at;
    let later = EventTime::from_ms(now.as_ms() + 1).unwrap();
    let rule = |id: &str| world.rule(id, "count > 3");
    let rules = vec![
        Rule { services: ServiceSet::of(&[Service::MobilePayment]), ..rule("service") },
        Rule { services: ServiceSet::of(&[Service::DigitalTv]), ..rule("other_service") },
        Rule { kinds: KindSet::of(&[Kind::Login, Kind::Payment]), ..rule("kind") },
        Rule { kinds: KindSet::of(&[Kind::Login]), ..rule("other_kind") },
        Rule { valid_from: Some(now), ..rule("from_now") },
        Rule { valid_from: Some(later), ..rule("from_later") },
        Rule { valid_until: Some(now), ..rule("until_now") },
        Rule { valid_until: Some(later), ..rule("until_later") },
        Rule { effect: Effect { force: Force::HardBlock, ..Effect::default() }, ..rule("hard") },
        Rule { effect: Effect { force: Force::Allow, ..Effect::default() }, ..rule("allow") },
        Rule {
            effect: Effect { action: Some(Action::Decline), ..Effect::default() },
            ..rule("decline")
        },
    ];
    let context = world.context();
    let expected = "service kind from_now until_later hard allow decline|||";
    assert_eq!(told(&world, rules.clone(), &context), expected);
    let hard = Context { plan: Plan::HardRules, ..context };
    assert_eq!(told(&world, rules.clone(), &hard), "hard allow decline|||");
    let login = Context { kind: Kind::Login, service: Service::DigitalTv, ..context };
    let expected = "other_service kind other_kind from_now until_later hard allow decline|||";
    assert_eq!(told(&world, rules, &login), expected);
}

/// A rule that asks for full windows waits for them, and only it; a rule that fires on a young or
/// an approximate window says so on the decision.
#[test]
fn a_warming_window_is_told() {
    let mut world = World::new();
    let count = world.schema.get("count").unwrap().id;
    world.warming[count.index() / 64] |= 1 << (count.index() % 64);
    world.row.mark_approximate(count);
    let rules = vec![
        Rule { warmth: Warmth::Required, ..world.rule("waits", "count > 3") },
        Rule { warmth: Warmth::Required, ..world.rule("other_column", "!has(gone)") },
        world.rule("takes_it", "count > 3"),
    ];
    let context = world.context();
    assert_eq!(told(&world, rules.clone(), &context), "other_column takes_it|||waits");
    let flags = |rules: &[Rule]| {
        let rules = RuleSet::new(rules.to_vec(), [1; 32]).unwrap();
        let mut hits = Hits::default();
        rules.evaluate(&world.row, &context, &mut hits);
        hits.flags
    };
    assert_eq!(flags(&rules[..2]), DecisionFlags::default());
    let both = DecisionFlags(DecisionFlags::WARMING.0 | DecisionFlags::APPROXIMATE.0);
    assert_eq!(flags(&rules), both);
    let shadow = Rule { mode: Mode::Shadow, ..world.rule("s", "gone > 1 || count > 1") };
    assert_eq!(flags(&[shadow]), DecisionFlags::default());
}

/// A canary is live for its subjects and a shadow for the others; nobody's event meets no canary.
#[test]
fn a_canary_is_live_for_its_subjects() {
    let world = World::new();
    let share = |ppm| Mode::Canary(Share::from_ppm(ppm).unwrap());
    let rules = vec![
        Rule { mode: share(Share::ALL), ..world.rule("all", "count > 3") },
        Rule { mode: share(0), ..world.rule("none", "count > 3") },
    ];
    let context = world.context();
    assert_eq!(told(&world, rules.clone(), &context), "all|none||");
    let nobody = Context { subject: None, ..context };
    assert_eq!(told(&world, rules, &nobody), "|all none||");
}

/// Rules are found by a place computed from the kind's number.
#[test]
fn kinds_are_numbered_without_a_gap() {
    for (place, kind) in Kind::ALL.iter().enumerate() {
        assert_eq!(*kind as usize, place + 1);
    }
}
