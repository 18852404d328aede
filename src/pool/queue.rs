//! Jobs that wait, as a data structure without a lock.

use std::collections::VecDeque;
use std::time::Instant;

use super::JobId;
use super::task::{Body, Task};
use super::ticket::Ticket;

/// Lines that may stand empty, kept for their memory. Who uses more priorities than that pays for an allocation.
const EMPTY_LINES: usize = 8;

/// Jobs that wait: the highest priority first, and in the order of their coming within one.
///
/// A job that is withdrawn stays where it is and counts no more; what is left of it goes when it comes to the front, or
/// when such jobs are most of the queue. So each operation takes constant time on average, however many wait.
pub(super) struct Queue<B: Body + ?Sized> {
    /// By priority, the highest last.
    lines: Vec<Line<B>>,
    waiting: usize,
    withdrawn: usize,
    /// Those of the waiting that have a key.
    keyed: usize,
}

struct Line<B: Body + ?Sized> {
    priority: i32,
    tasks: VecDeque<Task<B>>,
}

impl<B: Body + ?Sized> Queue<B> {
    pub(super) const fn new() -> Self {
        Self { lines: Vec::new(), waiting: 0, withdrawn: 0, keyed: 0 }
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
        self.waiting += self.line(priority).len() - before;
    }

    /// Puts a job that was taken out back before those of its priority.
    pub(super) fn push_front(&mut self, task: Task<B>) {
        self.keyed += usize::from(task.ticket().key().is_some());
        self.line(task.ticket().priority()).push_front(task);
        self.waiting += 1;
    }

    fn line(&mut self, priority: i32) -> &mut VecDeque<Task<B>> {
        let place = self.lines.binary_search_by_key(&priority, |line| line.priority);
        let place = place.unwrap_or_else(|place| {
            self.lines.insert(place, Line { priority, tasks: VecDeque::new() });
            place
        });
        &mut self.lines[place].tasks
    }

    /// Takes the next job.
    pub(super) fn pop(&mut self) -> Option<Task<B>> {
        self.skip_withdrawn();
        let task = self.lines.iter_mut().rev().find_map(|line| line.tasks.pop_front())?;
        self.count_out(task.ticket());
        if self.lines.len() > EMPTY_LINES {
            self.lines.retain(|line| !line.tasks.is_empty());
        }
        Some(task)
    }

    /// Takes out the job of the lowest priority that has waited for longest.
    pub(super) fn pop_least(&mut self) -> Option<Task<B>> {
        self.skip_withdrawn();
        let task = self.lines.iter_mut().find_map(|line| line.tasks.pop_front())?;
        self.count_out(task.ticket());
        Some(task)
    }

    /// Returns what orders the job that [`Queue::pop_least`] would take: the least comes first.
    pub(super) fn least(&mut self) -> Option<(i32, JobId)> {
        self.skip_withdrawn();
        let task = self.lines.iter().find_map(|line| line.tasks.front())?;
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
        self.skip_withdrawn();
        self.lines.iter().rev().find(|line| !line.tasks.is_empty()).map(|line| line.priority)
    }

    /// Returns when the job that has waited for longest was submitted.
    pub(super) fn oldest(&mut self) -> Option<Instant> {
        self.skip_withdrawn();
        self.lines.iter().filter_map(|line| line.tasks.front()).map(|task| task.ticket().submitted).min()
    }

    /// Looks for a job, one after the other.
    pub(super) fn find(&self, id: JobId) -> Option<&Task<B>> {
        let mut tasks = self.lines.iter().flat_map(|line| &line.tasks);
        tasks.find(|task| task.ticket().id() == id && !task.ticket().is_withdrawn())
    }

    /// Counts a job of this queue no more, which its ticket calls withdrawn already.
    pub(super) fn withdraw(&mut self, ticket: &Ticket) {
        self.count_out(ticket);
        self.withdrawn += 1;
        if self.withdrawn > self.waiting + 64 {
            for line in &mut self.lines {
                line.tasks.retain(|task| !task.ticket().is_withdrawn());
            }
            self.withdrawn = 0;
        }
    }

    /// Drops what is left of withdrawn jobs at the front of each line.
    fn skip_withdrawn(&mut self) {
        if self.withdrawn == 0 {
            return;
        }
        for line in &mut self.lines {
            while line.tasks.pop_front_if(|task| task.ticket().is_withdrawn()).is_some() {
                self.withdrawn -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::task::test::{Blank, blank};
    use super::super::ticket::Whereabouts;
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
            4 => (-2..3_i32).prop_map(Step::Push),
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
}
