//! `aye trace`: what a service says to its manager, who of it says so, what the manager makes of it, and when.
#![allow(dead_code)] // until the other rooms are there

pub(crate) mod json;
pub(crate) mod raw;
pub(crate) mod scene;
pub(crate) mod timeline;
mod unit;

use crate::exit::Exit;
use crate::place::Place;

/// Show what a service says to its manager, and what the manager makes of it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object for each event, and no other line
    #[arg(long)]
    pub(crate) json: bool,
    /// Say why a unit cannot be traced without a restart, and what to do instead
    #[arg(long)]
    pub(crate) no_restart: bool,
    #[command(flatten)]
    pub(crate) place: Place,
    /// The service
    pub(crate) unit: String,
}

pub(crate) fn run(args: &Args) -> Exit {
    unit::run(args)
}

/// See [`unit::part`].
pub(crate) use unit::part;
