//! The hub as its viewers see it, by the protocols Engine.IO v4 and Socket.IO v5.
#![cfg(feature = "hub")]

mod engine;
#[path = "../common/hub_protocol.rs"]
mod hub_protocol;
mod life;
mod rooms;
mod slow;
mod socket;
