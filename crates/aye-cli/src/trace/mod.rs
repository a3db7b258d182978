//! `aye trace`: what a service says to its manager, who of it says so, what the manager makes of it, and when.
#![allow(dead_code)] // until the verb is registered

pub(crate) mod json;
pub(crate) mod raw;
pub(crate) mod scene;
pub(crate) mod timeline;
