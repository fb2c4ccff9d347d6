//! The stack itself: what comes in, what goes out, and when.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use hashbrown::HashMap;
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::phy::{DeviceCapabilities, Medium};
use smoltcp::socket::{dns, tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress};

use crate::budget::Owner;
use crate::config::{Address, Addressing, Config, Limits};
use crate::dhcp::Dhcp;
use crate::echo::Echoes;
use crate::event::{Signal, Signals};
use crate::flows::Flows;
use crate::handshake::{HalfOpen, TimeWait};
use crate::hash::Keyed;
use crate::names::Names;
use crate::neighbors::Neighbors;
use crate::out::{BATCH_LEN, ETHERNET_LEN, Frame, Out, Port, Segments, capabilities};
use crate::random::Random;
use crate::statistics::Statistics;
use crate::table::{Id, Table};
use crate::tcp::{Connection, Listener};
use crate::timers::Timers;

mod address;
mod receive;
mod sockets;

pub(crate) use sockets::Cause;

/// Most bytes of a packet of many TCP segments.
const BATCH_MTU: usize = BATCH_LEN - ETHERNET_LEN;

/// A TCP/IP stack.
pub struct Stack {
    pub(crate) mac: EthernetAddress,
    pub(crate) mtu: usize,
    pub(crate) address: Option<Address>,
    pub(crate) interface: Interface,
    /// The same with room for many TCP segments at once in each packet.
    batches: Interface,
    /// Whether whoever sends frames for us cuts such packets up.
    pub(crate) cuts_batches: bool,
    /// Handed to smoltcp with packets that belong to nobody, to make it answer them.
    nobody: SocketSet<'static>,
    pub(crate) out: Out,
    /// TCP's checksums are not ours to finish.
    checksums_elsewhere: bool,
    /// What `next_transmit` gave out last.
    lent: Option<Frame>,
    pub(crate) neighbors: Neighbors,
    pub(crate) random: Random,

    pub(crate) owners: Table<Owner>,
    pub(crate) sockets: Table<Socket>,
    pub(crate) listeners: Table<Listener>,
    /// Whom a TCP segment concerns.
    pub(crate) flows: Flows,
    pub(crate) listener_ports: HashMap<u16, Id, Keyed>,
    pub(crate) udp_ports: HashMap<u16, Id, Keyed>,
    pub(crate) half_open: Table<HalfOpen>,
    /// Stands in for the receive buffers that half-open connections do not have.
    pub(crate) window: Vec<u8>,
    pub(crate) half_open_order: VecDeque<Id>,
    pub(crate) half_open_timers: Timers,
    pub(crate) time_wait: Table<TimeWait>,
    pub(crate) time_wait_order: VecDeque<(Instant, Id)>,

    /// Sockets that may have something to send, each at most once.
    dirty: VecDeque<Id>,
    pub(crate) timers: Timers,
    pub(crate) signals: VecDeque<Signal>,
    pub(crate) names: Names,
    pub(crate) echoes: Echoes,
    dhcp: Option<Dhcp>,
    /// The end of the lease that `Event::LeaseChanged` told of last.
    lease_told: Instant,
    pub(crate) statistics: Statistics,
}

/// A socket in a set of its own.
pub(crate) struct Socket {
    pub set: SocketSet<'static>,
    pub handle: SocketHandle,
    /// Who pays, and how much. Nobody pays for the stack's own DNS socket.
    pub owner: Option<Id>,
    pub charge: usize,
    pub dirty: bool,
    /// Ask at once, without looking whether it has anything to send.
    pub eager: bool,
    pub signals: Signals,
    pub kind: Kind,
}

pub(crate) enum Kind {
    Connection(Connection),
    Udp { port: u16, wants_datagram: bool },
    Names,
}

impl Socket {
    pub fn is_udp(&self) -> bool {
        matches!(self.kind, Kind::Udp { .. })
    }
    pub fn tcp(&mut self) -> &mut tcp::Socket<'static> {
        self.set.get_mut(self.handle)
    }
    pub fn udp(&mut self) -> &mut udp::Socket<'static> {
        self.set.get_mut(self.handle)
    }
    pub fn dns(&mut self) -> &mut dns::Socket<'static> {
        self.set.get_mut(self.handle)
    }
}

impl Stack {
    /// A stack that has not seen a packet yet. `now` is the time since boot, here and everywhere.
    pub fn new(config: Config, now: Duration) -> Stack {
        let mac = EthernetAddress(config.mac);
        let mtu = (config.mtu as usize).clamp(576, 9000);
        let mut random = Random::new(config.seed);
        let Limits {
            sockets_max,
            listeners_max,
            half_open_max,
            time_wait_max,
            replies_max,
        } = config.limits;
        let mut out = Out::new(mtu, replies_max.max(4));
        let now = instant(now);
        let interface = new_interface(random.next_u64(), mtu, &mut out, now);
        let batches = new_interface(random.next_u64(), BATCH_MTU, &mut out, now);
        let keyed = Keyed::new(&mut random);
        let mut stack = Stack {
            mac,
            mtu,
            address: None,
            interface,
            batches,
            cuts_batches: false,
            nobody: SocketSet::new(Vec::new()),
            out,
            checksums_elsewhere: false,
            lent: None,
            neighbors: Neighbors::new(mac, keyed.clone()),
            owners: Table::new(4096),
            // One more for the stack's own DNS socket.
            sockets: Table::new(sockets_max + 1),
            listeners: Table::new(listeners_max),
            flows: Flows::new(keyed.clone()),
            listener_ports: HashMap::with_hasher(keyed.clone()),
            udp_ports: HashMap::with_hasher(keyed),
            half_open: Table::new(half_open_max),
            window: Vec::new(),
            half_open_order: VecDeque::new(),
            half_open_timers: Timers::default(),
            time_wait: Table::new(time_wait_max),
            time_wait_order: VecDeque::new(),
            dirty: VecDeque::new(),
            timers: Timers::default(),
            signals: VecDeque::new(),
            names: Names::default(),
            echoes: Echoes::default(),
            dhcp: None,
            lease_told: Instant::ZERO,
            statistics: Statistics::default(),
            random,
        };
        stack.start_names();
        stack.name_addresses();
        match config.addressing {
            Addressing::Static(address) => stack.set_address(Some(address)),
            Addressing::Dhcp(lease) => {
                let seed = stack.random.next_u64();
                let mut dhcp = Dhcp::new(mac, stack.mtu, seed, &mut stack.out, now);
                if let Some(lease) = lease
                    && instant(lease.until) > now
                {
                    dhcp.inherit(instant(lease.until));
                    stack.set_address(Some(lease.address));
                }
                stack.dhcp = Some(dhcp);
            }
        }
        stack
    }

    /// Counters.
    pub fn statistics(&self) -> Statistics {
        let mut statistics = self.statistics;
        statistics.replies_dropped += self.out.dropped;
        statistics.unresolved += self.neighbors.unresolved;
        statistics
    }

    /// How many sockets there are, connections being closed included.
    pub fn socket_count(&self) -> usize {
        self.sockets.len() - 1
    }

    /// Steps that were taken in the heap of deadlines, for tests that count work.
    pub fn timer_steps(&self) -> u64 {
        self.timers.steps
    }

    /// Says whether whoever sends frames for us finishes TCP's checksums: see [`Stack::unfinished`].
    pub fn leave_checksums(&mut self, elsewhere: bool) {
        self.checksums_elsewhere = elsewhere;
    }

    /// Says how long a frame may be that whoever sends it for us cuts into TCP segments: see [`Stack::segments`]. 0 if it
    /// does not, and whatever is too short to be worth it is taken for 0. It has to finish checksums as well.
    pub fn leave_segmentation(&mut self, frame_len: usize) {
        self.cuts_batches = frame_len >= BATCH_LEN && self.checksums_elsewhere;
    }

    /// The frame that was given out last.
    #[inline]
    pub fn lent(&self) -> Option<&[u8]> {
        Some(self.lent.as_ref()?.bytes())
    }

    /// How the frame that was given out last is to be cut into segments, if it is.
    #[inline]
    pub fn segments(&self) -> Option<Segments> {
        self.lent.as_ref()?.segments
    }

    /// Where the bytes begin of which the frame that was given out last still needs a checksum, if it does. The field is
    /// 16 bytes from there on and has the pseudo header's sum in it.
    pub fn unfinished(&self) -> Option<u16> {
        self.lent.as_ref()?.unfinished
    }

    /// Does what is due by now.
    pub fn poll(&mut self, now: Duration) {
        let now = instant(now);
        while let Some((deadline, index)) = self.timers.first()
            && deadline <= now
        {
            self.timers.set(index, None);
            if let Some(id) = self.sockets.id_at(index) {
                self.mark_dirty(id);
            }
        }
        self.poll_handshakes(now);
        let own = self.address.as_ref().map(|address| address.ip);
        self.neighbors.poll(&mut self.out, own, now);
        self.poll_echoes(now);
        self.poll_dhcp(now);
    }

    /// When to call [`Stack::poll`] next, unless something happens before.
    pub fn deadline(&self) -> Option<Duration> {
        // One after the other: it is asked for after each event, and mostly there is just the first.
        let mut nearest = self.timers.first().map(|first| first.0);
        let mut consider = |deadline: Option<Instant>| {
            if let Some(deadline) = deadline
                && nearest.is_none_or(|nearest| deadline < nearest)
            {
                nearest = Some(deadline);
            }
        };
        consider(self.handshake_deadline());
        consider(self.neighbors.deadline());
        consider(self.echoes.deadline());
        consider(self.dhcp.as_ref().and_then(|dhcp| dhcp.deadline));
        nearest.map(duration)
    }
}

/// smoltcp's time for ours.
pub(crate) fn instant(now: Duration) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

/// Our time for smoltcp's.
fn duration(at: Instant) -> Duration {
    Duration::from_micros(at.total_micros().max(0) as u64)
}

/// An interface of smoltcp's that deals in IP packets; Ethernet and ARP are ours.
pub(crate) fn new_interface(seed: u64, mtu: usize, out: &mut Out, now: Instant) -> Interface {
    let mut config = smoltcp::iface::Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut port = Port {
        incoming: None,
        out,
        capabilities: port_capabilities(mtu),
    };
    Interface::new(config, &mut port, now)
}

pub(crate) fn port_capabilities(mtu: usize) -> DeviceCapabilities {
    capabilities(Medium::Ip, mtu)
}
