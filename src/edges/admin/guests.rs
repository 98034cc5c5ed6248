//! How many clients there may be, and how much of what they say is held: nobody's connections, lines
//! or proposals keep another one out, and who may switch a rule off always finds a place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clients at once.
const CLIENTS_MAX: usize = 64;
/// Places among them for people who may switch rules off and go back to a bundle.
const RESERVED: usize = 16;
/// Clients of one person at once.
const PERSON_MAX: usize = 8;
/// Requests at once that are large or long in the making; one of each person.
const LARGE_MAX: usize = 2;

// The reserved places are more than one person can take.
const _: () = assert!(RESERVED > PERSON_MAX && CLIENTS_MAX > 2 * RESERVED);

/// Everybody who is connected.
#[derive(Clone, Debug, Default)]
pub(super) struct Guests(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    /// Connections by person.
    people: BTreeMap<String, usize>,
    /// Connections of people who have no right to a reserved place.
    ordinary: usize,
    /// Whose large requests are being read or judged.
    large: Vec<String>,
}

/// A place, until dropped.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Guests,
    person: String,
    is_ordinary: bool,
}

/// The right to a large request, until dropped.
#[derive(Debug)]
pub(super) struct Large {
    guests: Guests,
    person: String,
}

/// Whether somebody may take one of the reserved places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// He may switch rules off.
    Reserved,
    /// He may not.
    Ordinary,
}

impl Guests {
    /// Lets a client in, or says why not.
    pub(super) fn admit(&self, person: &str, place: Place) -> Result<Guest, String> {
        let mut inside = self.inside();
        let total: usize = inside.people.values().sum();
        let own = inside.people.get(person).copied().unwrap_or(0);
        if own >= PERSON_MAX {
            return Err(format!("{person} has {PERSON_MAX} connections already: end one"));
        }
        let is_ordinary = place == Place::Ordinary;
        if total >= CLIENTS_MAX || is_ordinary && inside.ordinary >= CLIENTS_MAX - RESERVED {
            return Err("there are too many connections: try again in a minute".to_owned());
        }
        *inside.people.entry(person.to_owned()).or_default() += 1;
        inside.ordinary += usize::from(is_ordinary);
        drop(inside);
        Ok(Guest { guests: self.clone(), person: person.to_owned(), is_ordinary })
    }

    /// Lets a large request in, or says why not.
    pub(super) fn large(&self, person: &str) -> Result<Large, String> {
        let mut inside = self.inside();
        if inside.large.iter().any(|of| of == person) {
            return Err(format!("another large request of {person} is in work: wait for it"));
        }
        if inside.large.len() >= LARGE_MAX {
            return Err("other large requests are in work: try again in a minute".to_owned());
        }
        inside.large.push(person.to_owned());
        drop(inside);
        Ok(Large { guests: self.clone(), person: person.to_owned() })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Counters are whole between two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut inside = self.guests.inside();
        inside.ordinary -= usize::from(self.is_ordinary);
        if let Some(count) = inside.people.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                inside.people.remove(&self.person);
            }
        }
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        self.guests.inside().large.retain(|of| *of != self.person);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One person's idle connections leave everybody else's places; all analysts together leave
    /// those of who switches off; a place that is left is free again.
    #[test]
    fn nobody_keeps_another_one_out() {
        let guests = Guests::default();
        let mut held = Vec::new();
        for analyst in 0..CLIENTS_MAX {
            let name = format!("analyst {analyst}");
            while let Ok(guest) = guests.admit(&name, Place::Ordinary) {
                held.push(guest);
            }
        }
        assert_eq!(held.len(), CLIENTS_MAX - RESERVED);
        let own = held.iter().filter(|guest| guest.person == "analyst 0").count();
        assert_eq!(own, PERSON_MAX);
        let mut operators: Vec<_> = (0..PERSON_MAX)
            .map(|_| guests.admit("zhao", Place::Reserved).expect("there is a place"))
            .collect();
        assert!(guests.admit("zhao", Place::Reserved).is_err());
        let other = guests.admit("chen", Place::Reserved);
        assert!(other.is_ok(), "one operator leaves another one's place");
        operators.pop();
        assert!(guests.admit("zhao", Place::Reserved).is_ok());
        drop(held);
        assert!(guests.admit("analyst 0", Place::Ordinary).is_ok());
    }

    /// Memory for large requests is bounded, and one person does not take all of it.
    #[test]
    fn large_requests_are_few() {
        let guests = Guests::default();
        let first = guests.large("li").expect("there is room");
        assert!(guests.large("li").is_err());
        let _second = guests.large("wang").expect("there is room");
        assert!(guests.large("chen").is_err());
        drop(first);
        assert!(guests.large("chen").is_ok());
    }
}
