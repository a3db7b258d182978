//! What is left of crate aye without std and without an allocator, behind one C function that uses all of it: the
//! encoder, the address, sending with a descriptor and the barrier.
#![no_std]

use core::ffi::{CStr, c_char, c_int};
use core::panic::PanicInfo;
use core::time::Duration;

use aye::{Address, Assignment, Encoder, HangUp, Notifier};
use rustix::fd::AsFd;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Says READY and a status, stores a descriptor, and waits until all that was received; 0, or the number of the step that
/// failed.
///
/// # Safety
/// `address` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aye_speak(address: *const c_char) -> c_int {
    // SAFETY: by the caller's word.
    let address = unsafe { CStr::from_ptr(address) };
    match speak(address.to_bytes()) {
        Ok(()) => 0,
        Err(step) => step,
    }
}

fn speak(address: &[u8]) -> Result<(), c_int> {
    let notifier = Notifier::connect(&Address::parse(address).map_err(|_| 1)?).map_err(|_| 2)?;
    let mut message = Encoder::new();
    message.push(Assignment::Ready).map_err(|_| 3)?.push(Assignment::Status("without std")).map_err(|_| 4)?;
    notifier.send(message.bytes()).map_err(|_| 5)?;
    let (read, _write) = rustix::pipe::pipe().map_err(|_| 6)?;
    notifier.store("pipe", &[read.as_fd()], HangUp::IsIgnored).map_err(|_| 7)?;
    notifier.barrier(Duration::from_secs(5)).map_err(|_| 8)
}
