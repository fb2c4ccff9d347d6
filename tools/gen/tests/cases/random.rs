//! Every message of every interface, with random values: what is encoded by the rules of
//! `ftl::wire` is decoded to just those values; and whatever else arrives, no decoder panics.
//!
//! The bytes and what they mean are made here, from the interfaces' types alone, so the
//! generated encoders cannot hide a slip of the generated decoders. `FTL_LONG=1` tries much more.

use std::fmt::Write;
use std::path::Path;

use ftl::abi::{Handle, HandleTypes, MessageInfo, MessageKind, ObjectKind, Rights};
use ftl::end::Incoming;
use ftl_gen::Workspace;
use ftl_gen::interface::{Field, Interface, Kind};
use ftl_gen::types::{Only, Type};
use proptest::prelude::*;

use super::decoders::Decoder;

/// A message as bytes, and as its decoder is to show it.
struct Made {
    body: Vec<u8>,
    types: HandleTypes,
    handles: Vec<Handle>,
    text: String,
}

/// Makes values up.
struct Maker<'a> {
    interface: &'a Interface,
    random: Random,
    made: Made,
}

/// xorshift64*: a seed is all there is to repeat a test.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
    /// Often small, sometimes the largest, else anything between.
    fn up_to(&mut self, max: usize) -> usize {
        match self.below(8) {
            0 => 0,
            1 => max,
            2..5 => self.below(max.min(4) + 1),
            _ => self.below(max + 1),
        }
    }
}

impl<'a> Maker<'a> {
    fn new(interface: &'a Interface, random: Random) -> Maker<'a> {
        let made = Made {
            body: Vec::new(),
            types: HandleTypes::NONE,
            handles: Vec::new(),
            text: String::new(),
        };
        Maker {
            interface,
            random,
            made,
        }
    }

    fn bytes(&mut self, bytes: &[u8], align: usize) {
        let at = self.made.body.len().next_multiple_of(align);
        self.made.body.resize(at, 0);
        self.made.body.extend_from_slice(bytes);
    }

    fn show(&mut self, value: impl std::fmt::Debug) {
        let _ = write!(self.made.text, "{value:?}");
    }

    fn fields(&mut self, name: &str, fields: &[Field], required: usize) {
        self.made.text += name;
        self.made.text += " { ";
        // Of the optional fields at the end only some are sent; the others are absent.
        let sent = required + self.random.below(fields.len() - required + 1);
        for (i, field) in fields.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let _ = write!(self.made.text, "{comma}{}: ", field.name);
            match i < sent {
                true => self.value(&field.kind),
                false => self.made.text += "None",
            }
        }
        self.made.text += " }";
    }

    /// The fields of a message, or what stands for them if there is one or none.
    fn message(&mut self, name: &str, fields: &[Field]) {
        let optional = fields
            .iter()
            .rev()
            .take_while(|field| matches!(field.kind, Type::Option(_)));
        self.fields(name, fields, fields.len() - optional.count());
    }

    fn value(&mut self, kind: &Type) {
        let number = self.random.next();
        macro_rules! number {
            ($($name:literal $kind:ty)+) => {
                match kind {
                    $(Type::Number($name) => {
                        let value = number as $kind;
                        self.bytes(&value.to_le_bytes(), size_of::<$kind>());
                        self.show(value);
                    })+
                    other => self.other(other),
                }
            };
        }
        number!("u8" u8 "u16" u16 "u32" u32 "u64" u64 "i8" i8 "i16" i16 "i32" i32 "i64" i64)
    }

    fn other(&mut self, kind: &Type) {
        match kind {
            Type::Number("bool") => {
                let value = self.random.below(2) == 1;
                self.bytes(&[u8::from(value)], 1);
                self.show(value);
            }
            Type::Number(_) => {
                let value = f64::from_bits(self.random.next());
                self.bytes(&value.to_le_bytes(), 8);
                self.show(value);
            }
            Type::Str(max) => {
                let mut text = String::new();
                let len = self.random.up_to(*max);
                while text.len() < len {
                    let next = *["a", "ß", "√", "𝄞"].get(self.random.below(4)).unwrap();
                    text += if text.len() + next.len() <= len {
                        next
                    } else {
                        "."
                    };
                }
                self.bytes(&(text.len() as u32).to_le_bytes(), 4);
                self.bytes(text.as_bytes(), 1);
                self.show(&text);
            }
            Type::Bytes(max) => {
                let len = self.random.up_to(*max);
                let bytes: Vec<u8> = (0..len).map(|_| self.random.next() as u8).collect();
                self.bytes(&(len as u32).to_le_bytes(), 4);
                self.bytes(&bytes, 1);
                self.show(&bytes);
            }
            Type::Named(name) => self.named(name),
            Type::List(item, max) => {
                let len = self.random.up_to(*max);
                self.bytes(&(len as u32).to_le_bytes(), 4);
                self.made.text += "[";
                for i in 0..len {
                    self.made.text += if i == 0 { "" } else { ", " };
                    self.value(item);
                }
                self.made.text += "]";
            }
            Type::Option(inner) => {
                let some = self.random.below(2) == 1;
                self.bytes(&[u8::from(some)], 1);
                match some {
                    true => {
                        self.made.text += "Some(";
                        self.value(inner);
                        self.made.text += ")";
                    }
                    false => self.made.text += "None",
                }
            }
            Type::Channel(None) => self.handle("Channel", ObjectKind::Channel, Rights::ALL),
            Type::Channel(Some(channel)) => {
                let name = pascal(channel.role.as_deref().unwrap());
                self.handle(&name, ObjectKind::Channel, Rights::ALL);
            }
            Type::Handle(name, only) => {
                let kind = match *name {
                    "Folio" => ObjectKind::Folio,
                    "Doorbell" => ObjectKind::Doorbell,
                    "Device" => ObjectKind::Device,
                    _ => ObjectKind::Interrupt,
                };
                let rights = match only {
                    Some(Only::Read) => Rights::READ,
                    Some(Only::Wait) => Rights::WAIT,
                    None => Rights::ALL,
                };
                self.handle(name, kind, rights);
            }
        }
    }

    fn named(&mut self, name: &str) {
        let interface = self.interface;
        if let Some(one) = interface.structs.iter().find(|one| one.name == name) {
            self.fields(&pascal(name), &one.fields, one.fields.len());
        } else if let Some(one) = interface.enums.iter().find(|one| one.name == name) {
            let (value, number, _) = &one.values[self.random.below(one.values.len())];
            self.bytes(&number.to_le_bytes(), 4);
            self.made.text += &pascal(value);
        } else {
            panic!("no type `{name}`");
        }
    }

    fn handle(&mut self, name: &str, kind: ObjectKind, rights: Rights) {
        // One that nobody has, so that closing it does nothing.
        let index = self.made.handles.len();
        let handle = Handle::new(9000 + index as u16, 1);
        self.made.handles.push(handle);
        self.made.types = self.made.types.with(index, kind, rights);
        let _ = write!(self.made.text, "{name}({handle:?})");
    }
}

fn pascal(name: &str) -> String {
    name.split('_')
        .map(|word| word[..1].to_ascii_uppercase() + &word[1..])
        .collect()
}

/// What a decoder makes of a message.
fn decode(decoder: Decoder, info: MessageInfo, made: &Made) -> ftl::Result<String> {
    let mut handles = [Handle::NONE; 4];
    handles[..made.handles.len()].copy_from_slice(&made.handles);
    decoder(Incoming::made_up(
        &mut None, info, 5, &made.body, handles, made.types,
    ))
}

fn info(kind: MessageKind, ordinal: u32, made: &Made) -> MessageInfo {
    MessageInfo::new(kind, ordinal, made.body.len(), made.handles.len())
}

/// Every message that one role hears: name, kind, ordinal, and how it is made up.
fn messages(
    interface: &Interface,
    kind: &Kind,
    role: usize,
    seed: u64,
    mut check: impl FnMut(MessageKind, u32, Made),
) {
    let mut number = seed | 1;
    let mut maker = || {
        number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Maker::new(interface, Random(number))
    };
    for call in &kind.calls {
        let name = pascal(&call.name);
        let mut maker = maker();
        if call.from != role {
            let _ = write!(maker.made.text, "{name}(");
            if !call.request.is_empty() {
                maker.message(&format!("{name}Request"), &call.request);
                maker.made.text += ", ";
            }
            let _ = write!(
                maker.made.text,
                "{name}Replier(Replier({:?}, 5)))",
                Handle::NONE
            );
            check(MessageKind::Request, call.ordinal, maker.made);
            continue;
        }
        maker.bytes(&0u32.to_le_bytes(), 4);
        let _ = write!(maker.made.text, "{name}(Transaction(5), Ok(");
        match call.reply.as_slice() {
            [] => maker.made.text += "()",
            [field] => maker.value(&field.kind),
            fields => maker.message(&format!("{name}Reply"), fields),
        }
        maker.made.text += "))";
        check(MessageKind::Reply, call.ordinal, maker.made);
    }
    for event in kind.events.iter().filter(|event| event.from != role) {
        let name = pascal(&event.name);
        let mut maker = maker();
        maker.made.text += &name;
        if !event.fields.is_empty() {
            maker.made.text += "(";
            maker.message(&name, &event.fields);
            maker.made.text += ")";
        }
        check(MessageKind::OneWay, event.ordinal, maker.made);
    }
}

fn check(
    root: &Path,
    decoders: &[(&str, &str, usize, Decoder)],
    seed: u64,
) -> Result<(), TestCaseError> {
    let workspace = Workspace::load(root).unwrap_or_else(|reports| panic!("{reports}"));
    let _system = testkit::System::new();
    let mut random = Random(seed | 1);
    for (name, kind_name, role, decoder) in decoders {
        let found = workspace.interfaces.iter().find(|one| one.name == *name);
        let interface = found.expect("generated from it");
        let kind = interface.kind(kind_name).expect("generated from it");
        messages(interface, kind, *role, seed, |what, ordinal, mut made| {
            let shown = decode(*decoder, info(what, ordinal, &made), &made);
            assert_eq!(
                shown.as_ref(),
                Ok(&made.text),
                "{name}, {kind_name}, {role}"
            );
            // The same damaged: a changed byte, a cut, a tail, other handles.
            for _ in 0..4 {
                let body = made.body.clone();
                match random.below(4) {
                    0 if !body.is_empty() => {
                        let at = random.below(body.len());
                        made.body[at] ^= 1 << random.below(8);
                    }
                    1 => made.body.truncate(random.below(body.len() + 1)),
                    2 if body.len() < 4096 => made.body.push(random.next() as u8),
                    _ => made.types = HandleTypes::from_register(random.next() as usize >> 12 << 8),
                }
                let _ = decode(*decoder, info(what, ordinal, &made), &made);
                made.body = body;
            }
            // Nothing but noise under its name.
            let len = random.up_to(4096);
            made.body = (0..len).map(|_| random.next() as u8).collect();
            let _ = decode(*decoder, info(what, ordinal, &made), &made);
        });
    }
    Ok(())
}

proptest! {
    #![proptest_config(trials::cases(24))]

    #[test]
    fn every_message_of_the_real_interfaces_is_decoded_to_what_was_sent(seed: u64) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        check(&root, real_interfaces::decoders::ALL, seed)?;
    }

    #[test]
    fn every_message_with_every_type_is_decoded_to_what_was_sent(seed: u64) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sample");
        check(&root, super::decoders::ALL, seed)?;
    }
}
