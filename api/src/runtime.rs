//! What happens before `main`, after it, and instead of it when it panics.

use abi::{ABI_VERSION, StartInfo};

use crate::handle::{Folio, OwnedHandle};
use crate::{gate, stage, sys};

/// What a component's `main` takes: `Environ`, generated from `component.yml`, or the bare
/// [`StartInfo`], which only init wants.
pub trait Environment: Sized {
    /// Makes it, once, before `main`.
    fn new(info: &'static StartInfo) -> abi::Result<Self>;
}

impl Environment for &'static StartInfo {
    fn new(info: &'static StartInfo) -> abi::Result<Self> {
        Ok(info)
    }
}

/// The boot archive, which only init is given: its bytes, and the folio that they lie in.
pub fn boot_archive(info: &'static StartInfo) -> abi::Result<(&'static [u8], Folio)> {
    if info.archive.is_none() {
        return Err(abi::Error::NotFound);
    }
    let len = info.archive_len as usize;
    let address = sys::folio_map(info.archive, 0, len, false)?;
    // SAFETY: the kernel mapped this many bytes there. It never unmaps them by itself, nothing in
    // this crate does, and nobody can write them: the kernel gives out this folio without the
    // right to.
    let bytes = unsafe { core::slice::from_raw_parts(address as *const u8, len) };
    Ok((bytes, OwnedHandle::from_raw(info.archive).into()))
}

/// What a component's `main` may return.
pub trait Termination {
    /// The status that the component ends with: 0 is success.
    fn status(self) -> usize;
}

impl Termination for () {
    fn status(self) -> usize {
        0
    }
}

impl Termination for usize {
    fn status(self) -> usize {
        self
    }
}

impl Termination for core::convert::Infallible {
    fn status(self) -> usize {
        match self {}
    }
}

impl<T: Termination, E: core::fmt::Display> Termination for core::result::Result<T, E> {
    fn status(self) -> usize {
        match self {
            Ok(value) => value.status(),
            Err(error) => {
                crate::io::complain(&error);
                1
            }
        }
    }
}

/// Sets the component up, runs `main`, and answers with its status. The entry point and
/// `libs/testkit` call this; nobody else should.
pub fn run<E: Environment, T: Termination>(info: &'static StartInfo, main: fn(E) -> T) -> usize {
    // SAFETY: the kernel wrote this address; that it is a gate is its part of the contract.
    unsafe { gate::open(info.gate) };
    adopt(info);
    if info.abi_version != ABI_VERSION {
        crate::error!(
            "built for version {ABI_VERSION} of the kernel's calls, not {}",
            info.abi_version
        );
        return 1;
    }
    let status = match E::new(info) {
        Ok(environment) => main(environment).status(),
        Err(error) => {
            crate::error!("could not start: {error}");
            1
        }
    };
    stage::flush();
    status
}

/// [`run`] for a component that takes what it is given apart by itself. For `libs/testkit`.
#[doc(hidden)]
pub fn run_with(
    info: &'static StartInfo,
    main: impl FnOnce(crate::bootstrap::Start) -> usize,
) -> usize {
    adopt(info);
    let status = crate::bootstrap::Start::receive(info).map_or(1, main);
    stage::flush();
    status
}

/// Makes the calling thread know clock and log. For `libs/testkit`: a test's own thread has no
/// `main` that [`run`] could call.
#[doc(hidden)]
pub fn adopt(info: &StartInfo) {
    let local = gate::local();
    local.ticks_per_second.set(info.ticks_per_second);
    local.boot_ticks.set(info.boot_ticks);
    local.bootstrap.set(info.bootstrap);
    local.name.set(info.name);
    local.memory_len.set(info.memory_len);
    local.first_thread.set(gate::message_buffer());
    crate::log::start();
    crate::log::set_level(info.log_level as u8);
}

/// [`run`] on FTL itself: comes from the entry point, and ends the component.
#[doc(hidden)]
pub fn start<E: Environment, T: Termination>(info: &'static StartInfo, main: fn(E) -> T) -> ! {
    #[cfg(target_os = "none")]
    crate::heap::start(info);
    sys::process_exit(run(info, main))
}

/// Writes the entry point. `#[ftl::main]` expands to this.
///
/// It stands here and not in the attribute so that the component may forbid unsafe code: what
/// comes out of this macro is this crate's.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        const _: () = {
            #[cfg(target_os = "none")]
            #[unsafe(no_mangle)]
            extern "C" fn _start(info: &'static $crate::abi::StartInfo) -> ! {
                $crate::runtime::start(info, $main)
            }

            // Keeps a host build of the whole workspace linking.
            #[cfg(not(any(test, target_os = "none")))]
            #[unsafe(no_mangle)]
            extern "C" fn main() -> i32 {
                $crate::runtime::refuse_on_host()
            }
        };
    };
}

/// What a component's program does when somebody starts it on the host.
#[cfg(not(target_os = "none"))]
#[doc(hidden)]
pub fn refuse_on_host() -> i32 {
    std::eprintln!("this is a component of FTL: start it with `./ftl run`");
    1
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    use core::fmt::Write;

    // No `stage::flush` here: whether the reply is whole cannot be known any more. Its caller
    // hears that this component restarted.
    let mut text = crate::buffer::SendText::new();
    let _ = write!(text, "{}", info.message());
    if let Some(location) = info.location() {
        let _ = write!(text, "\n{}:{}", location.file(), location.line());
    }
    sys::process_panic(text.len())
}
