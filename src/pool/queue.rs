//! Jobs that wait, as a data structure without a lock.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::iter;
use std::time::Instant;

use super::JobId;
use super::task::{Body, Task};
use super::ticket::Ticket;

/// Lines above the usual priority, and as many below it, that may stand empty, kept for their memory. Who uses more
/// priorities than that pays for an allocation.
const EMPTY_LINES: usize = 8;

/// Jobs that wait: the highest priority first, and in the order of their coming within one.
///
/// A job that is withdrawn stays where it is and counts no more; what is left of it goes when it comes to the front, or
/// when such jobs are most of the queue. So each operation takes constant time on average, however many wait, and where
/// there are other priorities than 0, time that grows with the logarithm of their number. [`Queue::oldest`] and
/// [`Queue::find_in_order`] look at each of them, and [`Queue::find`] at every job.
pub(super) struct Queue<B: Body + ?Sized> {
    /// Of priorities above 0.
    above: Lines<B>,
    /// Of priority 0, which most jobs have: found without a search.
    usual: Line<B>,
    /// Of priorities below 0.
    below: Lines<B>,
    waiting: usize,
    withdrawn: usize,
    /// Those of the waiting that have a key.
    keyed: usize,
}

type Line<B> = VecDeque<Task<B>>;
type Lines<B> = BTreeMap<i32, Line<B>>;

/// Drops what is left of withdrawn jobs at the front of a line; returns of how many.
fn skip_withdrawn<B: Body + ?Sized>(line: &mut Line<B>) -> usize {
    iter::from_fn(|| line.pop_front_if(|task| task.ticket().is_withdrawn())).count()
}

impl<B: Body + ?Sized> Queue<B> {
    pub(super) const fn new() -> Self {
        Self {
            above: BTreeMap::new(),
            usual: VecDeque::new(),
            below: BTreeMap::new(),
            waiting: 0,
            withdrawn: 0,
            keyed: 0,
        }
    }

    /// Returns the number of jobs that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Returns the number of jobs with a key that wait.
    pub(super) fn keyed(&self) -> usize {
        self.keyed
    }

    /// Puts a job behind those of its priority.
    pub(super) fn push(&mut self, task: Task<B>) {
        self.keyed += usize::from(task.ticket().key().is_some());
        self.line(task.ticket().priority()).push_back(task);
        self.waiting += 1;
    }

    /// Puts jobs without a key behind those of their priority, without a look at them.
    pub(super) fn extend(&mut self, priority: i32, tasks: impl Iterator<Item = Task<B>>) {
        let line = self.line(priority);
        let before = line.len();
        line.extend(tasks);
        let more = line.len() - before;
        self.waiting += more;
    }

    /// Puts a job that was taken out back before those of its priority.
    pub(super) fn push_front(&mut self, task: Task<B>) {
        self.keyed += usize::from(task.ticket().key().is_some());
        self.line(task.ticket().priority()).push_front(task);
        self.waiting += 1;
    }

    fn line(&mut self, priority: i32) -> &mut Line<B> {
        match priority.cmp(&0) {
            Ordering::Equal => &mut self.usual,
            Ordering::Greater => self.above.entry(priority).or_default(),
            Ordering::Less => self.below.entry(priority).or_default(),
        }
    }

    /// Goes through the lines, the lowest priority first.
    fn lines(&self) -> impl DoubleEndedIterator<Item = (i32, &Line<B>)> {
        let entry = |(priority, line): (&i32, _)| (*priority, line);
        self.below.iter().map(entry).chain(iter::once((0, &self.usual))).chain(self.above.iter().map(entry))
    }

    fn lines_mut(&mut self) -> impl DoubleEndedIterator<Item = (i32, &mut Line<B>)> {
        let below = self.below.iter_mut().map(|(priority, line)| (*priority, line));
        let above = self.above.iter_mut().map(|(priority, line)| (*priority, line));
        below.chain(iter::once((0, &mut self.usual))).chain(above)
    }

    /// Lets go of a line that has become empty, unless there are few.
    fn let_go(&mut self, priority: i32) {
        let lines = if priority > 0 { &mut self.above } else { &mut self.below };
        if lines.len() > EMPTY_LINES {
            lines.remove(&priority);
        }
    }

    /// Takes the next job.
    pub(super) fn pop(&mut self) -> Option<Task<B>> {
        self.uncover(true);
        let taken = self.lines_mut().rev().find_map(|(priority, line)| {
            let task = line.pop_front()?;
            Some((task, priority, line.is_empty()))
        });
        self.count_taken(taken)
    }

    /// Takes out the job of the lowest priority that has waited for longest.
    pub(super) fn pop_least(&mut self) -> Option<Task<B>> {
        self.uncover(false);
        let taken = self.lines_mut().find_map(|(priority, line)| {
            let task = line.pop_front()?;
            Some((task, priority, line.is_empty()))
        });
        self.count_taken(taken)
    }

    fn count_taken(&mut self, taken: Option<(Task<B>, i32, bool)>) -> Option<Task<B>> {
        let (task, priority, is_last) = taken?;
        self.count_out(task.ticket());
        if is_last && priority != 0 {
            self.let_go(priority);
        }
        Some(task)
    }

    /// Returns what orders the job that [`Queue::pop_least`] would take: the least comes first.
    pub(super) fn least(&mut self) -> Option<(i32, JobId)> {
        self.uncover(false);
        let task = self.lines().find_map(|(_, line)| line.front())?;
        Some((task.ticket().priority(), task.ticket().id()))
    }

    fn count_out(&mut self, ticket: &Ticket) {
        self.waiting -= 1;
        // Spares a look at what another processor may have written last.
        if self.keyed > 0 {
            self.keyed -= usize::from(ticket.key().is_some());
        }
    }

    /// Returns the priority of the next job.
    pub(super) fn best(&mut self) -> Option<i32> {
        if self.waiting == 0 {
            return None;
        }
        self.uncover(true);
        self.lines().rev().find(|(_, line)| !line.is_empty()).map(|(priority, _)| priority)
    }

    /// Returns when the job that has waited for longest was submitted.
    pub(super) fn oldest(&mut self) -> Option<Instant> {
        if self.withdrawn > 0 {
            self.withdrawn -= self.lines_mut().map(|(_, line)| skip_withdrawn(line)).sum::<usize>();
            self.let_go_of_empty_lines();
        }
        self.lines().filter_map(|(_, line)| line.front()).map(|task| task.ticket().submitted).min()
    }

    /// Looks for a job by its id, at few: it finds it if those of its priority lie in the order of their ids. They mostly
    /// do, but where threads submit at once or jobs were put back.
    pub(super) fn find_in_order(&self, id: JobId) -> Option<&Task<B>> {
        let mut likely = self.lines().filter_map(|(_, line)| {
            let place = line.binary_search_by_key(&id, |task| task.ticket().id()).ok()?;
            line.get(place)
        });
        likely.find(|task| !task.ticket().is_withdrawn())
    }

    /// Looks for a job, one after the other.
    pub(super) fn find(&self, id: JobId) -> Option<&Task<B>> {
        let mut tasks = self.lines().flat_map(|(_, line)| line);
        tasks.find(|task| task.ticket().id() == id && !task.ticket().is_withdrawn())
    }

    /// Counts a job of this queue no more, which its ticket calls withdrawn already.
    pub(super) fn withdraw(&mut self, ticket: &Ticket) {
        self.count_out(ticket);
        self.withdrawn += 1;
        if self.withdrawn > self.waiting + 64 {
            for (_, line) in self.lines_mut() {
                line.retain(|task| !task.ticket().is_withdrawn());
            }
            self.let_go_of_empty_lines();
            self.withdrawn = 0;
        }
    }

    fn let_go_of_empty_lines(&mut self) {
        for lines in [&mut self.above, &mut self.below] {
            lines.retain(|_, line| !line.is_empty());
        }
    }

    /// Drops what is left of withdrawn jobs before the next one, or before the least.
    fn uncover(&mut self, is_next: bool) {
        while self.withdrawn > 0 {
            let mut lines = self.lines_mut().filter(|(_, line)| !line.is_empty());
            let Some((priority, line)) = (if is_next { lines.next_back() } else { lines.next() }) else {
                return;
            };
            let (skipped, is_over) = (skip_withdrawn(line), line.is_empty());
            drop(lines);
            self.withdrawn -= skipped;
            if !is_over {
                return;
            }
            if priority != 0 {
                self.let_go(priority);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::Failure;
    use super::super::task::Share;
    use super::super::task::test::{Blank, blank};
    use super::super::ticket::{Whereabouts, Wishes};
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Push(i32),
        Pop,
        PopLeast,
        Withdraw(prop::sample::Index),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => prop_oneof![-2..3_i32, -40..40_i32].prop_map(Step::Push),
            2 => Just(Step::Pop),
            1 => Just(Step::PopLeast),
            1 => any::<prop::sample::Index>().prop_map(Step::Withdraw),
        ];
        prop::collection::vec(step, 0..400)
    }

    proptest! {
        /// The oracle is a vector that is sorted for each look.
        #[test]
        fn jobs_come_by_priority_and_then_by_age_whatever_is_withdrawn(steps in steps()) {
            let mut queue = Queue::<Blank>::new();
            let mut expected: Vec<(Reverse<i32>, u64)> = Vec::new();
            let mut kept = HashMap::new();
            for (number, step) in (1..).zip(steps) {
                match step {
                    Step::Push(priority) => {
                        let task = blank(number, priority);
                        kept.insert(number, task.share());
                        queue.push(task);
                        expected.push((Reverse(priority), number));
                    }
                    Step::Pop => {
                        expected.sort_unstable();
                        let next = (!expected.is_empty()).then(|| expected.remove(0).1);
                        prop_assert_eq!(queue.pop().map(|task| task.ticket().id().get()), next);
                    }
                    Step::PopLeast => {
                        let least = expected.iter().copied().max_by_key(|(priority, number)| (*priority, Reverse(*number)));
                        expected.retain(|entry| Some(*entry) != least);
                        let found = queue.pop_least().map(|task| task.ticket().id().get());
                        prop_assert_eq!(found, least.map(|(_, number)| number));
                    }
                    Step::Withdraw(index) if !expected.is_empty() => {
                        let (_, number) = expected.remove(index.index(expected.len()));
                        kept[&number].ticket().is_at(Whereabouts::Withdrawn);
                        queue.withdraw(kept[&number].ticket());
                    }
                    Step::Withdraw(_) => {}
                }
                prop_assert_eq!(queue.len(), expected.len());
                prop_assert_eq!(queue.best(), expected.iter().min().map(|(priority, _)| priority.0));
                prop_assert_eq!(queue.oldest().is_some(), !expected.is_empty());
            }
        }
    }

    /// A job that counts how often somebody looked at it.
    struct Looked {
        ticket: Ticket,
        looks: Arc<AtomicUsize>,
    }

    impl Body for Looked {
        fn ticket(&self, _: usize) -> &Ticket {
            self.looks.fetch_add(1, Relaxed);
            &self.ticket
        }

        fn fail(&self, _: usize, _: Failure) {}
    }

    fn looked(number: u64, looks: &Arc<AtomicUsize>) -> Task<Looked> {
        let ticket = Ticket::new(Wishes::new("looked".into()), Instant::now());
        ticket.number(number);
        Task::new(Share::new(Arc::new(Looked { ticket, looks: looks.clone() }), 0))
    }

    #[test]
    fn a_job_is_found_among_many_by_a_look_at_few() {
        let looks = Arc::new(AtomicUsize::new(0));
        let mut queue = Queue::new();
        queue.extend(0, (1..=100_000).map(|number| looked(number, &looks)));
        looks.store(0, Relaxed);
        for number in [1, 777, 50_000, 100_000] {
            assert_eq!(queue.find_in_order(JobId(number)).unwrap().ticket().id(), JobId(number));
        }
        assert!(looks.load(Relaxed) <= 4 * 24, "{} looks", looks.load(Relaxed));
    }

    #[test]
    fn a_job_out_of_the_order_of_the_ids_is_found_by_a_look_at_all() {
        let mut queue = Queue::new();
        // As where one of two threads takes its ids first and the lock last, and where the last job was put back.
        queue.extend(0, (51..=99).chain(1..=50).map(|number| blank(number, 0)));
        queue.push_front(blank(100, 0));
        let is_found = |id| queue.find_in_order(id).or_else(|| queue.find(id)).is_some();
        assert!((1..=100).map(JobId).all(is_found) && !is_found(JobId(101)));
    }

    #[test]
    fn a_hundred_thousand_priorities_take_no_time_in_proportion_to_the_square_of_their_number() {
        const PRIORITIES: i32 = 100_000;
        let begin = Instant::now();
        // Many times what it takes, and a small part of what the square of the number would.
        let check = || assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
        let mut queue = Queue::<Blank>::new();
        for (number, priority) in (1..).zip((1..=PRIORITIES).rev()) {
            queue.push(blank(number, priority));
            queue.push(blank(number, -priority));
            check();
        }
        for _ in 0..PRIORITIES {
            assert!(queue.best().is_some() && queue.pop().is_some() && queue.pop_least().is_some());
            check();
        }
        assert!(queue.is_empty());
        assert!(queue.above.len() <= EMPTY_LINES && queue.below.len() <= EMPTY_LINES);
    }
}
