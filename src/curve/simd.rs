//! The same code, compiled for the widest vectors that the processor turns out to have.
//!
//! A program built for every x86-64 processor may use vectors of two numbers. Here a piece of work is compiled three times,
//! and the processor is asked once which to run. The results have the same bits each time: nothing is fused or reordered.

/// A piece of work that is worth being compiled several times. Its `run` is to be `#[inline(always)]`, down to its loops: what
/// is not inlined is compiled for every processor.
pub(super) trait Work {
    fn run(self);
}

/// Does the work with the widest vectors.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "the processor has what the functions are compiled for")
)]
pub(super) fn widest(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
        {
            // SAFETY: the processor has these.
            return unsafe { with_avx512(work) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has it.
            return unsafe { with_avx2(work) };
        }
    }
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq")]
fn with_avx512(work: impl Work) {
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(work: impl Work) {
    work.run();
}
