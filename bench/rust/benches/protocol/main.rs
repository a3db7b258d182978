//! What a heartbeat and the reading of a message cost, in one run beside what they are measured by; at the end one table
//! of ratios of criterion's medians, and a failure when a limit is missed.

mod parse;
mod ping;
mod report;

use std::process::ExitCode;
use std::time::Duration;

use criterion::Criterion;

fn main() -> ExitCode {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    ping::measure(&mut criterion);
    parse::measure(&mut criterion);
    criterion.final_summary();
    report::print()
}
