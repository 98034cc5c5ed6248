//! Handles: what stands for a token between the service and who changes a list.
//!
//! Who can have the token of any value finds the value of any token, by asking for all that it may be:
//! a card's missing digits are a million tries. A list's change needs no token outside of the
//! service: a handle names it for the person who asked and for as long as the process runs, and says
//! nothing to the audit topic, to a journal or to anybody else.

use ring::hmac;
use ring::rand::SystemRandom;

use crate::domain::Token;

/// Four rounds of a Feistel network make a permutation that nobody tells from a random one.
const ROUNDS: u8 = 4;

/// Makes handles and takes them back.
#[derive(Debug)]
pub(super) struct Handles(Option<hmac::Key>);

impl Handles {
    /// With a key of its own, which nobody keeps. Without randomness there are no handles.
    pub(super) fn draw() -> Self {
        Self(hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok())
    }

    /// A person's handle for a token.
    pub(super) fn close(&self, person: &str, token: Token) -> Option<Token> {
        let [mut left, mut right] = halves(token);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.scramble(person, round, right)?);
        }
        Some(whole([left, right]))
    }

    /// The token of a person's handle; of anything else a token that nobody has.
    pub(super) fn open(&self, person: &str, handle: Token) -> Option<Token> {
        let [mut left, mut right] = halves(handle);
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.scramble(person, round, left)?, left);
        }
        Some(whole([left, right]))
    }

    fn scramble(&self, person: &str, round: u8, half: u64) -> Option<u64> {
        let mut context = hmac::Context::with_key(self.0.as_ref()?);
        context.update(&[round]);
        context.update(&half.to_be_bytes());
        context.update(person.as_bytes());
        context.sign().as_ref().first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    }
}

fn halves(token: Token) -> [u64; 2] {
    let bits = u128::from_be_bytes(*token.as_bytes());
    [(bits >> 64) as u64, bits as u64]
}

fn whole([left, right]: [u64; 2]) -> Token {
    Token::from_bytes((u128::from(left) << 64 | u128::from(right)).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A handle leads its own person back to the token, and nobody else; it is another one for
    /// another person and in another process.
    #[test]
    fn a_handle_is_of_one_person_and_one_process() {
        let (handles, later) = (Handles::draw(), Handles::draw());
        for byte in 0..64 {
            let token = Token::from_bytes([byte; 16]);
            let handle = handles.close("li", token).unwrap();
            assert_eq!(handles.open("li", handle), Some(token));
            assert_ne!(handle, token);
            assert_ne!(handles.open("wang", handle), Some(token));
            assert_ne!(handles.close("wang", token), Some(handle));
            assert_ne!(later.close("li", token), Some(handle));
        }
    }
}
