//! libFuzzer's way into [`aye_fuzz::address`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aye_fuzz::address(data));
