#![doc = "One native core, shared by the languages of one program."]

pub mod curve;
pub mod payload;
pub mod pool;
pub mod ring;
pub mod shm;
