//! `--watch`: follows what the managers tell.

use aye_bus::Where;

use super::{Args, Refusal};
use crate::exit::Exit;

pub(super) async fn run(_args: &Args, _places: Vec<Where>) -> Result<Exit, Refusal> {
    Err((Exit::Usage, "--watch is not there yet".to_owned()))
}
