//! libFuzzer's way into [`aye_fuzz::encode`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aye_fuzz::encode(data));
