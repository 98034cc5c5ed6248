//! A line on the admin socket: any bytes give a request or a refusal, and a request that was read is
//! written and read again as itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::edges::admin::Request;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = Request::read(bytes) {
        serde_json::from_slice::<serde_json::Value>(bytes).expect("what we accept is JSON");
        let written = serde_json::to_string(&request).expect("a request is JSON");
        let again = Request::read(written.as_bytes()).expect("what we write is a request");
        assert_eq!(serde_json::to_string(&again).expect("a request is JSON"), written);
    }
});
