//! The macros over lists and maps, with one variable or with two.

use cel::IdedExpr;
use cel::common::ast::Expr;

use super::Error;
use super::value::{CelMap, CelValue as V};
use super::walk::Walk;

/// A macro: `x.all(e, e > 0)`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Macro {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    TransformList,
    TransformMap,
    TransformMapEntry,
}

impl Macro {
    /// Their names, for suggestions.
    pub(super) const NAMES: [&'static str; 9] = [
        "all",
        "exists",
        "exists_one",
        "existsOne",
        "map",
        "filter",
        "transformList",
        "transformMap",
        "transformMapEntry",
    ];

    /// The macro with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "exists" => Self::Exists,
            "exists_one" | "existsOne" => Self::ExistsOne,
            "map" => Self::Map,
            "filter" => Self::Filter,
            "transformList" => Self::TransformList,
            "transformMap" => Self::TransformMap,
            "transformMapEntry" => Self::TransformMapEntry,
            _ => return None,
        })
    }

    /// How many variables it has with so many arguments; `None` when it does not take as many.
    /// What makes a list or a map may filter before its last argument.
    pub(super) const fn variables(self, arguments: usize) -> Option<usize> {
        use Macro as M;
        match (self, arguments) {
            (M::All | M::Exists | M::ExistsOne | M::Map | M::Filter, 2) | (M::Map, 3) => Some(1),
            (M::All | M::Exists | M::ExistsOne, 3) => Some(2),
            (M::TransformList | M::TransformMap | M::TransformMapEntry, 3 | 4) => Some(2),
            _ => None,
        }
    }

    /// How it is written.
    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::All => "[1, 2].all(x, x > 0)",
            Self::Exists => "[1, 2].exists(x, x > 1)",
            Self::ExistsOne => "[1, 2].exists_one(x, x > 1)",
            Self::Map => "[1, 2].map(x, x + 1)",
            Self::Filter => "[1, 2].filter(x, x > 1)",
            Self::TransformList => "[1, 2].transformList(index, x, x + index)",
            Self::TransformMap => "{'a': 1}.transformMap(key, x, x + 1)",
            Self::TransformMapEntry => "{'a': 1}.transformMapEntry(key, x, {x: key})",
        }
    }
}

/// What the variables are in one round: an item or a key; with two, an index and its item, or a key
/// and its value.
struct Round {
    first: V,
    second: Option<V>,
}

/// A macro's rounds over a list or a map; `None` over anything else.
fn rounds(range: &V, variables: usize) -> Option<Vec<Round>> {
    let is_pair = variables == 2;
    Some(match range {
        V::List(items) if is_pair => {
            let indexed = items.iter().enumerate();
            indexed
                .map(|(at, item)| Round { first: V::Int(at as i64), second: Some(item.clone()) })
                .collect()
        }
        V::List(items) => {
            items.iter().map(|item| Round { first: item.clone(), second: None }).collect()
        }
        V::Map(map) => {
            let entries = map.entries().iter();
            entries
                .map(|(key, value)| Round {
                    first: key.clone(),
                    second: is_pair.then(|| value.clone()),
                })
                .collect()
        }
        _ => return None,
    })
}

impl<'a> Walk<'a> {
    pub(super) fn comprehension(
        &mut self,
        expr: &'a IdedExpr,
        found: Macro,
        target: &'a IdedExpr,
        args: &'a [IdedExpr],
    ) -> Result<V, Error> {
        // `names::check` has counted the arguments and seen the variables.
        let refused = || format!("`{}` is how it is written", found.example());
        let variables = self.at(expr, found.variables(args.len()).ok_or_else(refused))?;
        let (variables, [filter @ .., body]) = args.split_at(variables) else {
            return Err(self.error(expr, refused()));
        };
        let range = self.value(target)?;
        let Some(rounds) = rounds(&range, variables.len()) else {
            return Err(self.overload(expr, &[&range]));
        };
        self.pay(expr, rounds.len() * size_of::<Round>())?;
        let outer = self.bound.len();
        for variable in variables {
            if let Expr::Ident(name) = &variable.expr {
                self.bound.push((name, V::Null));
            }
        }
        let result = match found {
            Macro::All => self.joined_over(rounds, outer, body, false),
            Macro::Exists => self.joined_over(rounds, outer, body, true),
            _ => self.gathered(rounds, outer, found, (filter.first(), body)),
        };
        self.bound.truncate(outer);
        result
    }

    /// The variables from `outer` on become what the next round has.
    fn bind(&mut self, outer: usize, round: &Round) {
        let values = [Some(&round.first), round.second.as_ref()];
        for ((_, bound), value) in self.bound.iter_mut().skip(outer).zip(values) {
            *bound = value.cloned().unwrap_or(V::Null);
        }
    }

    /// `all` (ended by false) or `exists` (ended by true): an error yields to what ends it.
    fn joined_over(
        &mut self,
        rounds: Vec<Round>,
        outer: usize,
        body: &'a IdedExpr,
        ends: bool,
    ) -> Result<V, Error> {
        let mut error = None;
        for round in rounds {
            self.bind(outer, &round);
            match self.truth(body) {
                Ok(value) if value == ends => return Ok(V::Bool(ends)),
                Ok(_) => {}
                Err(found) => error = error.or(Some(found)),
            }
        }
        error.map_or(Ok(V::Bool(!ends)), Err)
    }

    /// What the items become, or those that hold; any error ends it.
    fn gathered(
        &mut self,
        rounds: Vec<Round>,
        outer: usize,
        found: Macro,
        (filter, body): (Option<&'a IdedExpr>, &'a IdedExpr),
    ) -> Result<V, Error> {
        let (mut items, mut entries) = (Vec::new(), Vec::new());
        for round in rounds {
            self.bind(outer, &round);
            if let Some(filter) = filter
                && !self.truth(filter)?
            {
                continue;
            }
            match found {
                Macro::Map | Macro::TransformList => items.push(self.value(body)?),
                Macro::TransformMap => entries.push((round.first, self.value(body)?)),
                Macro::TransformMapEntry => self.insert(body, &mut entries)?,
                _ if self.truth(body)? => items.push(round.first),
                _ => {}
            }
        }
        Ok(match found {
            Macro::ExistsOne => V::Bool(items.len() == 1),
            Macro::TransformMap | Macro::TransformMapEntry => V::Map(CelMap(entries.into())),
            _ => V::List(items.into()),
        })
    }

    /// The entries that one round of `transformMapEntry` adds.
    fn insert(&mut self, body: &'a IdedExpr, entries: &mut Vec<(V, V)>) -> Result<(), Error> {
        let added = self.value(body)?;
        let V::Map(added) = &added else {
            return Err(self.overload(body, &[&added]));
        };
        for (key, value) in added.entries() {
            // Every key is compared with all before it.
            self.spend(body, entries.len())?;
            if entries.iter().any(|(known, _)| known.equals(key)) {
                return Err(self.error(body, format!("repeated key: {key}")));
            }
            entries.push((key.clone(), value.clone()));
        }
        Ok(())
    }
}
