//! Properties as tables of name and value, and how they are asked for. An empty interface name asks for all of them,
//! which is what systemctl does.

use std::collections::HashMap;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use zbus::Variant;

use super::call::{INVALID_ARGS, Refusal};
use crate::service::Stamp;

/// One interface and its properties.
pub(super) struct Table {
    pub(super) interface: &'static str,
    pub(super) values: Vec<(&'static str, Variant<'static>)>,
}

pub(super) fn get(tables: Vec<Table>, interface: &str, name: &str) -> Result<Variant<'static>, Refusal> {
    let wanted = tables.into_iter().filter(|table| interface.is_empty() || table.interface == interface);
    let found = wanted.flat_map(|table| table.values).find(|(key, _)| *key == name);
    found.map(|(_, value)| value).ok_or_else(|| {
        let text = format!("Unknown interface {interface} or property {name}.");
        Refusal::new("org.freedesktop.DBus.Error.UnknownProperty", text)
    })
}

pub(super) fn get_all(
    tables: Vec<Table>,
    interface: &str,
) -> Result<HashMap<&'static str, Variant<'static>>, Refusal> {
    if !interface.is_empty() && !tables.iter().any(|table| table.interface == interface) {
        return Err(Refusal::new(INVALID_ARGS, format!("Unknown interface {interface}.")));
    }
    let wanted = tables.into_iter().filter(|table| interface.is_empty() || table.interface == interface);
    Ok(wanted.flat_map(|table| table.values).collect())
}

/// `...USec` of a setting; systemd writes infinity as all bits set.
pub(super) fn usec(limit: Option<Duration>) -> u64 {
    limit.map_or(u64::MAX, |limit| u64::try_from(limit.as_micros()).unwrap_or(u64::MAX))
}

/// `CLOCK_MONOTONIC` to `CLOCK_REALTIME`, in microseconds; 0 stays 0, for "never".
pub(super) fn realtime(stamp: Stamp) -> u64 {
    if stamp.is_zero() {
        return 0;
    }
    let clock = |id| {
        let now = clock_gettime(id);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
    };
    let since = clock(ClockId::Monotonic).saturating_sub(stamp);
    usec(Some(clock(ClockId::Realtime).saturating_sub(since)))
}
