//! The peers, one file each. [`all`] is their order in the tables.

pub(crate) mod bare;
mod circlet;
mod crossbeam;
mod datagram;
mod iceoryx2;
mod ipc_ring;
mod ringfire;
mod rtrb;
mod shmem_ipc;
mod stream;

use crate::peer::Peer;

pub(crate) fn all() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(circlet::Circlet::OneByOne),
        Box::new(circlet::Circlet::Batches),
        Box::new(circlet::Circlet::Records),
        Box::new(iceoryx2::Iceoryx2),
        Box::new(ringfire::Fixed::OneByOne),
        Box::new(ringfire::Fixed::Batches),
        Box::new(ringfire::Blobs),
        Box::new(ringfire::Mpmc),
        Box::new(ipc_ring::IpcRing),
        Box::new(shmem_ipc::ShmemIpc::OneByOne),
        Box::new(shmem_ipc::ShmemIpc::Batches),
        Box::new(stream::Stream { kind: stream::Kind::Pipe, batches: false }),
        Box::new(stream::Stream { kind: stream::Kind::Pipe, batches: true }),
        Box::new(stream::Stream { kind: stream::Kind::Socket, batches: false }),
        Box::new(stream::Stream { kind: stream::Kind::Socket, batches: true }),
        Box::new(stream::Stream { kind: stream::Kind::Packets, batches: false }),
        Box::new(datagram::Datagrams),
        Box::new(rtrb::Rtrb::OneByOne),
        Box::new(rtrb::Rtrb::Chunks),
        Box::new(crossbeam::Crossbeam),
        Box::new(bare::FlagPerSlot),
        Box::new(bare::SharedIndex { batches: false }),
        Box::new(bare::SharedIndex { batches: true }),
        Box::new(bare::Line),
        Box::new(bare::EventFds),
    ]
}
