//! libFuzzer's way into [`aye_fuzz::environment`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aye_fuzz::environment(data));
