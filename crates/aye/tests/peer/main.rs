//! libsystemd as the independent peer: what its calls send arrives at our receiver, its barrier ends when our receiver
//! says so, and it reads an environment as we do. The calls are made by `tests/peer/peer.c`.

mod barrier;
mod environment;
mod program;
mod sending;
