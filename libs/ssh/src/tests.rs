//! A small client of our own, which logs in and misbehaves.

use alloc::string::ToString;
use alloc::vec::Vec;
use std::vec;

use chacha::Generator;
use cryptoxide::hashing::sha2::Sha256;
use cryptoxide::x25519;
use proptest::prelude::*;

use crate::channel;
use crate::cipher::{Cipher, HEAD_LEN, TAG_LEN};
use crate::connection::{Connection, Event};
use crate::exchange;
use crate::fault::Fault;
use crate::keys::{HostKey, PublicKey};
use crate::login::{self, Refusal};
use crate::packets::Outgoing;
use crate::wire::{Reader, Writer};
use crate::{Output, WINDOW};

const LINE: &[u8] = b"SSH-2.0-test";

/// A server's connection, and the client at its other end.
struct Pair {
    server: Connection,
    host_key: HostKey,
    user_key: HostKey,
    /// The client's packets on their way.
    client: Outgoing,
    /// The client's view of what the server sends.
    cipher: Option<Cipher>,
    number: u32,
    server_offer: Vec<u8>,
    session: [u8; 32],
    events: Vec<Event>,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            server: Connection::new([1; 32]),
            host_key: HostKey::from_seed(&[2; 32]),
            user_key: HostKey::from_seed(&[3; 32]),
            client: Outgoing::new(LINE, Generator::from_seed([4; 32])),
            cipher: None,
            number: 0,
            server_offer: Vec::new(),
            session: [0; 32],
            events: Vec::new(),
        }
    }

    /// Carries what the client sent to the server, and lets that go on as far as it does.
    fn carry(&mut self) -> Result<(), Fault> {
        loop {
            let len = self.client.waiting().len().min(self.server.room());
            self.server.receive(&self.client.waiting()[..len]);
            self.client.sent(len);
            let user = self.user_key.public().clone();
            match self.server.step(&self.host_key, &mut |key| *key == user)? {
                Some(event) => self.events.push(event),
                None if len == 0 => return Ok(()),
                None => {}
            }
        }
    }

    /// The next message that the server has sent.
    fn hear(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.server.outgoing().to_vec();
        if bytes.starts_with(b"SSH-") {
            let end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            assert_eq!(&bytes[..end], [exchange::OUR_LINE, b"\r\n"].concat());
            self.server.sent(end);
            bytes.drain(..end);
        }
        let head = *bytes.first_chunk::<HEAD_LEN>()?;
        let (len, tag) = match &self.cipher {
            Some(cipher) => (cipher.length(self.number, head) as usize, TAG_LEN),
            None => (u32::from_be_bytes(head) as usize, 0),
        };
        let whole = HEAD_LEN + len + tag;
        let packet = &mut bytes[..whole];
        if let Some(cipher) = &self.cipher {
            assert!(cipher.open(self.number, packet), "a damaged packet");
        }
        let content = packet[5..HEAD_LEN + len - usize::from(packet[4])].to_vec();
        self.server.sent(whole);
        self.number += 1;
        Some(content)
    }

    #[track_caller]
    fn expect(&mut self, number: u8) -> Vec<u8> {
        let message = self.hear().expect("a message");
        assert_eq!(message[0], number, "{message:?}");
        message
    }

    fn send(&mut self, message: Writer) {
        self.client.send(&message.done());
    }

    /// The exchange of keys, the first or another.
    fn exchange_keys(&mut self) {
        let offer = Writer::message(exchange::INIT)
            .bytes(&[9; 16])
            .string(b"unknown,curve25519-sha256,kex-strict-c-v00@openssh.com")
            .string(b"ssh-ed25519");
        let both: [&[u8]; 4] = [b"chacha20-poly1305@openssh.com", b"", b"zlib,none", b""];
        let offer = both
            .into_iter()
            .fold(offer, |offer, list| offer.string(list).string(list));
        // The guess is wrong, and to be passed over.
        let offer = offer.boolean(true).u32(0).done();
        self.client.send(&offer);
        self.client.send(&[exchange::ECDH_INIT, 1, 2, 3]);
        let secret = x25519::SecretKey::from([5; 32]);
        let ours = x25519::base(&secret);
        self.send(Writer::message(exchange::ECDH_INIT).string(ours.as_ref()));
        self.carry().unwrap();
        self.server_offer = self.expect(exchange::INIT);
        let reply = self.expect(exchange::ECDH_REPLY);
        self.expect(exchange::NEW_KEYS);
        let mut reader = Reader::new(&reply, "reply");
        reader.byte().unwrap();
        let host_key = reader.string().unwrap();
        let theirs: [u8; 32] = reader.array().unwrap();
        let signature = reader.string().unwrap();
        let shared = x25519::dh(&secret, &x25519::PublicKey::from(theirs));
        let shared = Writer::default().positive(shared.as_ref()).done();
        let everything = Writer::default()
            .string(LINE)
            .string(exchange::OUR_LINE)
            .string(&offer)
            .string(&self.server_offer)
            .string(host_key)
            .string(ours.as_ref())
            .string(&theirs)
            .bytes(&shared)
            .done();
        let hash = Sha256::new().update(&everything).finalize();
        let public = PublicKey::from_wire(host_key).unwrap().unwrap();
        assert_eq!(public, *self.host_key.public());
        assert!(public.has_signed(&hash, signature));
        if self.cipher.is_none() {
            self.session = hash;
        }
        let cipher = |letter: u8| {
            let first = Sha256::new()
                .update(&shared)
                .update(&hash)
                .update(&[letter])
                .update(&self.session)
                .finalize();
            let second = Sha256::new()
                .update(&shared)
                .update(&hash)
                .update(&first)
                .finalize();
            Cipher::new(&[first, second].concat().try_into().unwrap())
        };
        let (to_server, from_server) = (cipher(b'C'), cipher(b'D'));
        self.client.send(&[exchange::NEW_KEYS]);
        self.client.change_keys(to_server, true);
        self.cipher = Some(from_server);
        self.number = 0;
    }

    fn ask_service(&mut self) {
        self.send(Writer::message(login::SERVICE_REQUEST).string(b"ssh-userauth"));
        self.carry().unwrap();
        self.expect(login::SERVICE_ACCEPT);
    }

    fn request(method: &[u8]) -> Writer {
        Writer::message(login::REQUEST)
            .string(b"me")
            .string(b"ssh-connection")
            .string(method)
    }

    fn prove(&mut self, key: &HostKey, session: [u8; 32]) {
        let request = Pair::request(b"publickey")
            .boolean(true)
            .string(b"ssh-ed25519")
            .string(&key.public().to_wire())
            .done();
        let signed = Writer::default().string(&session).bytes(&request).done();
        let signature = key.sign(&signed);
        self.send(Writer::default().bytes(&request).string(&signature));
        self.carry().unwrap();
    }

    /// With an open channel 0.
    fn logged_in() -> Pair {
        let mut pair = Pair::new();
        pair.exchange_keys();
        pair.ask_service();
        let key = HostKey::from_seed(&[3; 32]);
        pair.prove(&key, pair.session);
        pair.expect(login::SUCCESS);
        pair.send(
            Writer::message(channel::OPEN)
                .string(b"session")
                .u32(77)
                .u32(100)
                .u32(32768),
        );
        pair.carry().unwrap();
        pair.expect(channel::OPEN_CONFIRMATION);
        pair.events.clear();
        pair
    }
}

#[test]
fn a_key_that_is_known_lets_in() {
    let mut pair = Pair::new();
    pair.exchange_keys();
    pair.ask_service();
    pair.send(Pair::request(b"none"));
    pair.carry().unwrap();
    let failure = pair.expect(login::FAILURE);
    assert_eq!(failure[5..14], *b"publickey");
    let key = HostKey::from_seed(&[3; 32]);
    pair.send(
        Pair::request(b"publickey")
            .boolean(false)
            .string(b"ssh-ed25519")
            .string(&key.public().to_wire()),
    );
    pair.carry().unwrap();
    pair.expect(login::KEY_OK);
    assert!(!pair.server.is_in());
    pair.prove(&key, pair.session);
    pair.expect(login::SUCCESS);
    assert!(pair.server.is_in());
    let expected = Event::LoggedIn {
        user: "me".to_string(),
        key: key.public().clone(),
    };
    assert_eq!(pair.events, [expected]);
}

#[test]
fn nothing_else_lets_in_and_a_refusal_waits_to_be_told() {
    let mut pair = Pair::new();
    pair.exchange_keys();
    pair.ask_service();
    let refused = |pair: &mut Pair, expected: Refusal| {
        assert!(pair.hear().is_none(), "the answer has to wait");
        pair.carry().unwrap();
        let Some(Event::Refused { user, why }) = pair.events.pop() else {
            panic!("not refused: {:?}", pair.events);
        };
        assert_eq!((user.as_str(), why), ("me", expected));
        pair.server.go_on();
        pair.expect(login::FAILURE);
        assert!(!pair.server.is_in());
    };
    let known = HostKey::from_seed(&[3; 32]);
    let unknown = HostKey::from_seed(&[6; 32]);
    pair.prove(&unknown, pair.session);
    refused(&mut pair, Refusal::UnknownKey(unknown.public().clone()));
    // A signature that was seen in another session.
    pair.prove(&known, [0; 32]);
    refused(&mut pair, Refusal::WrongSignature(known.public().clone()));
    pair.send(Pair::request(b"password").boolean(false).string(b"secret"));
    pair.carry().unwrap();
    refused(&mut pair, Refusal::Method("password".to_string()));
    // No session without a login.
    pair.send(
        Writer::message(channel::OPEN)
            .string(b"session")
            .u32(0)
            .u32(0)
            .u32(0),
    );
    assert_eq!(pair.carry(), Err(Fault::OutOfPlace(channel::OPEN)));
}

#[test]
fn there_is_an_end_to_trying() {
    let mut pair = Pair::new();
    pair.exchange_keys();
    pair.ask_service();
    let ends = (0..100).find(|_| {
        pair.send(Pair::request(b"none"));
        pair.carry() == Err(Fault::TooManyTries)
    });
    assert_eq!(ends, Some(12));
}

#[test]
fn output_keeps_to_the_window_and_to_the_order() {
    let mut pair = Pair::logged_in();
    pair.send(
        Writer::message(channel::REQUEST)
            .u32(0)
            .string(b"exec")
            .boolean(true)
            .string(b"ls"),
    );
    pair.carry().unwrap();
    pair.expect(channel::SUCCESS);
    let command = "ls".to_string();
    assert_eq!(
        pair.events,
        [Event::Command {
            channel: 0,
            command
        }]
    );
    assert_eq!(pair.server.output(0, Output::Out, &[b'x'; 70]), 70);
    assert_eq!(pair.server.output(0, Output::Errors, &[b'y'; 70]), 30);
    assert_eq!(pair.server.output(0, Output::Out, b"z"), 0);
    pair.send(Writer::message(channel::WINDOW_ADJUST).u32(0).u32(1));
    pair.carry().unwrap();
    assert_eq!(pair.server.output(0, Output::Out, b"zz"), 1);
    pair.server.finish(0, 3);
    assert_eq!(pair.expect(channel::DATA).len(), 9 + 70);
    assert_eq!(pair.expect(channel::EXTENDED_DATA).len(), 13 + 30);
    pair.expect(channel::DATA);
    let status = pair.expect(channel::REQUEST);
    assert_eq!(status[status.len() - 4..], [0, 0, 0, 3]);
    pair.expect(channel::EOF);
    pair.expect(channel::CLOSE);
    pair.send(Writer::message(channel::CLOSE).u32(0));
    pair.carry().unwrap();
    assert_eq!(pair.events.pop(), Some(Event::Closed(0)));
    assert!(pair.hear().is_none());
}

#[test]
fn input_is_let_in_as_it_is_taken() {
    let mut pair = Pair::logged_in();
    let data = |len: u32| {
        Writer::message(channel::DATA)
            .u32(0)
            .string(&vec![b'i'; len as usize])
    };
    pair.send(data(WINDOW));
    pair.carry().unwrap();
    pair.server.took(0, WINDOW as usize);
    pair.expect(channel::WINDOW_ADJUST);
    pair.send(data(WINDOW));
    pair.carry().unwrap();
    pair.send(data(1));
    let fault = pair.carry().unwrap_err();
    assert_eq!(fault, Fault::Limit("bytes on a channel"));
    // The client is told.
    pair.expect(1);
}

#[test]
fn keys_are_changed_while_output_waits() {
    let mut pair = Pair::logged_in();
    assert_eq!(pair.server.output(0, Output::Out, b"before"), 6);
    pair.expect(channel::DATA);
    let session = pair.session;
    pair.exchange_keys();
    pair.carry().unwrap();
    assert_eq!(pair.session, session);
    assert_eq!(pair.server.output(0, Output::Out, b"after"), 5);
    pair.expect(channel::DATA);
    // In the middle of an exchange nothing may be sent, and the end is not forgotten.
    let offer = pair.server_offer.clone();
    pair.client.send(&offer);
    pair.carry().unwrap();
    assert_eq!(pair.server.output_room(0), 0);
    pair.server.finish(0, 0);
    pair.expect(exchange::INIT);
    assert!(pair.hear().is_none());
}

#[test]
fn what_is_not_ssh_is_seen_at_once() {
    for (bytes, is_refused) in [
        (&b"GET / HTTP/1.1\r\n"[..], true),
        (b"SSH-1.5-old\r\n", true),
        (b"\0", true),
        (b"SSH-2.", false),
        (b"SSH-2.0-a\n", false),
    ] {
        let mut server = Connection::new([1; 32]);
        server.receive(bytes);
        let stepped = server.step(&HostKey::from_seed(&[2; 32]), &mut |_| true);
        assert_eq!(stepped == Err(Fault::NotSsh), is_refused, "{bytes:?}");
    }
    let mut server = Connection::new([1; 32]);
    server.receive(b"SSH-2.0-");
    server.receive(&[b'a'; 300]);
    let stepped = server.step(&HostKey::from_seed(&[2; 32]), &mut |_| true);
    assert_eq!(stepped, Err(Fault::NotSsh));
}

/// Lets a server go on with what it has, with its output taken away, until nothing more happens.
fn exhaust(server: &mut Connection) {
    let host_key = HostKey::from_seed(&[2; 32]);
    for _ in 0..1000 {
        server.sent(server.outgoing().len());
        let was_in = server.is_in();
        match server.step(&host_key, &mut |_| false) {
            Ok(None) | Err(_) => return,
            Ok(Some(Event::Refused { .. })) => server.go_on(),
            Ok(Some(Event::LoggedIn { .. })) => panic!("somebody is in without a key"),
            Ok(Some(_)) => assert!(was_in),
        }
    }
    panic!("it does not come to an end");
}

/// Messages of all kinds, more or less well-formed.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let words: [&'static [u8]; 10] = [
        b"session",
        b"pty-req",
        b"window-change",
        b"exec",
        b"shell",
        b"signal",
        b"publickey",
        b"ssh-userauth",
        b"ssh-connection",
        b"ssh-ed25519",
    ];
    let word = prop::sample::select(words.to_vec()).prop_map(<[u8]>::to_vec);
    let part = prop_oneof![
        3 => word.prop_map(|word| Writer::default().string(&word).done()),
        3 => prop_oneof![Just(0u32), Just(1), Just(77), any::<u32>()].prop_map(|number| number.to_be_bytes().to_vec()),
        1 => any::<bool>().prop_map(|value| vec![value.into()]),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Writer::default().string(&bytes).done()),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    let number =
        prop_oneof![3 => 90u8..101, 1 => 20u8..32, 1 => 50u8..62, 1 => 80u8..83, 1 => any::<u8>()];
    (number, proptest::collection::vec(part, 0..6)).prop_map(|(number, parts)| {
        let mut message = vec![number];
        message.extend(parts.concat());
        message
    })
}

proptest! {
    #![proptest_config(trials::cases(400))]

    #[test]
    fn any_bytes_at_all(line in any::<bool>(), bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut server = Connection::new([1; 32]);
        if line {
            server.receive(b"SSH-2.0-x\r\n");
        }
        server.receive(&bytes);
        exhaust(&mut server);
    }

    #[test]
    fn any_messages_before_the_keys(messages in proptest::collection::vec(message(), 0..8)) {
        let mut server = Connection::new([1; 32]);
        let mut client = Outgoing::new(LINE, Generator::from_seed([4; 32]));
        for message in messages {
            client.send(&message);
        }
        server.receive(client.waiting());
        exhaust(&mut server);
    }

    #[test]
    fn any_messages_after_the_keys(is_in in any::<bool>(), messages in proptest::collection::vec(message(), 0..12)) {
        let mut pair = match is_in {
            true => Pair::logged_in(),
            false => {
                let mut pair = Pair::new();
                pair.exchange_keys();
                pair
            }
        };
        for message in messages {
            pair.client.send(&message);
        }
        pair.server.receive(pair.client.waiting());
        exhaust(&mut pair.server);
    }

    #[test]
    fn damaged_packets(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
        let mut pair = Pair::logged_in();
        pair.send(Writer::message(channel::DATA).u32(0).string(&[b'x'; 100]));
        let mut bytes = pair.client.waiting().to_vec();
        let at = at.index(bytes.len());
        match cut {
            true => drop(bytes.remove(at)),
            false => bytes[at] ^= 1 << bit,
        }
        // What is missing follows, so that it does not wait for that.
        bytes.extend(vec![0; 35_000 - bytes.len()]);
        pair.server.receive(&bytes);
        let stepped = pair.server.step(&pair.host_key, &mut |_| true);
        prop_assert_eq!(stepped, Err(Fault::Damaged));
    }
}
