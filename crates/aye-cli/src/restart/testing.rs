//! What the tests of this verb share: a unit that is up and well.

use std::time::Duration;

use aye_bus::{ActiveState, Stamps, Unit};

pub(super) fn unit(name: &str) -> Unit {
    Unit {
        name: name.to_owned(),
        path: "/org/freedesktop/systemd1/unit/x".try_into().unwrap(),
        load: "loaded".to_owned(),
        active: ActiveState::Active,
        sub: "running".to_owned(),
        invocation: None,
        became_active: Duration::ZERO,
        became_inactive: Duration::ZERO,
        conditions_met: true,
        job: None,
        can_reload: false,
        started: Duration::ZERO,
        stamps: Stamps::default(),
        service: None,
    }
}
