//! What the .NET languages share: types stand in the namespaces of the original, below its base
//! classes, because the data contract of a member depends on where it is declared.

use super::{Code, Declared, Model, Options, sentence};
use crate::dto::{BaseType, FieldDef, Kind, TypeDef};

/// The interfaces of the client library.
const LIBRARY: &[&str] = &["IGet", "IPost", "IPut", "IDelete", "IPatch"];

/// The options of the .NET languages.
pub(super) const OPTIONS: &[(&str, &str)] =
    &[("GlobalNamespace", ""), ("AddDescriptionAsComments", "True"), ("AddNamespaces", "")];

/// Something declared in a namespace.
pub(super) enum Item<'a> {
    /// An interface of the original, with the members of the base class that implements it.
    Interface(&'static str, Vec<&'static FieldDef>),
    /// A base class of the original, and the members it declares.
    Base(&'static BaseType, Vec<&'static FieldDef>),
    /// A DTO.
    Dto(&'a Declared),
}

impl Item<'_> {
    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Interface(name, _) => name,
            Self::Base(base, _) => base.name,
            Self::Dto(declared) => declared.def.name,
        }
    }
}

/// A namespace and what it holds.
pub(super) struct Space<'a> {
    /// Its name.
    pub(super) name: String,
    /// Each item after those it derives from.
    pub(super) items: Vec<Item<'a>>,
}

/// The namespaces, sorted by name.
pub(super) fn spaces<'a>(model: &'a Model, options: &Options) -> Vec<Space<'a>> {
    let mut spaces: Vec<Space<'a>> = Vec::new();
    let global = options.get("GlobalNamespace");
    let mut add = |namespace: &str, item: Item<'a>| {
        let namespace = if global.is_empty() { namespace } else { global };
        let at = if let Some(at) = spaces.iter().position(|space| space.name == namespace) {
            at
        } else {
            spaces.push(Space { name: namespace.to_owned(), items: Vec::new() });
            spaces.len() - 1
        };
        let items = &mut spaces[at].items;
        if !items.iter().any(|known| known.name() == item.name()) {
            items.push(item);
        }
    };
    for declared in &model.types {
        for base in bases(declared.def).into_iter().rev() {
            let members: Vec<_> =
                base.members.iter().filter_map(|name| declared.def.field(name)).collect();
            for interface in base.implements {
                if !LIBRARY.contains(interface) && !options.listing {
                    add(base.namespace.clr, Item::Interface(interface, members.clone()));
                }
            }
            add(base.namespace.clr, Item::Base(base, members));
        }
        add(declared.def.namespace.clr, Item::Dto(declared));
    }
    spaces.sort_by(|a, b| a.name.cmp(&b.name));
    spaces
}

/// The namespaces to import: those of the language, then our own, DTOs' before base classes'.
pub(super) fn imports(model: &Model, options: &Options) -> Vec<String> {
    let mut imports: Vec<String> = [
        "System",
        "System.Collections",
        "System.Collections.Generic",
        "System.Runtime.Serialization",
        "ServiceStack",
        "ServiceStack.DataAnnotations",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut add = |name: &str| {
        if !name.is_empty() && !imports.iter().any(|known| known == name) {
            imports.push(name.to_owned());
        }
    };
    if options.get("GlobalNamespace").is_empty() {
        for declared in &model.types {
            add(declared.def.namespace.clr);
        }
        for declared in &model.types {
            for base in bases(declared.def) {
                add(base.namespace.clr);
            }
        }
    }
    for name in options.get("AddNamespaces").split(',') {
        add(name.trim());
    }
    imports
}

/// A comment that the compilers read as XML, begun by the language's `mark`.
pub(super) fn summary(mark: &str, doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        let text = sentence(doc).replace('&', "&amp;").replace('<', "&lt;");
        out.line(format!("{mark}<summary>{text}</summary>"));
    }
}

/// The base classes of a type, the nearest first.
pub(super) fn bases(def: &TypeDef) -> Vec<&'static BaseType> {
    std::iter::successors(def.base, |base| base.base).collect()
}

/// The members that a type declares itself.
pub(super) fn own(def: &'static TypeDef) -> impl Iterator<Item = &'static FieldDef> {
    let inherited: Vec<&str> = bases(def).iter().flat_map(|base| base.members).copied().collect();
    def.fields.iter().filter(move |field| !inherited.contains(&field.name))
}

/// The interfaces of the client library that a request implements itself: what it returns, and its
/// verb where no base class has it. The listing of a page leaves the first out.
pub(super) fn markers(
    declared: &Declared,
    options: &Options,
    generic: (&str, &str),
) -> Vec<String> {
    let mut markers = Vec::new();
    if let (Some(response), false) = (declared.response(), options.listing) {
        markers.push(format!("IReturn{}{response}{}", generic.0, generic.1));
    }
    if let Some(marker) = declared.marker()
        && !bases(declared.def).iter().any(|base| base.implements.contains(&marker.as_str()))
    {
        markers.push(marker);
    }
    markers
}

/// Whether a member's type has no null of its own.
pub(super) fn is_value(kind: Kind) -> bool {
    matches!(kind, Kind::Bool | Kind::Int32)
}
