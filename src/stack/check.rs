//! The tree against a field table: each scalar is read as the type that its field wants, so that `15.10` is never a number where a
//! version is meant. Everything wrong is reported, and the rest read on.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::Desk;
use super::fit::{self, Fit};
use super::literal;
use super::node::{Body, Entry, Node, Scalar};
use super::source::Span;
use super::suggest::{did_you_mean, list, nearest};
use super::template::{Hole, Piece, pieces};
use super::terraform;
use crate::diagnostic::code;
use crate::kind::{Field, Type};
use crate::model::{Expr, Part, Value};

/// What a `${…}` stands for.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// A variable's or a built-in's value.
    Known(Value),
    /// An attribute of a resource, known later, of this type.
    Later(Expr, Type),
    /// A whole resource: its entry's name and `type`.
    Handle { name: String, of: String },
    /// Not usable; already reported.
    Wrong,
}

/// What names mean where the tree is read.
pub trait Names {
    fn meaning(&self, hole: &Hole, desk: &mut Desk<'_>) -> Meaning;
}

pub struct Checker<'c, 'a> {
    pub desk: &'c mut Desk<'a>,
    pub names: &'c dyn Names,
    /// Where each value stands, by dotted path (`subnets.1`); a field's own entry stands for its value.
    pub spans: BTreeMap<String, Span>,
    /// Fields that an unknown key was probably meant to be: not reported as missing, too.
    pub excused: BTreeSet<String>,
}

impl<'c, 'a> Checker<'c, 'a> {
    pub fn new(desk: &'c mut Desk<'a>, names: &'c dyn Names) -> Self {
        Self {
            desk,
            names,
            spans: BTreeMap::new(),
            excused: BTreeSet::new(),
        }
    }

    /// Reads the entries of a map as fields. `others` are keys that mean something here but are read elsewhere.
    pub fn fields(
        &mut self,
        entries: &[Entry],
        fields: &[Field],
        path: &str,
        others: &[&str],
    ) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for entry in entries {
            let name = entry.key.text.as_str();
            if others.contains(&name) {
                continue;
            }
            let Some(field) = fields.iter().find(|field| field.name == name) else {
                self.unknown_key(entry, fields, path, others);
                continue;
            };
            if field.computed {
                self.desk
                    .error(
                        code::COMPUTED,
                        entry.key.span,
                        format!("`{name}` is filled in by AWS"),
                    )
                    .help("leave it out; it can be referred to from elsewhere");
                continue;
            }
            let path = join(path, name);
            let value = self.value(&entry.value, &field.ty, &path);
            if !value.is_null() {
                values.insert(name.to_owned(), value);
            }
        }
        values
    }

    fn unknown_key(&mut self, entry: &Entry, fields: &[Field], path: &str, others: &[&str]) {
        let name = entry.key.text.as_str();
        let known = || {
            fields
                .iter()
                .filter(|field| !field.computed)
                .map(|field| field.name)
                .chain(others.iter().copied())
        };
        if let Some(meant) = nearest(name, known()) {
            self.excused.insert(join(path, meant));
        }
        self.desk
            .error(
                code::UNKNOWN_KEY,
                entry.key.span,
                format!("unknown key `{name}`"),
            )
            .help_if(terraform::instead_of_key(name).or_else(|| did_you_mean(name, known())));
    }

    /// Reads a node as `ty`. `Null`: not given, or wrong and reported.
    pub fn value(&mut self, node: &Node, ty: &Type, path: &str) -> Value {
        self.spans.insert(path.to_owned(), node.span);
        match &node.body {
            Body::Scalar(scalar) => self.scalar(scalar, node.span, ty),
            Body::List(items) => self.items(items, node, ty, path),
            Body::Map(entries) => self.entries(entries, node, ty, path),
        }
    }

    fn items(&mut self, items: &[Node], node: &Node, ty: &Type, path: &str) -> Value {
        let item_type = match ty {
            Type::List(item) | Type::Set(item) => *item,
            Type::Any | Type::Json | Type::Policy => &Type::Any,
            _ => return self.wrong_type(node, ty),
        };
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            // The path counts what is kept, so that it finds the place of a value by its index.
            let value = self.value(item, item_type, &join(path, &values.len().to_string()));
            if !value.is_null() {
                if matches!(ty, Type::Set(_)) && values.contains(&value) {
                    self.desk
                        .error(code::CONTRADICTION, item.span, "this stands here twice")
                        .help("keep one of the two");
                }
                values.push(value);
            }
        }
        Value::List(values)
    }

    fn entries(&mut self, entries: &[Entry], node: &Node, ty: &Type, path: &str) -> Value {
        match ty {
            Type::Object(fields) => Value::Map(self.fields(entries, fields, path, &[])),
            Type::Map(_) | Type::Any | Type::Json | Type::Policy => {
                let item_type = match ty {
                    Type::Map(item) => *item,
                    _ => &Type::Any,
                };
                let mut map = BTreeMap::new();
                for entry in entries {
                    let path = join(path, &entry.key.text);
                    let value = self.value(&entry.value, item_type, &path);
                    if !value.is_null() {
                        map.insert(entry.key.text.clone(), value);
                    }
                }
                Value::Map(map)
            }
            _ => self.wrong_type(node, ty),
        }
    }

    fn wrong_type(&mut self, node: &Node, ty: &Type) -> Value {
        let wanted = fit::describe(ty);
        self.desk
            .error(
                code::WRONG_TYPE,
                node.span,
                format!("{wanted} is meant here, this is {}", node.what()),
            )
            .help_if(fit::example(ty));
        Value::Null
    }

    fn scalar(&mut self, scalar: &Scalar, span: Span, ty: &Type) -> Value {
        // An object with a part called `value` may be written as just that.
        if let Type::Object(fields) = ty
            && !scalar.is_null()
            && let Some(field) = fields.iter().find(|field| field.name == "value")
        {
            let value = self.scalar(scalar, span, &field.ty);
            return match value {
                Value::Null => Value::Null,
                value => Value::map([("value", value)]),
            };
        }
        let pieces = pieces(self.desk.sources, scalar, span, &mut self.desk.report);
        match pieces.as_slice() {
            [Piece::Text(text)] => {
                let scalar = Scalar {
                    text: text.clone(),
                    plain: scalar.plain,
                };
                literal::read(self.desk, &scalar, span, ty)
            }
            [Piece::Hole(hole)] => self.hole(hole, ty),
            _ => self.composed(&pieces, span, ty),
        }
    }

    /// A scalar that is one reference and nothing else: it keeps the type of what it refers to.
    fn hole(&mut self, hole: &Hole, ty: &Type) -> Value {
        match self.names.meaning(hole, self.desk) {
            Meaning::Known(value) => fit::known(self.desk, value, hole.span, ty),
            Meaning::Later(expr, have) => self.later(expr, &have, hole, ty),
            Meaning::Handle { name, of } => self.handle(name, &of, hole, ty),
            Meaning::Wrong => Value::Null,
        }
    }

    fn later(&mut self, expr: Expr, have: &Type, hole: &Hole, want: &Type) -> Value {
        if let Type::Handle(types) = want {
            let whole = hole.parts().0;
            self.desk
                .error(
                    code::REFERENCE_TYPE,
                    hole.span,
                    format!("a whole {} is meant here, not an attribute", list(types)),
                )
                .help(format!("write `${{{whole}}}`"));
            return Value::Null;
        }
        match fit::accepts(want, have) {
            Fit::Yes => Value::Expr(expr),
            Fit::AsText => Value::Expr(as_text(expr)),
            Fit::No if *have == Type::Secret => {
                self.secret_in_plain(hole);
                Value::Null
            }
            Fit::No => {
                self.desk
                    .error(
                        code::REFERENCE_TYPE,
                        hole.span,
                        format!(
                            "`${{{}}}` is {}, {} is meant here",
                            hole.path,
                            fit::describe(have),
                            fit::describe(want)
                        ),
                    )
                    .help_if(fit::reference_help(want, have, &hole.path));
                Value::Null
            }
        }
    }

    fn handle(&mut self, name: String, of: &str, hole: &Hole, want: &Type) -> Value {
        match want {
            Type::Handle(types) if types.contains(&of) => Value::Text(name),
            Type::Handle(types) => {
                self.desk
                    .error(
                        code::REFERENCE_TYPE,
                        hole.span,
                        format!(
                            "`${{{}}}` is a `{of}`, one of {} is meant here",
                            hole.path,
                            list(types)
                        ),
                    )
                    .help("name an entry of `resources` whose `type` is one of these");
                Value::Null
            }
            _ => {
                self.desk
                    .error(
                        code::REFERENCE_TYPE,
                        hole.span,
                        format!(
                            "`${{{}}}` is a whole `{of}`, {} is meant here",
                            hole.path,
                            fit::describe(want)
                        ),
                    )
                    .help(format!("name an attribute of it: `${{{}.…}}`", hole.path));
                Value::Null
            }
        }
    }

    fn secret_in_plain(&mut self, hole: &Hole) {
        self.desk
            .error(
                code::SECRET_IN_PLAIN,
                hole.span,
                format!(
                    "`${{{}}}` is secret and would be readable in this field",
                    hole.path
                ),
            )
            .help("give it a key of a `secretsmanager.secret`, and hand that key on");
    }

    /// Text around references: the result is text.
    fn composed(&mut self, pieces: &[Piece], span: Span, ty: &Type) -> Value {
        let mut parts: Vec<Part> = Vec::new();
        let mut unset = false;
        for piece in pieces {
            match piece {
                Piece::Text(text) => push_text(&mut parts, text),
                Piece::Hole(hole) => match self.names.meaning(hole, self.desk) {
                    Meaning::Known(Value::Null) => unset = true,
                    Meaning::Known(value) => match fit::plain_text(&value) {
                        Some(text) => push_text(&mut parts, &text),
                        None => unset |= self.not_text(hole),
                    },
                    Meaning::Later(expr, have) => match fit::accepts(&Type::Secret, &have) {
                        Fit::No => unset |= self.not_text(hole),
                        _ if have == Type::Secret && !fit::takes_secret(ty) => {
                            self.secret_in_plain(hole);
                            unset = true;
                        }
                        _ => parts.extend(expr.0),
                    },
                    Meaning::Handle { of, .. } => {
                        self.desk
                            .error(
                                code::REFERENCE_TYPE,
                                hole.span,
                                format!("`${{{}}}` is a whole `{of}`", hole.path),
                            )
                            .help(format!("name an attribute of it: `${{{}.…}}`", hole.path));
                        unset = true;
                    }
                    Meaning::Wrong => unset = true,
                },
            }
        }
        if unset {
            return Value::Null;
        }
        match parts.as_slice() {
            [Part::Text(text)] => fit::known(self.desk, Value::text(text.clone()), span, ty),
            _ if fit::accepts(ty, &Type::Text) == Fit::Yes => Value::Expr(Expr(parts)),
            _ => {
                self.desk
                    .error(
                        code::REFERENCE_TYPE,
                        span,
                        format!("this is text, {} is meant here", fit::describe(ty)),
                    )
                    .help("write one `${…}` and nothing around it, or the value itself");
                Value::Null
            }
        }
    }

    fn not_text(&mut self, hole: &Hole) -> bool {
        self.desk
            .error(
                code::REFERENCE_TYPE,
                hole.span,
                format!(
                    "`${{{}}}` is a list or a map and cannot stand inside text",
                    hole.path
                ),
            )
            .help(format!("name one of its parts: `${{{}.0}}`", hole.path));
        true
    }
}

pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// A number or boolean that is to become text: two parts make the resolver write it out.
fn as_text(expr: Expr) -> Expr {
    let mut parts = expr.0;
    parts.push(Part::Text(String::new()));
    Expr(parts)
}
