//! What becomes of connections when components of the network die, and what components do on the network
//! themselves: see components/tests/net_proof, which the tests tell what to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

/// The address that the machine QEMU runs on has in the guest's network.
const HOST: &str = "10.0.2.2";

/// A system with a component that does what it is told.
struct Proof {
    ftl: e2e::Ftl,
    master: BufReader<TcpStream>,
}

impl Proof {
    fn boot(boot: e2e::Boot) -> Proof {
        let ftl = boot.smp(2).port(80).port(81).start();
        ftl.wait_for("http_server: listens on port 80");
        ftl.wait_for("net_proof: listens on port 81");
        let master = BufReader::new(e2e::http::connect(ftl.port(81)));
        Proof { ftl, master }
    }

    /// Tells it to do something.
    fn tell(&mut self, line: &str) {
        let text = format!("{line}\n");
        let sent = self.master.get_mut().write_all(text.as_bytes());
        sent.expect("a line can be sent");
    }

    /// Its answer.
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.master.read_line(&mut line).expect("an answer comes");
        line.trim_end().to_owned()
    }
}

/// Byte number `at` of what `/download` sends.
fn computed_byte(at: usize) -> u8 {
    (at ^ at >> 8 ^ at >> 16) as u8
}

/// The driver dies in the middle of a download: the connection lives on, and every byte comes.
fn check_driver_dies(isolation: &str) {
    let len = if e2e::long() { 64 << 20 } else { 16 << 20 };
    let mut proof = Proof::boot(e2e::boot("net_proof").isolation(isolation));
    let mut stream = e2e::http::connect(proof.ftl.port(80));
    let request =
        format!("GET /download?bytes={len} HTTP/1.1\r\nHost: ftl\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("it can be sent");
    // Some of it is read; more than the buffers on the way hold is left.
    let mut answer = vec![0; 1 << 20];
    stream.read_exact(&mut answer).expect("the download begins");
    proof.tell("kill virtio_net");
    assert_eq!(proof.answer(), "ok");
    proof.ftl.wait_for_count("virtio_net: 52:54:00", 2);
    stream.read_to_end(&mut answer).expect("the download ends");
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let body = &answer[head.expect("the head has an end") + 4..];
    assert_eq!(body.len(), len);
    let wrong = (0..len).find(|&at| body[at] != computed_byte(at));
    assert_eq!(wrong, None, "the first byte that differs");
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

#[test]
fn a_download_outlives_the_driver_in_the_kernel() {
    check_driver_dies("kernel");
}

#[test]
fn a_download_outlives_the_driver_in_user_mode() {
    check_driver_dies("user");
}

/// tcpip dies: connections break, and whoever listened listens again.
fn check_tcpip_dies(isolation: &str) {
    let mut proof = Proof::boot(e2e::boot("net_proof").isolation(isolation));
    let port = proof.ftl.port(80);
    assert_eq!(e2e::http::get(port, "/bench").status, 200);
    let mut idle = e2e::http::connect(port);
    idle.write_all(b"GET / HTTP/1.1\r\n")
        .expect("it can be sent");
    proof.tell("kill tcpip");
    for life in 2..=3 {
        proof
            .ftl
            .wait_for_count("http_server: listens on port 80", life);
        proof
            .ftl
            .wait_for_count("net_proof: listens on port 81", life);
        assert_eq!(e2e::http::get(port, "/bench").status, 200);
        if life == 2 {
            proof.master = BufReader::new(e2e::http::connect(proof.ftl.port(81)));
            proof.tell("kill tcpip");
        }
    }
    // The address was kept: nobody had to ask for it again before it served.
    let log = proof.ftl.log().join("\n");
    assert!(
        log.matches("tcpip: address 10.0.2.15/24").count() >= 3,
        "{log}"
    );
}

#[test]
fn listeners_come_back_when_tcpip_dies_in_the_kernel() {
    check_tcpip_dies("kernel");
}

#[test]
fn listeners_come_back_when_tcpip_dies_in_user_mode() {
    check_tcpip_dies("user");
}

#[test]
fn components_send_datagrams_and_connect_to_others() {
    let mut proof = Proof::boot(e2e::boot("net_proof"));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let limit = socket.set_read_timeout(Some(e2e::PATIENCE));
    limit.expect("a limit can be set");
    let port = socket.local_addr().expect("it has one").port();
    for text in ["a datagram", "and another one"] {
        proof.tell(&format!("udp {HOST}:{port} {text}"));
        let mut buffer = [0; 100];
        let (len, from) = socket.recv_from(&mut buffer).expect("the datagram comes");
        assert_eq!(&buffer[..len], text.as_bytes());
        socket.send_to(b"its answer", from).expect("it can be sent");
        assert_eq!(proof.answer(), "its answer");
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    proof.tell(&format!("connect {HOST}:{port} some text"));
    let (mut peer, _) = listener.accept().expect("it connects");
    let mut text = [0; 9];
    peer.read_exact(&mut text).expect("its text comes");
    assert_eq!(&text, b"some text");
    peer.write_all(b"OTHER TXT").expect("it can be answered");
    assert_eq!(proof.answer(), "OTHER TXT");
    drop(listener);
    proof.tell(&format!("connect {HOST}:{port} text"));
    // QEMU's network accepts first and then finds that nobody listens.
    let refused = proof.answer();
    assert!(
        refused.is_empty() || refused.starts_with("error: Connection"),
        "{refused}"
    );
}

/// Answers a question for a name's address with two of them. RFC 1035, section 4.
fn answer_name(question: &[u8]) -> Vec<u8> {
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0]);
    let end = 12 + question[12..].iter().position(|&b| b == 0).expect("a name") + 5;
    answer.extend(&question[12..end]);
    for last in [1, 2] {
        // The name is the question's; type A, class IN, a minute, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last]);
    }
    answer
}

#[test]
fn components_ask_for_names() {
    // smoltcp asks port 53 only, which not everybody may have.
    let server = match UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)) {
        Ok(server) => server,
        Err(error) if !e2e::long() => {
            eprintln!("port 53 of this machine cannot be had ({error}): names were not tried");
            return;
        }
        Err(error) => panic!("port 53: {error}"),
    };
    let mut proof = Proof::boot(
        e2e::boot("net_proof")
            .set("tcpip.address", "10.0.2.15/24")
            .set("tcpip.gateway", HOST)
            .set("tcpip.dns", HOST),
    );
    proof.tell("resolve ftl.example");
    let limit = server.set_read_timeout(Some(e2e::PATIENCE));
    limit.expect("a limit can be set");
    let mut question = [0; 512];
    let (len, from) = server.recv_from(&mut question).expect("the question comes");
    let sent = server.send_to(&answer_name(&question[..len]), from);
    sent.expect("it can be answered");
    assert_eq!(proof.answer(), "192.0.2.1 192.0.2.2");
}

#[test]
fn echoes_come_back_from_both_sides() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    let ftl = e2e::boot("echo")
        .port(7)
        .set("echo_client.server", format!("{HOST}:{port}"))
        .start();
    let (mut client, _) = listener.accept().expect("the client connects");
    let mut line = [0; 15];
    client.read_exact(&mut line).expect("its line comes");
    client.write_all(&line).expect("it can be answered");
    ftl.wait_for("answers: Hello from FTL!");
    ftl.wait_for("echo_server: listens on port 7");
    let mut stream = e2e::http::connect(ftl.port(7));
    let sent: Vec<u8> = (0..4000).map(computed_byte).collect();
    for _ in 0..50 {
        stream.write_all(&sent).expect("all can be sent");
        let mut back = vec![0; sent.len()];
        stream.read_exact(&mut back).expect("all comes back");
        assert!(back == sent);
    }
}

/// A command asks the machine's own web server, by both of its addresses and by name; and who else is there.
#[test]
fn the_machine_talks_with_itself() {
    let commands = "
        for at in 127.0.0.1 localhost 10.0.2.15; do
            until curl http://$at/ > page; do sleep 0.1; done
            grep -c '<title>' page
        done
        curl http://127.0.0.1:1/ || printf 'refused: %d\\n' $?
        for at in localhost 10.0.2.15 10.0.2.2; do ping -c 1 $at | grep -c 'answers after'; done
    ";
    let output = e2e::commands::exec("default", commands).run().ended_with(0);
    assert_eq!(output.text(), "1\n1\n1\nrefused: 1\n1\n1\n1\n");
}
