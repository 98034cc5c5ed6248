//! Functions and methods: names, arguments, literals written as calls.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};

use crate::domain::Zone;
use crate::lang::literal::{parse_duration, parse_money, parse_timestamp};
use crate::lang::suggest::nearest;
use crate::lang::{Constant, Node, NodeKind, Pattern, TextTest, TimePart, Type};

use super::{Checker, clipped, dotted};

/// Functions, in the order of suggestions.
const FUNCTIONS: [&str; 12] = [
    "has",
    "in_list",
    "size",
    "int",
    "double",
    "money",
    "duration",
    "timestamp",
    "min",
    "max",
    "abs",
    "distance_km",
];

/// Methods of texts, moments and durations.
pub(in crate::lang) const METHODS: [&str; 15] = [
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "size",
    "getHours",
    "getDayOfWeek",
    "getDayOfMonth",
    "getDate",
    "getMonth",
    "getFullYear",
    "getDayOfYear",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
];

/// Most patterns of one expression: each is compiled when the bundle loads.
const PATTERNS_MAX: usize = 16;

/// Whether a function or a method has this name.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name) || METHODS.contains(&name)
}

impl Checker<'_> {
    /// `name(..)`.
    pub(super) fn function(&mut self, expr: &IdedExpr, arguments: &[IdedExpr]) -> Option<Node> {
        match (self.written(expr), arguments) {
            ("has", [one]) => self.has(expr, one),
            ("size", [one]) => self.size(expr, one),
            ("int", [one]) => self.convert(expr, one, Type::Int),
            ("double", [one]) => self.convert(expr, one, Type::Float),
            ("money", [one]) => {
                let scope = self.scope;
                self.text_literal(expr, one, |text| {
                    let minor = parse_money(text, scope.base_currency, scope.base_decimals)?;
                    Ok(Constant::Money(minor))
                })
            }
            ("duration", [one]) => {
                self.text_literal(expr, one, |text| match parse_duration(text) {
                    Some(ms) => Ok(Constant::Duration(ms)),
                    None => {
                        Err("a duration is as in `1h30m` or `500ms`, whole milliseconds".into())
                    }
                })
            }
            ("timestamp", [one]) => {
                self.text_literal(expr, one, |text| Ok(Constant::Timestamp(parse_timestamp(text)?)))
            }
            ("in_list", [list, kind]) => self.in_list(expr, list, kind),
            ("min" | "max", [left, right]) => self.extreme(expr, left, right),
            ("abs", [one]) => self.absolute(expr, one),
            ("distance_km", [lat, lon, other_lat, other_lon]) => {
                self.distance(expr, [lat, lon, other_lat, other_lon])
            }
            (name, _) => {
                let message = if FUNCTIONS.contains(&name) {
                    let wanted = match name {
                        "min" | "max" | "in_list" => 2,
                        "distance_km" => 4,
                        _ => 1,
                    };
                    format!("`{name}` takes {wanted} argument(s), here are {}", arguments.len())
                } else if METHODS.contains(&name) {
                    format!("`{name}` is called on a value: `x.{name}(..)`")
                } else {
                    format!("there is no function `{}`", clipped(name))
                };
                let known = FUNCTIONS.contains(&name) || METHODS.contains(&name);
                let suggestion = if known { None } else { nearest(name, FUNCTIONS) };
                self.fault_suggesting(expr, message, suggestion)
            }
        }
    }

    /// `x.name(..)`.
    pub(super) fn method(&mut self, expr: &IdedExpr, call: &CallExpr) -> Option<Node> {
        let Some(target) = &call.target else {
            return None;
        };
        let name = self.written(expr);
        let arguments = call.args.as_slice();
        if let ("exists" | "all", [variable, body]) = (name, arguments) {
            return self.over_list(expr, target, variable, body);
        }
        if let "exists" | "all" = name {
            let message = format!("`{name}` is as in `list.{name}(x, x > 0)`");
            return self.fault(expr, message);
        }
        if !METHODS.contains(&name) {
            let message = format!("there is no method `{}`", clipped(name));
            return self.fault_suggesting(
                expr,
                message,
                nearest(name, METHODS.into_iter().chain(["exists", "all"])),
            );
        }
        match (name, arguments) {
            ("startsWith", [one]) => self.text_test(expr, TextTest::StartsWith, target, one),
            ("endsWith", [one]) => self.text_test(expr, TextTest::EndsWith, target, one),
            ("contains", [one]) => self.text_test(expr, TextTest::Contains, target, one),
            ("matches", [one]) => self.matches(expr, target, one),
            ("size", []) => self.size(expr, target),
            (_, [] | [_]) if let Some(part) = TimePart::named(name) => {
                self.time_part(expr, part, target, arguments.first())
            }
            _ => {
                let message = format!("`{name}` does not take {} argument(s)", arguments.len());
                self.fault(expr, message)
            }
        }
    }

    fn has(&mut self, expr: &IdedExpr, one: &IdedExpr) -> Option<Node> {
        let Some(name) = dotted(one) else {
            return self.fault(one, "`has` asks for a column by its name".into());
        };
        match self.scope.schema.get(&name) {
            Some(field) => Some(self.make(expr, Type::Bool, NodeKind::Has(field.id))),
            None => {
                let columns = self.scope.schema.fields().map(|field| field.name.as_str());
                let suggestion = nearest(&name, columns);
                let message = format!("there is no column `{}`", clipped(&name));
                self.fault_suggesting(one, message, suggestion)
            }
        }
    }

    /// `in_list("name", kind)`: a column that the engine fills before it asks the rules.
    fn in_list(&mut self, expr: &IdedExpr, list: &IdedExpr, kind: &IdedExpr) -> Option<Node> {
        const PREFIX: &str = "in_list.";
        let Expr::Literal(LiteralValue::String(name)) = &list.expr else {
            return self.fault(list, "`in_list` takes the list's name in quotes".into());
        };
        let Some(kind_name) = dotted(kind) else {
            return self.fault(kind, "`in_list` asks for a kind of entity: card, account".into());
        };
        let name = name.inner();
        let column = format!("{PREFIX}{name}.{kind_name}");
        if let Some(field) = self.scope.schema.get(&column) {
            return Some(self.make(expr, Type::Bool, NodeKind::Column(field.id)));
        }
        let columns =
            self.scope.schema.fields().filter_map(|field| field.name.strip_prefix(PREFIX));
        let asked: Vec<(&str, &str)> =
            columns.filter_map(|column| column.rsplit_once('.')).collect();
        let kinds = asked.iter().filter(|(list, _)| *list == name).map(|(_, kind)| *kind);
        let kinds: Vec<&str> = kinds.collect();
        if kinds.is_empty() {
            let suggestion = nearest(name, asked.iter().map(|(list, _)| *list));
            let message = format!("no list `{}` is declared in bundle.yaml", clipped(name));
            return self.fault_suggesting(list, message, suggestion);
        }
        let message = format!("the list `{}` can be asked for {}", clipped(name), kinds.join(", "));
        self.fault(kind, message)
    }

    fn size(&mut self, expr: &IdedExpr, one: &IdedExpr) -> Option<Node> {
        let node = self.node_of(one, Type::Text)?;
        let node = self.make(expr, Type::Int, NodeKind::Size(Box::new(node)));
        self.folded(expr, node)
    }

    fn convert(&mut self, expr: &IdedExpr, one: &IdedExpr, to: Type) -> Option<Node> {
        let node = self.node(one)?;
        match (node.node_type, to) {
            (from, to) if from == to => Some(node),
            (Type::Int | Type::Money, Type::Float)
            | (Type::Float | Type::Money | Type::Timestamp, Type::Int) => {
                let node = self.make(expr, to, NodeKind::Convert(Box::new(node)));
                self.folded(expr, node)
            }
            (Type::Duration, _) => {
                let message = "count a duration by `x.getSeconds()`, `getMinutes` or `getHours`";
                self.fault(expr, message.into())
            }
            (from, _) => self.fault(expr, format!("{} does not become {}", from.name(), to.name())),
        }
    }

    /// A constant that CEL writes as a call on a text.
    fn text_literal(
        &mut self,
        expr: &IdedExpr,
        one: &IdedExpr,
        read: impl Fn(&str) -> Result<Constant, String>,
    ) -> Option<Node> {
        let Expr::Literal(LiteralValue::String(text)) = &one.expr else {
            let name = self.written(expr);
            return self.fault(one, format!("`{name}` takes a text in quotes"));
        };
        match read(text.inner()) {
            Ok(constant) => Some(self.constant(expr, constant)),
            Err(message) => self.fault(one, message),
        }
    }

    fn extreme(&mut self, expr: &IdedExpr, left: &IdedExpr, right: &IdedExpr) -> Option<Node> {
        let (left, right) = (self.node(left), self.node(right));
        let (left, right) = (left?, right?);
        let (l, r) = (left.node_type, right.node_type);
        let ordered = l == Type::Float || l.is_whole() && l != Type::Id;
        if l != r || !ordered {
            let message = format!("no such operation on {} and {}", l.name(), r.name());
            return self.fault(expr, message);
        }
        let (left, right) = (Box::new(left), Box::new(right));
        let kind = match self.written(expr) {
            "min" => NodeKind::Least(left, right),
            _ => NodeKind::Greatest(left, right),
        };
        let node = self.make(expr, l, kind);
        self.folded(expr, node)
    }

    /// Degrees may be written as whole numbers.
    fn distance(&mut self, expr: &IdedExpr, places: [&IdedExpr; 4]) -> Option<Node> {
        let places = places.map(|one| {
            let node = self.node(one)?;
            match node.node_type {
                Type::Float => Some(node),
                Type::Int => {
                    let node = self.make(one, Type::Float, NodeKind::Convert(Box::new(node)));
                    self.folded(one, node)
                }
                other => {
                    let message = format!("degrees are a float, this is {}", other.name());
                    self.fault(one, message)
                }
            }
        });
        let [Some(lat), Some(lon), Some(other_lat), Some(other_lon)] = places else {
            return None;
        };
        let kind = NodeKind::Distance(Box::new([lat, lon, other_lat, other_lon]));
        let node = self.make(expr, Type::Float, kind);
        self.folded(expr, node)
    }

    fn absolute(&mut self, expr: &IdedExpr, one: &IdedExpr) -> Option<Node> {
        let node = self.node(one)?;
        match node.node_type {
            node_type @ (Type::Int | Type::Float | Type::Money | Type::Duration) => {
                let node = self.make(expr, node_type, NodeKind::Absolute(Box::new(node)));
                self.folded(expr, node)
            }
            other => self.fault(expr, format!("{} has no sign", other.name())),
        }
    }

    fn text_test(
        &mut self,
        expr: &IdedExpr,
        test: TextTest,
        target: &IdedExpr,
        argument: &IdedExpr,
    ) -> Option<Node> {
        let text = self.node_of(target, Type::Text);
        let argument = self.node_of(argument, Type::Text);
        let (text, argument) = (Box::new(text?), Box::new(argument?));
        Some(self.make(expr, Type::Bool, NodeKind::Text { test, text, argument }))
    }

    fn matches(&mut self, expr: &IdedExpr, target: &IdedExpr, argument: &IdedExpr) -> Option<Node> {
        let text = self.node_of(target, Type::Text);
        let pattern = self.node_of(argument, Type::Text)?;
        let NodeKind::Constant(Constant::Text(pattern)) = &pattern.kind else {
            return self.fault(argument, "the pattern of `matches` is a constant".into());
        };
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            let message = format!("an expression has at most {PATTERNS_MAX} patterns");
            return self.fault(expr, message);
        }
        match Pattern::compile(pattern) {
            Ok(pattern) => {
                let kind = NodeKind::Matches { text: Box::new(text?), pattern };
                Some(self.make(expr, Type::Bool, kind))
            }
            Err(message) => self.fault(argument, message),
        }
    }

    fn time_part(
        &mut self,
        expr: &IdedExpr,
        part: TimePart,
        target: &IdedExpr,
        zone: Option<&IdedExpr>,
    ) -> Option<Node> {
        let node = self.node(target)?;
        let unit_ms = match part {
            TimePart::Hours => Some(3_600_000),
            TimePart::Minutes => Some(60_000),
            TimePart::Seconds => Some(1_000),
            _ => None,
        };
        let kind = match (node.node_type, unit_ms, zone) {
            (Type::Timestamp, _, None) => {
                NodeKind::Part { part, moment: Box::new(node), zone: self.scope.zone.clone() }
            }
            (Type::Timestamp, _, Some(zone)) => {
                let zone = self.zone(zone)?;
                NodeKind::Part { part, moment: Box::new(node), zone }
            }
            (Type::Duration, Some(unit_ms), None) => {
                NodeKind::WholeUnits { duration: Box::new(node), unit_ms }
            }
            (other, ..) => {
                let message = format!("`{}` does not work on {}", self.written(expr), other.name());
                return self.fault(expr, message);
            }
        };
        let node = self.make(expr, Type::Int, kind);
        self.folded(expr, node)
    }

    fn zone(&mut self, expr: &IdedExpr) -> Option<Zone> {
        let node = self.node_of(expr, Type::Text)?;
        let zone = match &node.kind {
            NodeKind::Constant(Constant::Text(name)) => Zone::parse(name),
            _ => None,
        };
        match zone {
            Some(zone) => Some(zone),
            None => self.fault(expr, "a zone is an IANA name, as in \"Asia/Shanghai\"".into()),
        }
    }
}
