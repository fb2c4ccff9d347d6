//! What can go wrong with a device.

/// Why a device cannot be used, or not for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// These are not the registers of a virtio device.
    NotVirtio,
    /// A device of the old kind (version 1), which this crate does not drive. With QEMU:
    /// `-global virtio-mmio.force-legacy=false`.
    Legacy,
    /// Another kind of device than the one asked for; its device id.
    WrongDevice(u32),
    /// The device lacks a feature that is needed here, or refused our choice of features.
    Features,
    /// The device has no such queue, or only a shorter one.
    NoQueue,
    /// The device has no room for the message that its interrupts are to be.
    NoInterrupt,
    /// The memory given is too small, or a buffer does not lie in it.
    Memory,
    /// The queue is full.
    QueueFull,
    /// The device did not finish a reset in time.
    ResetTimedOut,
    /// The device asks for a reset (section 2.1.2).
    NeedsReset,
    /// The device broke the protocol.
    DeviceMisbehaved(Misbehaviour),
}

/// How a device broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// It says that it used more buffers than it was given.
    UsedTooMany,
    /// It returned a descriptor that is not the head of an outstanding buffer.
    UnknownHead(u32),
    /// It says that it wrote more than the buffer holds.
    LengthTooLarge(u32),
    /// A received packet is shorter than its header.
    PacketTooShort(u32),
    /// It merged more buffers into one packet than were there, or none.
    BufferCount(u32),
    /// Its configuration changed each time it was read.
    UnstableConfig,
    /// A request's status is none that the specification knows.
    Status(u8),
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::NotVirtio => f.write_str("there is no virtio device"),
            Error::Legacy => f.write_str(
                "the device is a legacy one; QEMU: -global virtio-mmio.force-legacy=false",
            ),
            Error::WrongDevice(id) => {
                write!(f, "the device is of another kind (virtio device id {id})")
            }
            Error::Features => f.write_str("the device lacks a feature that is needed"),
            Error::NoQueue => f.write_str("the device lacks a queue, or it is too short"),
            Error::NoInterrupt => f.write_str("the device cannot send its interrupts as messages"),
            Error::Memory => f.write_str("the memory for the device is too small"),
            Error::QueueFull => f.write_str("the device's queue is full"),
            Error::ResetTimedOut => f.write_str("the device does not finish its reset"),
            Error::NeedsReset => f.write_str("the device met an error and asks for a reset"),
            Error::DeviceMisbehaved(how) => write!(f, "the device broke the protocol: {how:?}"),
        }
    }
}

impl core::error::Error for Error {}

impl From<Misbehaviour> for Error {
    fn from(how: Misbehaviour) -> Error {
        Error::DeviceMisbehaved(how)
    }
}
