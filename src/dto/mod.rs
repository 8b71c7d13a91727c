//! Data transfer objects: the types that travel, described once.
//!
//! [`dto!`](crate::dto!) makes of one definition the struct, what serde needs to read and write it,
//! and its [`TypeDef`]. Formats, pages, generated types and tests all read that one description.
//!
//! What the wire asks of names is not what serde derives, hence a macro of our own:
//! - reading matches member names without case, skips unknown members, takes `null` and absent as
//!   one, and lets the last duplicate win (`fixtures/wire`, rule B1);
//! - writing spells them in the case that the format or the host asks for, and leaves dictionary
//!   keys alone (rule S1).
//!
//! A member's type is anything that implements [`Member`]: text, booleans, integers, lists,
//! dictionaries, other DTOs, and `Option` of these. To add a kind of member, implement [`Member`]
//! in `member.rs` and give it a [`Kind`]; to add a DTO, write `dto! { … }` beside its operation.
//! DTOs carry passwords and keys, so none of them implements `Debug`.

mod member;
pub mod names;
mod status;

pub use member::{Bind, Dictionary, Key, Member};
pub use status::{ErrorResponse, ResponseError, ResponseStatus, SERVICE_STACK};

use serde::{Serialize, Serializer};

/// A CLR namespace, and the XML namespace that data contracts of it live in.
#[derive(Debug, PartialEq, Eq)]
pub struct Namespace {
    /// As C# spells it.
    pub clr: &'static str,
    /// As XML documents spell it.
    pub xml: &'static str,
}

/// A base class of the original. Its members are declared by the DTOs that inherit them; the base
/// only says which, because XML puts a member into the namespace of the class that declares it
/// (`fixtures/wire`, rule B9).
#[derive(Debug)]
pub struct BaseType {
    /// The class's name, without type parameters.
    pub name: &'static str,
    /// Where it is declared.
    pub namespace: &'static Namespace,
    /// The Pascal-case names of the members it declares.
    pub members: &'static [&'static str],
    /// The class it derives from.
    pub base: Option<&'static BaseType>,
    /// The interfaces it implements.
    pub implements: &'static [&'static str],
}

/// What a DTO is made of.
#[derive(Debug)]
pub struct TypeDef {
    /// The name on the wire.
    pub name: &'static str,
    /// Where it is declared.
    pub namespace: &'static Namespace,
    /// Its base class, for those that have one.
    pub base: Option<&'static BaseType>,
    /// Its documentation.
    pub doc: &'static str,
    /// Its members, inherited ones included, in the order in which they are written.
    pub fields: &'static [FieldDef],
}

impl TypeDef {
    /// The namespace that `field` is declared in: that of the base class which names it, or ours.
    #[must_use]
    pub fn namespace_of(&self, field: &FieldDef) -> &'static Namespace {
        let mut base = self.base;
        while let Some(class) = base {
            if class.members.contains(&field.name) {
                return class.namespace;
            }
            base = class.base;
        }
        self.namespace
    }

    /// The member of that name, in whatever case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static FieldDef> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The full CLR name, as error messages quote it.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.namespace.clr, self.name)
    }
}

/// A member of a DTO.
#[derive(Debug)]
pub struct FieldDef {
    /// The declared name, `OrganisationId`.
    pub name: &'static str,
    /// The name in camel case, `organisationId`.
    pub camel: &'static str,
    /// Its documentation.
    pub doc: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a request without it is refused.
    pub required: bool,
}

impl FieldDef {
    /// The name in that case.
    #[must_use]
    pub fn spelled(&self, case: Case) -> &'static str {
        match case {
            Case::Camel => self.camel,
            Case::Pascal => self.name,
        }
    }
}

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text.
    String,
    /// A boolean.
    Bool,
    /// A 32-bit integer.
    Int32,
    /// A list of one kind.
    List(&'static Kind),
    /// A dictionary from text to text.
    Dictionary,
    /// Another DTO.
    Object(&'static TypeDef),
}

/// The case of member names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// `organisationId`
    #[default]
    Camel,
    /// `OrganisationId`
    Pascal,
}

/// How a DTO is spelled out.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The case of member names.
    pub case: Case,
    /// Whether members without a value are written, as null, or left out.
    pub nulls: bool,
}

/// A type made by [`dto!`](crate::dto!).
pub trait Dto: Member + Default + Send + 'static {
    /// Its description.
    const DEF: &'static TypeDef;

    /// Sets the member of that name, whatever its case, from a field of a form or query; with
    /// `fill`, only if it is unset. Unknown names are skipped.
    ///
    /// # Errors
    /// When the text is no value of the member's kind.
    fn set(&mut self, name: &str, text: &str, fill: bool) -> jsv::Result<()>;
}

/// A DTO, or a list of one kind of DTO, whose type is known only to its operation: what formats are
/// handed to write.
pub trait AnyDto: Send {
    /// The DTO's description; for a list, that of its items.
    fn def(&self) -> &'static TypeDef;
    /// Whether this is a list of such DTOs.
    fn is_list(&self) -> bool;
    /// Hands `write` the value as serde sees it in that style.
    fn styled(&self, style: Style, write: &mut dyn FnMut(&dyn erased_serde::Serialize));
}

impl<T: Dto> AnyDto for T {
    fn def(&self) -> &'static TypeDef {
        T::DEF
    }

    fn is_list(&self) -> bool {
        false
    }

    fn styled(&self, style: Style, write: &mut dyn FnMut(&dyn erased_serde::Serialize)) {
        write(&Styled(self, style));
    }
}

impl<T: Dto> AnyDto for Vec<T> {
    fn def(&self) -> &'static TypeDef {
        T::DEF
    }

    fn is_list(&self) -> bool {
        true
    }

    fn styled(&self, style: Style, write: &mut dyn FnMut(&dyn erased_serde::Serialize)) {
        write(&Styled(self, style));
    }
}

/// A member together with the style it is to be written in.
pub struct Styled<'a, T>(pub &'a T, pub Style);

impl<T: Member> Serialize for Styled<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(self.1, serializer)
    }
}

/// Defines a DTO: the struct, its [`Member`] and [`Dto`] implementations, its [`TypeDef`].
///
/// ```
/// use foundry_api::dto::{Dto, Namespace};
/// const BILLING: Namespace =
///     Namespace { clr: "Billing", xml: "http://schemas.datacontract.org/2004/07/Billing" };
/// foundry_api::dto! {
///     /// Asks for an invoice.
///     pub struct GetInvoice in BILLING {
///         /// Its number.
///         pub invoice_number: Option<String>,
///     }
/// }
/// assert_eq!(GetInvoice::DEF.fields[0].camel, "invoiceNumber");
/// ```
#[macro_export]
macro_rules! dto {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident in $namespace:path $(: $base:path)? {
            $($(#[doc = $field_doc:literal])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Default)]
        $vis struct $name {
            $($(#[doc = $field_doc])* pub $field: $type,)*
        }

        impl $crate::dto::Dto for $name {
            const DEF: &'static $crate::dto::TypeDef = &$crate::dto::TypeDef {
                name: stringify!($name),
                namespace: &$namespace,
                base: $crate::dto!(@base $($base)?),
                doc: concat!($($doc, "\n",)* ""),
                fields: &[$($crate::dto::FieldDef {
                    name: $crate::dto!(@pascal $field),
                    camel: $crate::dto!(@camel $field),
                    doc: concat!($($field_doc, "\n",)* ""),
                    kind: <$type as $crate::dto::Member>::KIND,
                    required: <$type as $crate::dto::Member>::REQUIRED,
                },)*],
            };

            fn set(&mut self, name: &str, text: &str, fill: bool) -> jsv::Result<()> {
                $(if $crate::dto!(@pascal $field).eq_ignore_ascii_case(name) {
                    if !fill || $crate::dto::Member::is_null(&self.$field) {
                        self.$field = $crate::dto::Member::from_field(text)?;
                    }
                    return Ok(());
                })*
                Ok(())
            }
        }

        impl $crate::dto::Member for $name {
            const KIND: $crate::dto::Kind =
                $crate::dto::Kind::Object(<$name as $crate::dto::Dto>::DEF);

            fn write<S: serde::Serializer>(
                &self,
                style: $crate::dto::Style,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct as _;
                let written = 0 $(+ usize::from(
                    style.nulls || !$crate::dto::Member::is_null(&self.$field)
                ))*;
                let mut members = serializer.serialize_struct(stringify!($name), written)?;
                $(
                    let name = match style.case {
                        $crate::dto::Case::Camel => $crate::dto!(@camel $field),
                        $crate::dto::Case::Pascal => $crate::dto!(@pascal $field),
                    };
                    if style.nulls || !$crate::dto::Member::is_null(&self.$field) {
                        members.serialize_field(name, &$crate::dto::Styled(&self.$field, style))?;
                    } else {
                        members.skip_field(name)?;
                    }
                )*
                members.end()
            }

            fn bind<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members;
                impl<'de> serde::de::Visitor<'de> for Members {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the members of ", stringify!($name)))
                    }
                    fn visit_unit<E: serde::de::Error>(self) -> Result<$name, E> {
                        Ok($name::default())
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        let mut dto = $name::default();
                        let def = <$name as $crate::dto::Dto>::DEF;
                        while let Some(name) = map.next_key_seed($crate::dto::Key(def))? {
                            $(if name == Some($crate::dto!(@pascal $field)) {
                                dto.$field = map.next_value_seed($crate::dto::Bind::new())?;
                                continue;
                            })*
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                        Ok(dto)
                    }
                }
                const NAMES: &[&str] = &[$($crate::dto!(@pascal $field)),*];
                deserializer.deserialize_struct(stringify!($name), NAMES, Members)
            }
        }
    };
    (@base) => { None };
    (@base $base:path) => { Some(&$base) };
    (@pascal $field:ident) => {{
        const SNAKE: &str = stringify!($field);
        const FOLDED: [u8; $crate::dto::names::pascal_len(SNAKE)] =
            $crate::dto::names::pascal(SNAKE);
        const NAME: &str = $crate::dto::names::text(&FOLDED);
        NAME
    }};
    (@camel $field:ident) => {{
        const SNAKE: &str = stringify!($field);
        const FOLDED: [u8; $crate::dto::names::pascal_len(SNAKE)] =
            $crate::dto::names::camel($crate::dto::names::pascal(SNAKE));
        const NAME: &str = $crate::dto::names::text(&FOLDED);
        NAME
    }};
}
