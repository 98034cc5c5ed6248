//! Any bytes as records of a segment whose checksums are right: for tests, and for fuzzing, which
//! takes this file as it is.

/// Each payload stands after its length, two bytes, least first. The header is that of a fixture.
pub(super) fn framed(mut bytes: &[u8]) -> Vec<u8> {
    const FIXTURE: &[u8] =
        include_bytes!("../../../tests/fixtures/journal-v1/00000000000000000000.tgj");
    let header = u32::from_le_bytes([FIXTURE[12], FIXTURE[13], FIXTURE[14], FIXTURE[15]]);
    let mut segment = FIXTURE[..12 + 9 + header as usize].to_vec();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        let head = (length as u32).to_le_bytes();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&head), payload);
        segment.extend_from_slice(&head);
        segment.extend_from_slice(&checksum.to_le_bytes());
        segment.extend_from_slice(payload);
        segment.push(0xA5);
        bytes = rest;
    }
    segment
}
