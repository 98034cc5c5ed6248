//! Do the names of an expression over literals mean something? Said before anything is computed, so
//! that a misspelt name is not hidden by an `||`.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};

use crate::lang::check::METHODS;
use crate::lang::suggest::nearest;
use crate::lang::syntax::Syntax;
use crate::lang::{Fault, Place};

use super::macros::Macro;

/// Functions by name.
pub(super) const FUNCTIONS: [&str; 13] = [
    "size",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "timestamp",
    "duration",
    "dyn",
    "type",
    "matches",
    "has",
];

/// Names that denote types.
const TYPES: [&str; 12] = [
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
];

/// The type that a name denotes.
pub(super) fn type_named(name: &str) -> Option<&'static str> {
    TYPES.into_iter().find(|known| *known == name)
}

/// The name that an expression spells, dots included.
pub(super) fn dotted(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", dotted(&select.operand)?, select.field))
        }
        _ => None,
    }
}

/// Every name that means nothing.
pub(super) fn check(syntax: &Syntax, text: &str, place: &Place) -> Vec<Fault> {
    let mut check = Check { syntax, text, place, bound: Vec::new(), faults: Vec::new() };
    check.walk(&syntax.root);
    check.faults
}

/// More faults than these in one expression have one cause.
const FAULTS_MAX: usize = 50;

struct Check<'a> {
    syntax: &'a Syntax,
    text: &'a str,
    place: &'a Place,
    /// Variables of the macros around.
    bound: Vec<String>,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, expr: &IdedExpr, message: String, suggestion: Option<String>) {
        if self.faults.len() < FAULTS_MAX {
            let at = self.syntax.place(expr).anchor.start as usize;
            let fault = Fault::at(self.place, self.text, at, message);
            self.faults.push(fault.suggesting(suggestion));
        }
    }

    fn walk(&mut self, expr: &IdedExpr) {
        match &expr.expr {
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => {
                if dotted(expr).is_none_or(|name| type_named(&name).is_none()) {
                    self.walk(&select.operand);
                }
            }
            Expr::Call(call) => {
                let written = self.syntax.written(expr, self.text);
                let is_operator = call.target.is_none() && !is_word(&call.func_name);
                match (&call.target, Macro::named(written)) {
                    (Some(target), Some(found)) => {
                        self.walk(target);
                        return match found.variables(call.args.len()) {
                            Some(count) => self.comprehension(found, count, &call.args),
                            None => {
                                let message = format!("`{written}` is as in `{}`", found.example());
                                self.fault(expr, message, None);
                            }
                        };
                    }
                    _ if is_operator => {}
                    (Some(_), _) if !METHODS.contains(&written) => {
                        let known = METHODS.into_iter().chain(Macro::NAMES);
                        let message = format!("there is no method `{}`", shown(written));
                        self.fault(expr, message, nearest(written, known));
                    }
                    (None, _) if !FUNCTIONS.contains(&written) => {
                        let message = format!("there is no function `{}`", shown(written));
                        self.fault(expr, message, nearest(written, FUNCTIONS));
                    }
                    (None, _) if written == "has" => self.has(expr, &call.args),
                    _ => {}
                }
                call.target.iter().for_each(|target| self.walk(target));
                call.args.iter().for_each(|one| self.walk(one));
            }
            Expr::List(list) => list.elements.iter().for_each(|one| self.walk(one)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.walk(&entry.key);
                        self.walk(&entry.value);
                    }
                }
            }
            Expr::Struct(_) => self.fault(expr, "there are no messages here".into(), None),
            Expr::Literal(_) => {}
            Expr::Comprehension(_) | Expr::Unspecified => {
                self.fault(expr, "this has no meaning here".into(), None);
            }
        }
    }

    fn name(&mut self, expr: &IdedExpr, name: &str) {
        if self.bound.iter().any(|bound| bound == name) || type_named(name).is_some() {
            return;
        }
        let known: Vec<&str> = self.bound.iter().map(String::as_str).chain(TYPES).collect();
        let suggestion = nearest(name, known);
        self.fault(expr, format!("there is no `{}`", shown(name)), suggestion);
    }

    fn has(&mut self, expr: &IdedExpr, args: &[IdedExpr]) {
        if !matches!(args, [IdedExpr { expr: Expr::Select(_), .. }]) {
            self.fault(expr, "`has` asks for a field: `has(x.y)`".into(), None);
        }
    }

    /// The variables of a macro are known in all that follows them.
    fn comprehension(&mut self, found: Macro, count: usize, args: &[IdedExpr]) {
        let (variables, rest) = args.split_at(count);
        let outer = self.bound.len();
        for variable in variables {
            let Expr::Ident(name) = &variable.expr else {
                let message = format!("a macro names its variables first: `{}`", found.example());
                self.fault(variable, message, None);
                continue;
            };
            if self.bound.iter().skip(outer).any(|bound| bound == name) {
                let message = format!("`{}` is already the macro's other variable", shown(name));
                self.fault(variable, message, None);
            }
            self.bound.push(name.clone());
        }
        // Where a variable is none, what follows would be blamed for it.
        if self.bound.len() == outer + count {
            rest.iter().for_each(|one| self.walk(one));
        }
        self.bound.truncate(outer);
    }
}

/// Whether a function's name is one that can be written; operators have names like `_+_`.
fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}
