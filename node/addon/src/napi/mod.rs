//! Node-API, safely: with DIAGNOSE's, the only unsafe code of the addon. Functions of Rust get a [`Call`] and give a
//! [`Value`] or what is thrown; everything that JavaScript holds of Rust is in a [`Room`].
#![allow(unsafe_code)]

mod call;
mod export;
pub(crate) mod ffi;
mod host;
mod room;
mod text;
mod work;

pub(crate) use call::{Call, Thrown, Value};
pub(crate) use export::{Exports, Failed};
