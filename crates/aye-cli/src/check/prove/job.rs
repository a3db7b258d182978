//! Questions to the manager that runs the service, by its control socket.

use aye_bus::{JobResult, Signal as BusSignal, Verb, Where, duration};

use super::scenario::{NO_LIMIT, PATIENCE};
use super::stage::Stage;

/// A question to the manager that runs the service.
pub(in crate::check) fn ask<T>(
    stage: &Stage,
    question: impl Future<Output = aye_bus::Result<T>>,
) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot make an event loop: {error}"))?;
    let limit = stage.service.timeout_start.unwrap_or(NO_LIMIT) + PATIENCE;
    let answer = runtime.block_on(async { tokio::time::timeout(limit, question).await });
    let answer = answer.map_err(|_| format!("the job did not end within {}", duration(limit)))?;
    answer.map_err(|error| error.to_string())
}

pub(in crate::check) async fn main_pid(stage: &Stage) -> aye_bus::Result<u32> {
    let manager = Where::Embedded(stage.runtime()).connect().await?;
    let path = manager.load(&stage.name()).await?;
    Ok(manager.unit(&path).await?.service.map_or(0, |service| service.main_pid))
}

pub(super) async fn reloaded(stage: &Stage) -> aye_bus::Result<JobResult> {
    let manager = Where::Embedded(stage.runtime()).connect().await?;
    let mut signals = manager.watch().await?;
    let own = manager.enqueue(Verb::Reload, &stage.name()).await?;
    loop {
        if let BusSignal::JobRemoved { job, result } = signals.next().await?
            && job == own
        {
            return Ok(result);
        }
    }
}
