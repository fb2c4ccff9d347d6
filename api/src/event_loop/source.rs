//! What a loop can listen to, and as whom it is heard.

use core::marker::PhantomData;

use abi::{Error, Handle, Result};

use crate::end::{End, Incoming, Transaction};
use crate::handle::{AsHandle, Doorbell, Interrupt, KernelTimer, OwnedHandle, Process};

/// All messages that a component can hear: generated in its `spec`.
pub trait Messages: 'static {
    /// The enum with one variant for each interface and role.
    type Message<'a>;

    /// Decodes a message that came on a channel with this tag (see [`Hears`]).
    fn decode<'a>(tag: u16, incoming: Incoming<'a>) -> Result<Self::Message<'a>>;

    /// The message that ends a call because its server is gone.
    fn ended<'a>(
        tag: u16,
        ordinal: u32,
        transaction: Transaction,
        error: Error,
    ) -> Option<Self::Message<'a>>;
}

/// That a component can hear what arrives at ends of type `E`: generated in its `spec`.
#[diagnostic::on_unimplemented(
    message = "this component does not hear what arrives at `{E}`",
    note = "add its interface under `needs` or `provides` in `component.yml`, then run `./ftl gen`"
)]
pub trait Hears<E> {
    /// Tells this kind of channel from the component's others.
    const TAG: u16;
}

/// Something that an event loop can listen to.
pub trait Attach<M> {
    /// What the loop is to know about it.
    fn port(self) -> Port;
}

/// What an event loop knows about one of its sources. Made by [`Attach::port`].
#[derive(Debug)]
pub struct Port(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    Free { next: usize },
    Channel { end: End, tag: u16 },
    Provider { index: u16, tag: u16 },
    Object { handle: Handle },
    Bootstrap,
}

impl Port {
    /// A typed channel end.
    pub fn channel(end: End, tag: u16) -> Port {
        Port(Kind::Channel { end, tag })
    }
    fn object(object: &impl AsHandle) -> Port {
        Port(Kind::Object {
            handle: object.handle(),
        })
    }
}

macro_rules! attach_objects {
    ($($name:ident)+) => {$(
        impl<M> Attach<M> for &$name {
            fn port(self) -> Port {
                Port::object(self)
            }
        }
    )+};
}

attach_objects!(Interrupt Doorbell KernelTimer Process);

/// A source of clients: what `env` holds for each interface that the component provides.
#[derive(Debug)]
pub struct Provider<E> {
    pub(super) index: u16,
    end: PhantomData<fn() -> E>,
}

impl<E> Provider<E> {
    /// The provider at this place in the component's file.
    pub fn new(index: u16) -> Provider<E> {
        Provider {
            index,
            end: PhantomData,
        }
    }
}

impl<M: Hears<E>, E> Attach<M> for Provider<E> {
    fn port(self) -> Port {
        Port(Kind::Provider {
            index: self.index,
            tag: M::TAG,
        })
    }
}

/// One client of a provider: see [`EventLoop::add_each`](super::EventLoop::add_each).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Connection {
    pub(super) slot: u32,
    pub(super) serial: u32,
}

/// A typed end of a channel.
pub trait TypedEnd: From<End> {
    /// The untyped end inside.
    fn end(&self) -> &End;

    /// Goes on with the channel of `fresh`, in all clones, after the peer of this one has gone:
    /// for what was got by a call that is `resumable`. An event loop has to be given it again.
    fn resume(&self, fresh: Self) {
        let channel = OwnedHandle::from(fresh.end().clone());
        self.end().inner.reconnect(channel.into());
    }
}
