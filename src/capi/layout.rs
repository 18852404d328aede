//! The layout's offsets as constants of the header, held against their owner when this is compiled.

use crate::shm::layout;

/// Major version of the shared-memory layout.
pub const CIRCLET_LAYOUT_VERSION: u32 = 1;
/// Offset of the `u64` magic.
pub const CIRCLET_LAYOUT_MAGIC: u32 = 0x00;
/// Offset of the `u16` major version.
pub const CIRCLET_LAYOUT_MAJOR: u32 = 0x08;
/// Offset of the `u32` mode.
pub const CIRCLET_LAYOUT_MODE: u32 = 0x10;
/// Offset of the `u32` longest payload of one frame.
pub const CIRCLET_LAYOUT_MAX_FRAME: u32 = 0x14;
/// Offset of the `u64` bytes of the whole segment.
pub const CIRCLET_LAYOUT_SEGMENT_BYTES: u32 = 0x18;
/// Offset of the `u64` capacity.
pub const CIRCLET_LAYOUT_CAPACITY: u32 = 0x28;
/// Offset of the `u32` longest message.
pub const CIRCLET_LAYOUT_MAX_MESSAGE: u32 = 0x40;
/// Offset of the `u64` tail, which the producers write.
pub const CIRCLET_LAYOUT_TAIL: u32 = 0x1000;
/// Offset of the producer's `u32` waiting word, a futex.
pub const CIRCLET_LAYOUT_PRODUCER_WAITING: u32 = 0x1080;
/// Offset of the `u64` head, which the consumer writes.
pub const CIRCLET_LAYOUT_HEAD: u32 = 0x2000;
/// Offset of the consumer's `u32` waiting word, a futex.
pub const CIRCLET_LAYOUT_CONSUMER_WAITING: u32 = 0x2080;
/// Offset of the data area.
pub const CIRCLET_LAYOUT_DATA: u32 = 0x4004;

const _: () = {
    assert!(CIRCLET_LAYOUT_VERSION as u16 == layout::MAJOR);
    assert!(CIRCLET_LAYOUT_MAGIC as usize == layout::header::MAGIC);
    assert!(CIRCLET_LAYOUT_MAJOR as usize == layout::header::MAJOR);
    assert!(CIRCLET_LAYOUT_MODE as usize == layout::header::MODE);
    assert!(CIRCLET_LAYOUT_MAX_FRAME as usize == layout::header::MAX_FRAME);
    assert!(CIRCLET_LAYOUT_SEGMENT_BYTES as usize == layout::header::SEGMENT_BYTES);
    assert!(CIRCLET_LAYOUT_CAPACITY as usize == layout::header::CAPACITY);
    assert!(CIRCLET_LAYOUT_MAX_MESSAGE as usize == layout::header::MAX_MESSAGE);
    assert!(CIRCLET_LAYOUT_TAIL as usize == layout::producer::TAIL);
    assert!(CIRCLET_LAYOUT_PRODUCER_WAITING as usize == layout::producer::WAITING);
    assert!(CIRCLET_LAYOUT_HEAD as usize == layout::consumer::HEAD);
    assert!(CIRCLET_LAYOUT_CONSUMER_WAITING as usize == layout::consumer::WAITING);
    assert!(CIRCLET_LAYOUT_DATA as usize == layout::DATA);
};
