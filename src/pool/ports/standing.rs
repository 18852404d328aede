//! Whose a port is and who uses it: pure transitions, without a ring.

use super::super::WorkerId;

/// How things stand with one port. Its end is with one user at a time; it closes once, when nobody uses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// The worker that it was transferred to.
    owner: Option<WorkerId>,
    /// The worker that has the end now.
    user: Option<WorkerId>,
    is_closed: bool,
}

/// What a worker gets that asks for a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The end, until it gives it back.
    Granted,
    /// Nothing yet: it is another's, or another uses it.
    Wait(WorkerId),
    /// Nothing: it has it already.
    Had,
    /// Nothing, ever.
    Closed,
}

impl Standing {
    /// Answers a worker that asks for the end.
    pub(super) fn ask(&mut self, worker: WorkerId) -> Answer {
        if self.is_closed {
            return Answer::Closed;
        }
        match (self.user, self.owner) {
            (Some(user), _) if user == worker => Answer::Had,
            (_, Some(owner)) if owner != worker => Answer::Wait(owner),
            (Some(user), _) => Answer::Wait(user),
            (None, _) => {
                self.user = Some(worker);
                Answer::Granted
            }
        }
    }

    /// Takes the end back from the worker that has it. `true` if it is to be closed now.
    pub(super) fn give_back(&mut self, worker: WorkerId) -> bool {
        let had = self.user == Some(worker);
        if had {
            self.user = None;
        }
        had && self.is_closed
    }

    /// Makes the port a worker's, or everybody's. Whoever uses it goes on until it gives it back. `false` if it is closed.
    pub(super) fn transfer(&mut self, to: Option<WorkerId>) -> bool {
        if !self.is_closed {
            self.owner = to;
        }
        !self.is_closed
    }

    /// Closes the port. `true` if its end is to be closed now, and not when it is given back.
    pub(super) fn close(&mut self) -> bool {
        let was_open = !self.is_closed;
        self.is_closed = true;
        was_open && self.user.is_none()
    }

    /// Makes the port of a worker that has ended everybody's again.
    pub(super) fn disown(&mut self, worker: WorkerId) {
        if self.owner == Some(worker) && !self.is_closed {
            self.owner = None;
        }
    }

    /// Tells whether a worker has the end.
    pub(super) fn is_used_by(&self, worker: WorkerId) -> bool {
        self.user == Some(worker)
    }

    /// Returns the worker that it was transferred to, or else the one that uses it.
    pub(super) fn shown_owner(&self) -> Option<WorkerId> {
        self.owner.or(self.user)
    }

    pub(super) fn is_transferred(&self) -> bool {
        self.owner.is_some()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Tells whether the end is closed too.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed && self.user.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static WORKERS: LazyLock<[WorkerId; 3]> = LazyLock::new(|| [(); 3].map(|()| WorkerId::next()));

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Ask(usize),
        GiveBack(usize),
        Transfer(Option<usize>),
        Ended(usize),
        Close,
    }

    /// What happens to a port when a worker ends. Returns whether the end is to be closed now.
    fn ended(standing: &mut Standing, worker: usize) -> bool {
        standing.disown(WORKERS[worker]);
        standing.give_back(WORKERS[worker])
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..3_usize).prop_map(Step::Ask),
            4 => (0..3_usize).prop_map(Step::GiveBack),
            3 => proptest::option::of(0..3_usize).prop_map(Step::Transfer),
            2 => (0..3_usize).prop_map(Step::Ended),
            1 => Just(Step::Close),
        ]
    }

    proptest! {
        /// The end itself is a token that is handed out and comes back, or is closed.
        #[test]
        fn the_end_is_with_one_worker_at_a_time_and_closes_once_with_nobody(steps in proptest::collection::vec(step(), 0..60)) {
            let mut standing = Standing::default();
            let (mut holder, mut owner, mut closed, mut ends_closed) = (None, None, false, 0);
            for step in steps {
                match step {
                    Step::Ask(asker) => {
                        let answer = standing.ask(WORKERS[asker]);
                        let may = !closed && holder.is_none() && owner.is_none_or(|owner| owner == asker);
                        prop_assert_eq!(answer == Answer::Granted, may);
                        prop_assert_eq!(answer == Answer::Closed, closed);
                        prop_assert_eq!(answer == Answer::Had, !closed && holder == Some(asker));
                        if may {
                            holder = Some(asker);
                        }
                    }
                    Step::GiveBack(giver) => {
                        let had = holder == Some(giver);
                        prop_assert_eq!(standing.give_back(WORKERS[giver]), had && closed);
                        if had {
                            holder = None;
                            ends_closed += usize::from(closed);
                        }
                    }
                    Step::Transfer(to) => {
                        prop_assert_eq!(standing.transfer(to.map(|to| WORKERS[to])), !closed);
                        if !closed {
                            owner = to;
                        }
                    }
                    Step::Ended(worker) => {
                        let used = holder == Some(worker);
                        prop_assert_eq!(standing.is_used_by(WORKERS[worker]), used);
                        prop_assert_eq!(ended(&mut standing, worker), used && closed);
                        if used {
                            holder = None;
                            ends_closed += usize::from(closed);
                        }
                        if owner == Some(worker) && !closed {
                            owner = None;
                        }
                    }
                    Step::Close => {
                        let now = !closed && holder.is_none();
                        prop_assert_eq!(standing.close(), now);
                        closed = true;
                        ends_closed += usize::from(now);
                    }
                }
                prop_assert_eq!(standing.is_over(), closed && holder.is_none());
                prop_assert_eq!(ends_closed, usize::from(standing.is_over()));
                prop_assert_eq!(standing.is_transferred(), owner.is_some());
                prop_assert_eq!(standing.shown_owner(), owner.or(holder).map(|worker: usize| WORKERS[worker]));
            }
        }

        #[test]
        fn when_all_workers_have_ended_anybody_gets_the_port(steps in proptest::collection::vec(step(), 0..60)) {
            let mut standing = Standing::default();
            for step in steps {
                match step {
                    Step::Ask(worker) => drop(standing.ask(WORKERS[worker])),
                    Step::GiveBack(worker) => drop(standing.give_back(WORKERS[worker])),
                    Step::Transfer(to) => drop(standing.transfer(to.map(|to| WORKERS[to]))),
                    Step::Ended(worker) => drop(ended(&mut standing, worker)),
                    Step::Close => {}
                }
            }
            for worker in 0..WORKERS.len() {
                ended(&mut standing, worker);
            }
            prop_assert_eq!(standing, Standing::default());
            prop_assert_eq!(standing.ask(WORKERS[0]), Answer::Granted);
        }
    }
}
