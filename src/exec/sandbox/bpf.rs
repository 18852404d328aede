//! Programs for seccomp: which system calls the kernel carries out, by their number and their arguments.

use std::mem::offset_of;

/// An instruction, as the kernel takes it.
pub(super) type Instruction = libc::sock_filter;

/// What becomes of a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The kernel carries it out.
    Allow,
    /// It fails with this error.
    Fail(libc::c_int),
    /// The supervisor is asked.
    Ask,
    /// The first of these whose conditions all hold, else the last verdict.
    Cases(Vec<(Vec<Condition>, Verdict)>, Box<Verdict>),
}

/// What is asked of an argument: the lower 32 bits of it, as the kernel takes integers, with this mask, are this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    argument: u8,
    is_upper: bool,
    mask: u32,
    value: u32,
}

impl Condition {
    /// The argument, an integer of 32 bits, is this.
    pub(super) fn is(argument: u8, value: u32) -> Self {
        Self::masked(argument, u32::MAX, value)
    }

    /// Of these bits of the argument, an integer of 32 bits, those of the value are set.
    pub(super) fn masked(argument: u8, mask: u32, value: u32) -> Self {
        Self { argument, is_upper: false, mask, value }
    }

    /// The argument, a pointer, is NULL.
    pub(super) fn is_null(argument: u8) -> [Self; 2] {
        [Self::is(argument, 0), Self { is_upper: true, ..Self::is(argument, 0) }]
    }
}

/// The processor's family, as the kernel names it.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;
/// Numbers from here on are those of another family (x32).
const OTHER_FAMILY: u32 = 0x4000_0000;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP_FROM: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Makes the program that gives each of these calls its verdict, and all others another.
pub(super) fn program(calls: &[(libc::c_long, Verdict)], others: &Verdict) -> Vec<Instruction> {
    let mut calls: Vec<(u32, &Verdict)> =
        calls.iter().filter_map(|(number, verdict)| Some((u32::try_from(*number).ok()?, verdict))).collect();
    calls.sort_by_key(|(number, _)| *number);
    // Neighbours with the same verdict are one range: where each begins, and what holds from there on.
    let mut ranges: Vec<(u32, &Verdict)> = vec![(0, others)];
    for (number, verdict) in calls {
        if ranges.last().is_some_and(|(begin, _)| *begin == number) {
            ranges.pop();
        }
        if ranges.last().is_none_or(|(_, last)| *last != verdict) {
            ranges.push((number, verdict));
        }
        ranges.push((number + 1, others));
    }
    ranges.dedup_by(|next, last| next.1 == last.1);
    let mut program = vec![
        load(offset_of!(libc::seccomp_data, arch)),
        instruction(JUMP_EQUAL, 1, 0, ARCHITECTURE),
        give(libc::SECCOMP_RET_KILL_PROCESS),
        load(offset_of!(libc::seccomp_data, nr)),
        instruction(JUMP_FROM, 0, 1, OTHER_FAMILY),
        give(libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()),
    ];
    program.extend(search(&ranges));
    program
}

/// Looks for the range of the number that was loaded.
fn search(ranges: &[(u32, &Verdict)]) -> Vec<Instruction> {
    if let [(_, verdict)] = ranges {
        return block(verdict);
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let (low, middle, high) = (search(low), high[0].0, search(high));
    // A jump of its own for the far one: those with a condition reach no farther than 255.
    let mut code = vec![instruction(JUMP_FROM, 0, 1, middle), instruction(JUMP, 0, 0, low.len() as u32)];
    code.extend(low);
    code.extend(high);
    code
}

/// Gives a verdict.
fn block(verdict: &Verdict) -> Vec<Instruction> {
    let returned = match verdict {
        Verdict::Allow => libc::SECCOMP_RET_ALLOW,
        Verdict::Fail(error) => libc::SECCOMP_RET_ERRNO | error.unsigned_abs() & libc::SECCOMP_RET_DATA,
        Verdict::Ask => libc::SECCOMP_RET_USER_NOTIF,
        Verdict::Cases(cases, others) => {
            let mut code = Vec::new();
            for (conditions, verdict) in cases {
                code.extend(case(conditions, &block(verdict)));
            }
            code.extend(block(others));
            return code;
        }
    };
    vec![give(returned)]
}

/// Goes into `then` where all conditions hold, and past it where one does not.
fn case(conditions: &[Condition], then: &[Instruction]) -> Vec<Instruction> {
    // From the last to the first: each that fails jumps over all that follows.
    let mut code = then.to_vec();
    for condition in conditions.iter().rev() {
        let past = code.len() as u32;
        let word = offset_of!(libc::seccomp_data, args) + 8 * usize::from(condition.argument);
        let is_later = condition.is_upper == cfg!(target_endian = "little");
        let mut step = vec![load(word + if is_later { 4 } else { 0 })];
        if condition.mask != u32::MAX {
            step.push(instruction(AND, 0, 0, condition.mask));
        }
        step.push(instruction(JUMP_EQUAL, 1, 0, condition.value));
        step.push(instruction(JUMP, 0, 0, past));
        step.extend(code);
        code = step;
    }
    code
}

fn load(offset: usize) -> Instruction {
    instruction(LOAD, 0, 0, offset as u32)
}

fn give(value: u32) -> Instruction {
    instruction(RETURN, 0, 0, value)
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs a program as the kernel does.
    fn run(program: &[Instruction], arch: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let data =
            libc::seccomp_data { nr: number as libc::c_int, arch, instruction_pointer: 0, args: arguments };
        let bytes: Vec<u8> = [data.nr.to_ne_bytes(), data.arch.to_ne_bytes()]
            .concat()
            .into_iter()
            .chain([0; 8])
            .chain(data.args.iter().flat_map(|argument| argument.to_ne_bytes()))
            .collect();
        let (mut at, mut value) = (0_usize, 0_u32);
        loop {
            let step = program[at];
            at += 1;
            match step.code {
                LOAD => {
                    let from = step.k as usize;
                    value = u32::from_ne_bytes(bytes[from..from + 4].try_into().unwrap());
                }
                AND => value &= step.k,
                JUMP => at += step.k as usize,
                JUMP_EQUAL => at += usize::from(if value == step.k { step.jt } else { step.jf }),
                JUMP_FROM => at += usize::from(if value >= step.k { step.jt } else { step.jf }),
                RETURN => return step.k,
                other => panic!("{other}"),
            }
        }
    }

    fn verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            Just(Verdict::Allow),
            (1..40_i32).prop_map(Verdict::Fail),
            Just(Verdict::Ask),
            (0..6_u8, any::<u8>(), 0..4_u32).prop_map(|(argument, mask, value)| {
                let condition = Condition::masked(argument, mask.into(), value);
                Verdict::Cases(vec![(vec![condition], Verdict::Allow)], Box::new(Verdict::Fail(1)))
            }),
        ]
    }

    fn wanted(verdict: &Verdict, arguments: [u64; 6]) -> u32 {
        match verdict {
            Verdict::Cases(cases, others) => {
                let holds = |condition: &Condition| {
                    arguments[usize::from(condition.argument)] as u32 & condition.mask == condition.value
                };
                let case = cases.iter().find(|(conditions, _)| conditions.iter().all(holds));
                wanted(case.map_or(others, |(_, verdict)| verdict), arguments)
            }
            simple => block(simple)[0].k,
        }
    }

    proptest! {
        #[test]
        fn every_call_gets_its_own_verdict(
            calls in proptest::collection::btree_map(0..500_u32, verdict(), 0..300),
            asked in proptest::collection::vec((0..600_u32, proptest::array::uniform6(0..8_u64)), 50),
        ) {
            let others = Verdict::Fail(38);
            let given: Vec<_> = calls.iter().map(|(number, verdict)| (i64::from(*number), verdict.clone())).collect();
            let program = program(&given, &others);
            for (number, arguments) in asked {
                let verdict = calls.get(&number).unwrap_or(&others);
                prop_assert_eq!(run(&program, ARCHITECTURE, number, arguments), wanted(verdict, arguments));
            }
        }
    }

    #[test]
    fn calls_of_another_family_of_processors_are_not_made() {
        let program = program(&[(1, Verdict::Allow)], &Verdict::Fail(1));
        assert_eq!(run(&program, 0x4000_0003, 1, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
        let missing = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
        assert_eq!(run(&program, ARCHITECTURE, OTHER_FAMILY | 1, [0; 6]), missing);
        assert_eq!(run(&program, ARCHITECTURE, 1, [0; 6]), libc::SECCOMP_RET_ALLOW);
    }

    #[test]
    fn a_null_pointer_is_one_in_all_of_its_bits() {
        let cases = vec![(Condition::is_null(4).to_vec(), Verdict::Allow)];
        let program = program(&[(1, Verdict::Cases(cases, Box::new(Verdict::Fail(13))))], &Verdict::Ask);
        let of = |pointer: u64| run(&program, ARCHITECTURE, 1, [9, 9, 9, 9, pointer, 9]);
        assert_eq!(of(0), libc::SECCOMP_RET_ALLOW);
        assert_eq!(of(1), libc::SECCOMP_RET_ERRNO | 13);
        assert_eq!(of(1 << 32), libc::SECCOMP_RET_ERRNO | 13);
    }
}
