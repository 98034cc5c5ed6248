//! Memory made ready beside the stream.
//!
//! The system clears a page when it is first touched. A huge page, which the state wants for its
//! random reads, takes up to some milliseconds then, where a virtual machine's memory comes late
//! itself. So a thread touches what the allocator will hand out next, before an event needs it.

#![allow(unsafe_code, reason = "one foreign function that takes two numbers; see `option`")]

use std::hint::black_box;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use mimalloc as _; // The allocator that `option` speaks to is linked wherever this is.

/// Between two rounds: the state grows by some megabytes in that time at most.
const EVERY: Duration = Duration::from_millis(200);
/// The smallest page of the machines that we know.
const PAGE: usize = 4_096;

mod option {
    use std::ffi::{c_int, c_long};

    /// mimalloc's `purge_delay`: milliseconds until freed memory goes back to the system.
    pub(super) const PURGE_DELAY: c_int = 15;

    // SAFETY: mimalloc 2 and 3 declare `void mi_option_set(mi_option_t option, long value)`, an enum
    // and a number. It checks the range of both, stores the value in an atomic or a plain static
    // that other threads only read as a number, and touches no memory of ours: no call can break an
    // invariant of this program. Where another allocator is the global one nothing reads the value.
    unsafe extern "C" {
        pub(super) safe fn mi_option_set(option: c_int, value: c_long);
    }
}

/// The thread that keeps memory ready; it ends when this is dropped.
#[derive(Debug)]
pub struct Ready {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Keeps about so many bytes ready ahead of what is used, from now on. None: the memory is used as it
/// comes. What was once used stays with the process.
pub fn keep_ready(bytes: usize) -> io::Result<Ready> {
    if bytes == 0 {
        return Ok(Ready { stop: None, thread: None });
    }
    // Or what was touched would be given back before it is needed.
    option::mi_option_set(option::PURGE_DELAY, -1);
    touch(bytes);
    let (stop, stopped) = channel::<()>();
    let thread = std::thread::Builder::new().name("memory".to_owned()).spawn(move || {
        while stopped.recv_timeout(EVERY) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            touch(bytes);
        }
    })?;
    Ok(Ready { stop: Some(stop), thread: Some(thread) })
}

/// Takes memory, touches every page of it and gives it back: the allocator hands it out next.
fn touch(bytes: usize) {
    let mut block: Vec<u8> = Vec::new();
    if block.try_reserve_exact(bytes).is_err() {
        return;
    }
    for page in block.spare_capacity_mut().chunks_mut(PAGE) {
        if let Some(first) = page.first_mut() {
            first.write(0);
        }
    }
    black_box(&block);
}

impl Drop for Ready {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once, and cannot panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that stops must not wait for it, and none must be left behind.
    #[test]
    fn the_thread_ends_with_its_handle() {
        let ready = keep_ready(1 << 20).unwrap();
        assert!(ready.thread.is_some());
        drop(ready);
        assert!(keep_ready(0).unwrap().thread.is_none());
        touch(usize::MAX >> 1);
    }
}
