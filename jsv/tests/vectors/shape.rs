//! A row's `model`, read into a shape.
//!
//! Adding a model: its name in `Parser::named`, then what it reads as in `read.rs`, writes as in `write.rs` and what
//! the original makes of it in `original.rs`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::json::J;

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Text,
    Uri,
    Bool,
    Int(&'static str),
    F32,
    F64,
    Decimal,
    Char,
    DateTime,
    DateTimeOffset,
    TimeSpan,
    Guid,
    Bytes,
    Object,
    Nullable(Box<Shape>),
    List(Box<Shape>, Kind),
    Map(Box<Shape>, Box<Shape>),
    Enum(Rc<Names>),
    Struct(Rc<Members>),
}

/// The collections that the original reads in different ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    List,
    Array,
    Set,
}

#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) names: Vec<&'static str>,
    pub(crate) values: Vec<i128>,
    pub(crate) flags: bool,
}

/// The members of a struct; filled once its body is read, so that it can mention itself.
#[derive(Debug, Default)]
pub(crate) struct Members {
    body: RefCell<Vec<(&'static str, Shape)>>,
    /// Whether a member that is not declared is an error, as for a `KeyValuePair`.
    pub(crate) exact: bool,
}

impl Members {
    pub(crate) fn all(&self) -> Vec<(&'static str, Shape)> {
        self.body.borrow().clone()
    }

    /// The names, as serde wants them.
    pub(crate) fn names(&self) -> &'static [&'static str] {
        thread_local!(static LEAKED: RefCell<HashMap<Vec<&'static str>, &'static [&'static str]>> = RefCell::default());
        let names: Vec<_> = self.body.borrow().iter().map(|(name, _)| *name).collect();
        LEAKED.with_borrow_mut(|leaked| {
            *leaked.entry(names.clone()).or_insert_with(|| Vec::leak(names))
        })
    }
}

impl Shape {
    /// What the shape is called in a model, or none for a model this harness does not know.
    pub(crate) fn parse(model: &str) -> Option<Self> {
        let mut parser = Parser { rest: model, structs: HashMap::new() };
        let shape = parser.shape()?;
        parser.rest.is_empty().then_some(shape)
    }

    /// Whether C# can have null here.
    pub(crate) fn is_nullable(&self) -> bool {
        match self {
            Self::Text | Self::Uri | Self::Bytes | Self::Object | Self::Nullable(_) => true,
            Self::List(..) | Self::Map(..) | Self::Struct(_) => true,
            _ => false,
        }
    }

    /// What an absent member has.
    pub(crate) fn default(&self) -> J {
        match self {
            Self::Bool => J::Bool(false),
            Self::Int(_) => J::Int(0),
            Self::F32 | Self::F64 => J::Float(0.0),
            Self::Decimal => J::text("0"),
            Self::Char => J::text("\0"),
            Self::DateTime => J::text("0001-01-01T00:00:00.0000000"),
            Self::DateTimeOffset => J::text("0001-01-01T00:00:00.0000000+00:00"),
            Self::TimeSpan => J::Map(vec![("ticks".to_owned(), J::Int(0))]),
            Self::Guid => J::text("00000000-0000-0000-0000-000000000000"),
            Self::Enum(names) => J::text(names.names[0]),
            _ => J::Null,
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    structs: HashMap<&'a str, Rc<Members>>,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, token: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn word(&mut self, ends: &[char]) -> &'a str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn shape(&mut self) -> Option<Shape> {
        let name = self.word(&['<', '>', '{', '}', ',', '?', ' ']);
        let shape = self.named(name)?;
        if self.eat('?').is_some() {
            return Some(Shape::Nullable(Box::new(shape)));
        }
        Some(shape)
    }

    fn named(&mut self, name: &str) -> Option<Shape> {
        Some(match name {
            "string" => Shape::Text,
            "uri" => Shape::Uri,
            "bool" => Shape::Bool,
            "i8" => Shape::Int("i8"),
            "i16" => Shape::Int("i16"),
            "i32" => Shape::Int("i32"),
            "i64" => Shape::Int("i64"),
            "u8" => Shape::Int("u8"),
            "u16" => Shape::Int("u16"),
            "u32" => Shape::Int("u32"),
            "u64" => Shape::Int("u64"),
            "f32" => Shape::F32,
            "f64" => Shape::F64,
            "decimal" => Shape::Decimal,
            "char" => Shape::Char,
            "datetime" => Shape::DateTime,
            "datetimeoffset" => Shape::DateTimeOffset,
            "timespan" => Shape::TimeSpan,
            "guid" => Shape::Guid,
            "bytes" => Shape::Bytes,
            "object" => Shape::Object,
            "Hashtable" => Shape::Map(Box::new(Shape::Text), Box::new(Shape::Text)),
            "list" | "Queue" | "LinkedList" => Shape::List(self.parameter()?, Kind::List),
            "array" => Shape::List(self.parameter()?, Kind::Array),
            "set" => Shape::List(self.parameter()?, Kind::Set),
            "map" | "SortedDictionary" => {
                let (key, value) = self.parameters()?;
                Shape::Map(Box::new(key), Box::new(value))
            }
            "kvp" => self.pair(["Key", "Value"], true)?,
            "Tuple" => self.pair(["Item1", "Item2"], false)?,
            "enum" | "flags" => self.names(name == "flags")?,
            "struct" => self.members()?,
            _ => return None,
        })
    }

    fn parameter(&mut self) -> Option<Box<Shape>> {
        self.eat('<')?;
        let shape = self.shape()?;
        self.eat('>')?;
        Some(Box::new(shape))
    }

    fn parameters(&mut self) -> Option<(Shape, Shape)> {
        self.eat('<')?;
        let first = self.shape()?;
        self.eat(',')?;
        let second = self.shape()?;
        self.eat('>')?;
        Some((first, second))
    }

    /// A generic type of two that is written as a struct.
    fn pair(&mut self, names: [&'static str; 2], exact: bool) -> Option<Shape> {
        let (first, second) = self.parameters()?;
        let body = vec![(names[0], first), (names[1], second)];
        Some(Shape::Struct(Rc::new(Members { body: RefCell::new(body), exact })))
    }

    fn names(&mut self, flags: bool) -> Option<Shape> {
        self.eat(' ')?;
        self.word(&['{']);
        self.eat('{')?;
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for pair in self.word(&['}']).split(',') {
            let (name, value) = pair.split_once('=')?;
            names.push(&*name.to_owned().leak());
            values.push(value.parse().ok()?);
        }
        self.eat('}')?;
        Some(Shape::Enum(Rc::new(Names { names, values, flags })))
    }

    fn members(&mut self) -> Option<Shape> {
        self.eat(' ')?;
        let name = self.word(&['{', '}', ',', '>', '?']);
        if self.eat('{').is_none() {
            return self.structs.get(name).cloned().map(Shape::Struct);
        }
        let members = Rc::new(Members::default());
        self.structs.insert(name, Rc::clone(&members));
        while self.eat('}').is_none() {
            let _ = self.eat(',');
            let member = self.word(&[':']);
            self.eat(':')?;
            let shape = self.shape()?;
            members.body.borrow_mut().push((member.to_owned().leak(), shape));
        }
        Some(Shape::Struct(members))
    }
}
