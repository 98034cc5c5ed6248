//! The macros over lists and the keys of maps.

use cel::IdedExpr;
use cel::common::ast::Expr;

use super::Error;
use super::value::CelValue as V;
use super::walk::Walk;

/// A macro: `x.all(e, e > 0)`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Macro {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Macro {
    /// Their names, for suggestions.
    pub(super) const NAMES: [&'static str; 6] =
        ["all", "exists", "exists_one", "existsOne", "map", "filter"];

    /// The macro with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "exists" => Self::Exists,
            "exists_one" | "existsOne" => Self::ExistsOne,
            "map" => Self::Map,
            "filter" => Self::Filter,
            _ => return None,
        })
    }

    /// Whether it is one with so many arguments: `map` may filter first.
    pub(super) fn takes(self, arguments: usize) -> bool {
        arguments == 2 || self == Self::Map && arguments == 3
    }
}

impl<'a> Walk<'a> {
    pub(super) fn comprehension(
        &mut self,
        expr: &'a IdedExpr,
        found: Macro,
        target: &'a IdedExpr,
        args: &'a [IdedExpr],
    ) -> Result<V, Error> {
        let [IdedExpr { expr: Expr::Ident(name), .. }, filter @ .., body] = args else {
            return Err(self.error(expr, "a macro names its variable first"));
        };
        let range = self.value(target)?;
        let items: Vec<V> = match &range {
            V::List(items) => items.to_vec(),
            V::Map(map) => map.entries().iter().map(|(key, _)| key.clone()).collect(),
            other => return Err(self.overload(expr, &[other])),
        };
        self.pay(expr, items.len() * size_of::<V>())?;
        self.bound.push((name, V::Null));
        let result = match found {
            Macro::All => self.joined_over(items, body, false),
            Macro::Exists => self.joined_over(items, body, true),
            Macro::ExistsOne | Macro::Filter | Macro::Map => {
                self.gathered(items, found, filter.first(), body)
            }
        };
        self.bound.pop();
        result
    }

    /// The variable of the innermost macro becomes the next item.
    fn bind(&mut self, item: V) {
        if let Some((_, value)) = self.bound.last_mut() {
            *value = item;
        }
    }

    /// `all` (ended by false) or `exists` (ended by true): an error yields to what ends it.
    fn joined_over(&mut self, items: Vec<V>, body: &'a IdedExpr, ends: bool) -> Result<V, Error> {
        let mut error = None;
        for item in items {
            self.bind(item);
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
        items: Vec<V>,
        found: Macro,
        filter: Option<&'a IdedExpr>,
        body: &'a IdedExpr,
    ) -> Result<V, Error> {
        let mut gathered = Vec::new();
        for item in items {
            self.bind(item.clone());
            if let Some(filter) = filter
                && !self.truth(filter)?
            {
                continue;
            }
            if found == Macro::Map {
                gathered.push(self.value(body)?);
            } else if self.truth(body)? {
                gathered.push(item);
            }
        }
        Ok(match found {
            Macro::ExistsOne => V::Bool(gathered.len() == 1),
            _ => V::List(gathered.into()),
        })
    }
}
