use alloc::string::ToString;
use alloc::vec;

use super::*;

fn sample() -> Plan {
    let component = |name: &str, needs: Vec<Need>| Component {
        name: name.to_string(),
        doc: "Does something.".to_string(),
        image: name.to_string(),
        isolation: 1,
        priority: 5,
        cpu_share_percent: 90,
        messages_max: 4096,
        restart: Restart::OnFailure,
        crashes_max: 5,
        handles_max: 64,
        threads_max: 1,
        memory_pages_max: 1024,
        heap_len: 1 << 20,
        stack_len: 1 << 16,
        heartbeat_ms: 0,
        keeps_state: name != "date",
        terminal: name == "date",
        directory: (name == "date").then_some(DirectoryRights::Read),
        settings: vec![1, 2, 3],
        provides: vec![Provide {
            name: "ping".to_string(),
            interface: "ping".to_string(),
            hash: 7,
        }],
        needs,
        devices: vec![Device {
            name: "nic".to_string(),
            compatible: "virtio,mmio".to_string(),
            virtio_id: 1,
            all: true,
        }],
    };
    let need = Need {
        name: "ping".to_string(),
        interface: "ping".to_string(),
        hash: 7,
        provider: Provider::Component(0, 0),
        optional: false,
        queue_len: 16,
        body_len_max: 12,
        grant: vec![4, 5],
    };
    Plan {
        name: "default".to_string(),
        components: vec![
            component("pong", vec![]),
            component("echo", vec![need.clone()]),
        ],
        commands: vec![component("date", vec![need])],
        exit_when: Some(1),
    }
}

#[test]
fn a_plan_survives_its_encoding() {
    assert_eq!(Plan::decode(&sample().encode()), Ok(sample()));
}

#[test]
fn every_cut_is_noticed() {
    let bytes = sample().encode();
    for len in 0..bytes.len() {
        assert!(Plan::decode(&bytes[..len]).is_err(), "cut to {len}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Plan::decode(&longer), Err(Error::Invalid(bytes.len())));
}

#[test]
fn no_damage_makes_it_panic() {
    let bytes = sample().encode();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            let _ = Plan::decode(&damaged);
        }
    }
}

#[test]
fn references_that_lead_nowhere_are_refused() {
    let mut plan = sample();
    plan.exit_when = Some(2);
    assert_eq!(Plan::decode(&plan.encode()), Err(Error::BadReference));
    // Nobody may need what is started later, itself included.
    let mut plan = sample();
    plan.components[1].needs[0].provider = Provider::Component(1, 0);
    assert_eq!(Plan::decode(&plan.encode()), Err(Error::BadReference));
    let mut plan = sample();
    plan.components[1].needs[0].interface = "net".to_string();
    assert_eq!(Plan::decode(&plan.encode()), Err(Error::BadReference));
}

#[test]
fn only_commands_may_lack_what_they_cannot_do_without() {
    let mut plan = sample();
    plan.commands[0].needs[0].provider = Provider::None;
    assert_eq!(Plan::decode(&plan.encode()), Ok(plan));
    let mut plan = sample();
    plan.components[1].needs[0].provider = Provider::None;
    assert_eq!(Plan::decode(&plan.encode()), Err(Error::BadReference));
    let mut plan = sample();
    plan.commands[0].needs[0].provider = Provider::Component(2, 0);
    assert_eq!(Plan::decode(&plan.encode()), Err(Error::BadReference));
}
