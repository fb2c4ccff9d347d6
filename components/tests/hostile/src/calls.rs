//! System calls as an attacker makes them: any number, any arguments.

use alloc::vec::Vec;

use ftl::abi::{Call, Error, Handle, Rights};

/// Goes through the gate; the answer is all six registers.
pub fn raw(number: usize, arguments: [usize; 6]) -> [usize; 6] {
    // SAFETY: what a call does to this component is this component's problem, see the crate's first lines.
    unsafe { ftl::sys::raw_call(number, arguments) }
}

/// The first register of the answer, as value or error.
pub fn call(call: Call, arguments: [usize; 6]) -> Result<usize, Error> {
    Error::from_register(raw(call as usize, arguments)[0])
}

/// Every handle that this component holds, found by trying: the channels to init and to the client, the
/// event loop's queue, and whatever attacks have left. Attacks that are to go on spare these.
pub fn held() -> Vec<Handle> {
    let mut found = Vec::new();
    for index in 0..64 {
        for generation in 1..6 {
            let handle = Handle::new(index, generation);
            let arguments = [
                handle.raw() as usize,
                Rights::NONE.bits() as usize,
                0,
                0,
                0,
                0,
            ];
            match call(Call::HandleDuplicate, arguments) {
                Err(Error::BadHandle) => {}
                Ok(copy) => {
                    let _ = call(Call::HandleClose, [copy, 0, 0, 0, 0, 0]);
                    found.push(handle);
                }
                Err(_) => found.push(handle),
            }
        }
    }
    found
}
