//! Asking for echoes.

mod common;
use common::*;

fn ping(world: &mut World, to: Ipv4Addr) -> Result<Duration, Error> {
    let id = world.stacks[1].ping(to, world.now).unwrap();
    let mut found = None;
    world.until(Duration::from_secs(10), "an echo", |world| {
        let mut events = world.events[1].iter();
        found = events.find_map(|event| match event {
            Event::Echoed(of, result) if *of == id => Some(*result),
            _ => None,
        });
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn who_is_there_answers_and_who_is_not_does_not() {
    let mut world = World::new(Wire::default(), 1);
    assert!(ping(&mut world, SERVER).is_ok());
    assert!(ping(&mut world, CLIENT).is_ok());
    assert!(ping(&mut world, Ipv4Addr::LOCALHOST).is_ok());
    let nobody = Ipv4Addr::new(10, 0, 0, 77);
    assert_eq!(ping(&mut world, nobody), Err(Error::TimedOut));
}

#[test]
fn a_wire_that_loses_half_loses_some() {
    let wire = Wire {
        lose: 300,
        double: 300,
        delay: 300,
        ..Wire::default()
    };
    let mut world = World::new(wire, 3);
    let answered = (0..40).filter(|_| ping(&mut world, SERVER).is_ok()).count();
    assert!((1..40).contains(&answered), "{answered}");
}

#[test]
fn what_cannot_be_asked_is_refused_and_there_is_an_end() {
    let mut world = World::new(Wire::default(), 1);
    let now = world.now;
    let stack = &mut world.stacks[1];
    for to in ["0.0.0.0", "255.255.255.255", "10.0.0.255", "224.0.0.1"] {
        let asked = stack.ping(to.parse().unwrap(), now);
        assert_eq!(asked, Err(Error::InvalidArgument), "{to}");
    }
    let asked = (0..100).filter(|_| stack.ping(SERVER, now).is_ok()).count();
    assert!((1..=32).contains(&asked), "{asked}");
    // All of them end, so that there is room again.
    world.rest(Duration::from_secs(10));
    assert!(ping(&mut world, SERVER).is_ok());
}
