//! NDJSON: a line a unit. `null` is what does not apply, or is not known.
//!
//! | field | value |
//! |---|---|
//! | `v` | 1 |
//! | `ts` | `CLOCK_REALTIME` of this machine, in microseconds |
//! | `event` | `unit`; with --watch also `gone`, `lost` and `back` |
//! | `host` | the host or machine as it was typed; `null` for a manager of this machine |
//! | `unit` | the full name |
//! | `state` | active, reloading, starting, auto-restart, stopping, inactive, failed, not loaded or other |
//! | `load`, `sub`, `type`, `result`, `main_pid` | the manager's `LoadState`, `SubState`, `Type`, `Result`, `MainPID` |
//! | `reason` | what is awaited, or what went wrong |
//! | `ready_usec` | the time to ready; of a start under way, so far |
//! | `start_timeout_usec` | of a start under way |
//! | `uptime_usec` | |
//! | `restarts` | `NRestarts` |
//! | `watchdog_usec`, `watchdog_age_usec`, `watchdog_margin_usec` | the period, the age of the last heartbeat, what is left |
//! | `status` | the status text |

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aye_bus::{Service, Unit};
use serde_json::{Value, json};

use super::fact::Fact;

/// A unit.
pub(super) fn unit(host: Option<&str>, unit: &Unit, fact: &Fact, now: SystemTime) -> Value {
    let service = |read: fn(&Service) -> Value| unit.service.as_ref().map_or(Value::Null, read);
    let watchdog = fact.watchdog;
    json!({
        "v": 1,
        "ts": ts(now),
        "event": "unit",
        "host": host,
        "unit": unit.name,
        "state": fact.state.word(),
        "load": unit.load,
        "sub": unit.sub,
        "type": service(|service| service.kind.as_str().into()),
        "result": service(|service| service.result.as_str().into()),
        "main_pid": service(|service| service.main_pid.into()),
        "reason": fact.reason,
        "ready_usec": fact.ready.map(usec),
        "start_timeout_usec": fact.limit.map(usec),
        "uptime_usec": fact.uptime.map(usec),
        "restarts": service(|service| service.restarts.into()),
        "watchdog_usec": watchdog.map(|watchdog| usec(watchdog.period)),
        "watchdog_age_usec": watchdog.and_then(|watchdog| watchdog.age).map(usec),
        "watchdog_margin_usec": watchdog.and_then(super::fact::Watchdog::margin).map(usec),
        "status": fact.status,
    })
}

/// That a unit matches no more, or what became of the link to a manager.
pub(super) fn other(
    event: &str,
    host: Option<&str>,
    unit: Option<&str>,
    reason: &str,
    now: SystemTime,
) -> Value {
    json!({ "v": 1, "ts": ts(now), "event": event, "host": host, "unit": unit, "reason": reason })
}

fn ts(now: SystemTime) -> u64 {
    usec(now.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn usec(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
