//! The types that fields may have.
//!
//! | written | is |
//! |---|---|
//! | `bool` `u8` … `u64` `i8` … `i64` `f64` | itself |
//! | `string(64)` `bytes(1500)` | text and bytes, with the most bytes they may have |
//! | `Colour` | an enum or struct of the same file, in `snake_case` |
//! | `list(entry; 16)` | up to 16 numbers, enums or structs |
//! | `option(u32)` | one or none |
//! | `channel(tcp_connection)` | the receiver's end of a channel of that kind |
//! | `channel(tcp_connection.server)` | the same, naming the role that the receiver plays |
//! | `channel` | an end of any channel |
//! | `folio` `doorbell` `device` `interrupt` | a handle to one: memory to read and write, a bell to ring |
//! | `folio(read)` `doorbell(wait)` | memory to read only, a bell to wait for |
//!
//! The decoder refuses a handle to anything else, and one with fewer rights.

use crate::report::{Report, Reports};
use crate::yaml::{Node, integer, unknown};

/// A field's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `bool`, an integer or `f64`: the name that both YAML and Rust use.
    Number(&'static str),
    /// Text of so many bytes at most.
    Str(usize),
    /// So many bytes at most.
    Bytes(usize),
    /// An enum or struct of the same file, resolved later.
    Named(String),
    /// A list of so many items at most.
    List(Box<Type>, usize),
    /// One or none.
    Option(Box<Type>),
    /// An end of a channel.
    Channel(Option<ChannelType>),
    /// Another handle: the name of its type in the crate `ftl`, and for what it is passed on if
    /// not for all that its type can do.
    Handle(&'static str, Option<Only>),
}

/// What the receiver of a handle is to do with it, and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// Read the memory.
    Read,
    /// Wait for the bell.
    Wait,
}

impl Only {
    /// How it is written.
    fn name(self) -> &'static str {
        match self {
            Only::Read => "read",
            Only::Wait => "wait",
        }
    }
}

/// Which channel, and which end of it the message's receiver gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelType {
    /// Name of the kind.
    pub kind: String,
    /// Name of the role, if it was written.
    pub role: Option<String>,
}

const NUMBERS: &[&str] = &[
    "bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f64",
];
const HANDLES: &[(&str, &str)] = &[
    ("folio", "Folio"),
    ("doorbell", "Doorbell"),
    ("device", "Device"),
    ("interrupt", "Interrupt"),
];
const OTHERS: &[&str] = &[
    "string",
    "bytes",
    "list",
    "option",
    "channel",
    "folio",
    "doorbell",
    "device",
    "interrupt",
];

/// Bytes that a number takes.
pub fn number_len(name: &str) -> usize {
    match name {
        "u16" | "i16" => 2,
        "u32" | "i32" => 4,
        "u64" | "i64" | "f64" => 8,
        _ => 1,
    }
}

/// Reads a type. `named` are the enums and structs of the file.
pub fn parse(node: &Node, named: &[String], reports: &mut Reports) -> Option<Type> {
    let text = node.expect_text("a type", reports)?;
    let parsed = parse_text(text.trim(), named);
    match parsed {
        Ok(parsed) => Some(parsed),
        Err(slip) => {
            // The slip is shown where it stands, if it stands there just as it was parsed.
            let mut place = node.place.clone();
            if let Some(at) = text.find(&slip.text)
                && place.source.text.get(place.span.clone()) == Some(text)
            {
                place.span = place.span.start + at..place.span.start + at + slip.text.len();
            }
            reports.push(match slip.known {
                true => {
                    let known: Vec<&str> = NUMBERS
                        .iter()
                        .chain(OTHERS)
                        .copied()
                        .chain(named.iter().map(String::as_str))
                        .collect();
                    unknown(&place, &slip.message, &slip.text, known.iter().copied())
                }
                false => Report::new(&place, slip.message, slip.label),
            });
            None
        }
    }
}

struct Slip {
    message: String,
    label: String,
    text: String,
    /// Whether the nearest name that exists should be told.
    known: bool,
}

fn slip(text: &str, message: impl Into<String>, label: impl Into<String>) -> Slip {
    Slip {
        message: message.into(),
        label: label.into(),
        text: text.into(),
        known: false,
    }
}

fn parse_text(text: &str, named: &[String]) -> Result<Type, Slip> {
    if let Some(number) = NUMBERS.iter().find(|name| **name == text) {
        return Ok(Type::Number(number));
    }
    if let Some((_, rust)) = HANDLES.iter().find(|(name, _)| *name == text) {
        return Ok(Type::Handle(rust, None));
    }
    if named.iter().any(|name| name == text) {
        return Ok(Type::Named(text.into()));
    }
    let (head, inside) = match text.split_once('(') {
        None => (text, None),
        Some((head, rest)) => match rest.strip_suffix(')') {
            Some(inside) => (head.trim(), Some(inside.trim())),
            None => return Err(slip(text, "this type lacks its closing `)`", "add it")),
        },
    };
    match (head, inside) {
        ("string" | "bytes", None) => Err(slip(
            text,
            format!("`{head}` needs a bound"),
            format!("say how many bytes at most: `{head}(64)`"),
        )),
        ("string", Some(max)) => Ok(Type::Str(bound(max, 4096)?)),
        ("bytes", Some(max)) => Ok(Type::Bytes(bound(max, 4096)?)),
        ("list", Some(inside)) => {
            let Some((item, max)) = inside.split_once(';') else {
                return Err(slip(
                    text,
                    "a list needs a bound",
                    "say how many items at most: `list(u32; 16)`",
                ));
            };
            let item = parse_text(item.trim(), named)?;
            if !matches!(item, Type::Number(_) | Type::Named(_)) {
                return Err(slip(
                    text,
                    "a list holds numbers, enums or structs",
                    "put this into a struct",
                ));
            }
            Ok(Type::List(Box::new(item), bound(max.trim(), 4096)?))
        }
        ("list", None) => Err(slip(
            text,
            "a list needs items and a bound",
            "for example `list(u32; 16)`",
        )),
        ("option", Some(inside)) => {
            let inner = parse_text(inside, named)?;
            if matches!(inner, Type::Option(_)) {
                return Err(slip(
                    text,
                    "an option in an option says nothing more",
                    "use one `option`",
                ));
            }
            Ok(Type::Option(Box::new(inner)))
        }
        ("option", None) => Err(slip(
            text,
            "an option of what?",
            "for example `option(u32)`",
        )),
        ("channel", None) => Ok(Type::Channel(None)),
        ("channel", Some(inside)) => Ok(Type::Channel(Some(match inside.split_once('.') {
            Some((kind, role)) => ChannelType {
                kind: kind.trim().into(),
                role: Some(role.trim().into()),
            },
            None => ChannelType {
                kind: inside.into(),
                role: None,
            },
        }))),
        ("folio", Some("read")) => Ok(Type::Handle("Folio", Some(Only::Read))),
        ("doorbell", Some("wait")) => Ok(Type::Handle("Doorbell", Some(Only::Wait))),
        ("folio", Some(inside)) => Err(slip(
            inside,
            format!("a folio is not passed on to `{inside}`"),
            "`folio(read)` is for reading only, `folio` for reading and writing",
        )),
        ("doorbell", Some(inside)) => Err(slip(
            inside,
            format!("a doorbell is not passed on to `{inside}`"),
            "`doorbell(wait)` is for waiting, `doorbell` for ringing",
        )),
        _ => Err(match elsewhere(head) {
            Some(name) => slip(
                text,
                format!("there is no type `{head}`"),
                format!("it is called `{name}` here"),
            ),
            None => Slip {
                message: format!("there is no type `{head}`"),
                label: String::new(),
                text: head.into(),
                known: true,
            },
        }),
    }
}

/// What a type of another language is called here.
fn elsewhere(name: &str) -> Option<&'static str> {
    let name = name.split(['<', '[']).next().unwrap_or(name);
    Some(match name {
        "int" | "integer" | "long" => "i64",
        "uint" | "usize" | "size" | "number" => "u64",
        "byte" | "char" => "u8",
        "float" | "double" | "f32" => "f64",
        "boolean" => "bool",
        "str" | "String" | "text" => "string(64)",
        "blob" | "buffer" => "bytes(1500)",
        "array" | "Vec" | "vec" => "list(u8; 16)",
        "Option" | "optional" | "maybe" => "option(u32)",
        "handle" | "memory" => "folio",
        _ => return None,
    })
}

fn bound(text: &str, most: usize) -> Result<usize, Slip> {
    match integer(text).and_then(|number| usize::try_from(number).ok()) {
        Some(0) => Err(slip(
            text,
            "a bound of 0 leaves no room for anything",
            "1 at least",
        )),
        Some(number) if number <= most => Ok(number),
        Some(_) => Err(slip(
            text,
            format!("`{text}` is more than a message holds"),
            format!("{most} at most"),
        )),
        None => Err(slip(text, "a bound is a whole number", "this is none")),
    }
}

impl Type {
    /// Whether values of this type are handles, or may hold one.
    pub fn has_handle(&self) -> bool {
        match self {
            Type::Channel(_) | Type::Handle(..) => true,
            Type::Option(inner) => inner.has_handle(),
            _ => false,
        }
    }

    /// How it is written in YAML, for the interface's version.
    pub fn canonical(&self) -> String {
        match self {
            Type::Number(name) => (*name).into(),
            Type::Str(max) => format!("string({max})"),
            Type::Bytes(max) => format!("bytes({max})"),
            Type::Named(name) => name.clone(),
            Type::List(item, max) => format!("list({};{max})", item.canonical()),
            Type::Option(inner) => format!("option({})", inner.canonical()),
            Type::Channel(None) => "channel".into(),
            Type::Channel(Some(channel)) => {
                format!(
                    "channel({}.{})",
                    channel.kind,
                    channel.role.as_deref().unwrap_or_default()
                )
            }
            Type::Handle(name, None) => (*name).into(),
            Type::Handle(name, Some(only)) => format!("{name}({})", only.name()),
        }
    }
}
