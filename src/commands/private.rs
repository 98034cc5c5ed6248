//! What goes through a command is personal: nothing of it outlives the process in a core file or in
//! the words of a panic.

/// For every command, before it reads anything.
pub fn keep_private() {
    keep_memory();
    std::panic::set_hook(Box::new(|info| {
        // The place and not the payload, which may hold a value of an event.
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("tidegate: a fault of the program at {place}; what it was about is not shown");
    }));
}

/// No core file, no look from outside.
fn keep_memory() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A system that refuses both leaves us no worse off than a program that does not ask.
    let _ = rustix::process::setrlimit(Resource::Core, none);
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
