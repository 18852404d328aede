//! The program `circlet`.

fn main() {}
