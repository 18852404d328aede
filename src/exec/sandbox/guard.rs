//! The supervisor's thread that answers a session's questions.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::audit::{Audit, Witness};
use super::cage::Cage;
use super::calls;
use super::connections::{self, Asked, Decided};
use super::crowd::Crowd;
use super::deeds::{Deed, UnderWay};
use super::files::{Seen, Watch};
use super::in_flight::{self, InFlight};
use super::notices::{Answer, Listener, Notice};
use super::programs;
use super::proxy::{self, Place, Proxy, Serving, Terms};
use super::sends;
use crate::exec::policy::{Request, Resolved};
use crate::exec::process::poll;
use crate::shm::Deadline;

/// How long the end of a session waits for a connection before it breaks it off.
const PATIENCE: Duration = Duration::from_millis(100);

/// Answers questions until nobody is left who could ask.
#[derive(Debug)]
pub(in crate::exec) struct Guard {
    thread: Option<JoinHandle<()>>,
    /// Has lost its other end when the thread has ended.
    ended: Receiver<()>,
    under_way: Arc<UnderWay>,
}

/// What a guard needs.
#[derive(Debug)]
struct Duty {
    policy: Arc<Resolved>,
    listener: Arc<Listener>,
    crowd: Option<Crowd>,
    audit: Arc<Audit>,
    watch: Option<Arc<Watch>>,
    under_way: Arc<UnderWay>,
    in_flight: Arc<InFlight>,
    proxy: Option<Arc<Proxy>>,
    /// Ends the proxy with the last who could ask.
    _serving: Option<Serving>,
    /// The session's process.
    session: u32,
    /// Who says what else is known of the session: kept until nobody can ask any more.
    _witness: Arc<dyn Witness>,
}

impl Guard {
    /// Starts to answer.
    ///
    /// # Errors
    /// There is no thread for it.
    pub(in crate::exec) fn start(
        cage: &Cage,
        listener: OwnedFd,
        session: u32,
        witness: Arc<dyn Witness>,
    ) -> io::Result<Self> {
        let policy = cage.policy().clone();
        let listener = Arc::new(Listener::new(listener));
        let crowd = policy.limits().processes.map(|most| Crowd::new(session, most));
        let (audit, watch) = (cage.audit().clone(), cage.watch().cloned());
        let proxy = cage.proxy().cloned();
        let serving = proxy.clone().map(|proxy| {
            let terms = Terms { policy: policy.clone(), audit: audit.clone(), session };
            Serving::start(proxy, terms, proxy::system_names())
        });
        let _serving = serving.transpose()?;
        let under_way = Arc::<UnderWay>::default();
        let theirs = under_way.clone();
        let in_flight = Arc::new(InFlight::new(policy.limits().descriptors));
        let mut duty = Duty {
            policy,
            listener,
            crowd,
            audit,
            watch,
            under_way: theirs,
            in_flight,
            proxy,
            _serving,
            session,
            _witness: witness,
        };
        let thread = thread::Builder::new().name("circlet-guard".to_owned());
        let (ends, ended) = bounded(0);
        let thread = thread.spawn(move || {
            duty.answer_all();
            duty.under_way.end();
            drop(ends);
        })?;
        Ok(Self { thread: Some(thread), ended, under_way })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Its session has ended, and with it all that could ask.
        let Some(thread) = self.thread.take() else { return };
        while self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            self.under_way.break_off();
        }
        let _ = thread.join();
    }
}

impl Duty {
    fn answer_all(&mut self) {
        loop {
            let look = if self.in_flight.look() { Deadline::after(in_flight::LOOK) } else { Deadline::NEVER };
            if poll([Some(self.listener.descriptor())], look) == [false] {
                continue;
            }
            // A listener whose last asker has gone is ready too, and has nothing to take.
            match self.listener.take() {
                Ok(Some(notice)) => self.answer(&notice),
                Ok(None) => {
                    if self.listener.is_over() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }

    fn answer(&mut self, notice: &Notice) {
        match notice.call {
            libc::SYS_execve | libc::SYS_execveat => self.start(notice),
            libc::SYS_connect | libc::SYS_bind | libc::SYS_listen => {
                self.carry_out(notice, connections::decide(&self.policy, self.proxy.as_deref(), notice));
            }
            libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_sendmmsg => {
                self.carry_out(notice, sends::decide(&self.policy, &self.in_flight, notice));
            }
            call if calls::is_of_files(call) => self.look(notice),
            // A process or a thread more.
            _ => {
                let takes = self.crowd.as_mut().is_none_or(Crowd::takes);
                if !takes {
                    self.audit.limited(
                        self.session,
                        notice.thread,
                        "a process or thread more",
                        "limits.processes",
                    );
                }
                self.listener
                    .answer(notice, if takes { Answer::Continue } else { Answer::Fail(libc::EAGAIN) });
            }
        }
    }

    /// Has files used, and writes down before what the policy says of it.
    fn look(&self, notice: &Notice) {
        // What the shell opens before there is any code is its own.
        if let Some(watch) = self.watch.as_ref().filter(|_| self.audit.has_begun()) {
            let all = watch.look(&self.policy, self.session, notice);
            if self.listener.is_waiting(notice) {
                for Seen { path, access, decision, mechanism } in all {
                    let request = Request::Path { path: &path, access };
                    self.audit.tell_of(self.session, notice.thread, request, &decision, mechanism);
                }
            }
        }
        self.listener.answer(notice, Answer::Continue);
    }

    fn start(&mut self, notice: &Notice) {
        let (decided, answer) = programs::answer(&self.policy, &self.listener, notice);
        let tell = |programs::Decided { path, decision }: programs::Decided| {
            self.audit.tell(
                self.session,
                notice.thread,
                Request::Program { path: &path, sha256: None },
                &decision,
            );
        };
        // Before it goes on, and says that its code is elsewhere.
        decided.into_iter().for_each(tell);
        match answer {
            Answer::Continue => {
                programs::start(&self.policy, &self.listener, notice).into_iter().for_each(tell);
            }
            other => self.listener.answer(notice, other),
        }
    }

    /// Does what was decided on a call on a socket, if whoever asked still waits: what was read was its own then.
    fn carry_out(&self, notice: &Notice, decided: Decided) {
        if !self.listener.is_waiting(notice) {
            return;
        }
        let tell = |asked: &Asked| self.audit.tell(self.session, notice.thread, asked, &asked.decision);
        match decided {
            Decided::Refused(error) => self.listener.answer(notice, Answer::Fail(error)),
            Decided::Denied(asked) => {
                // Before it goes on, and says that its code is elsewhere.
                tell(&asked);
                self.listener.answer(notice, Answer::Fail(libc::EACCES));
            }
            Decided::Made(asked, deed) => {
                asked.iter().for_each(tell);
                self.make(notice, deed);
            }
            Decided::Proxied(call) => {
                let expect = |proxy: &Arc<Proxy>| proxy.expect(call.socket().descriptor(), notice.thread);
                match self.proxy.as_ref().map_or(Ok(Place::default()), expect) {
                    Ok(place) => self.make(notice, Deed::Proxied(call, place)),
                    Err(error) => {
                        let error = error.raw_os_error().unwrap_or(libc::EACCES);
                        self.listener.answer(notice, Answer::Fail(error));
                    }
                }
            }
        }
    }

    fn make(&self, notice: &Notice, deed: Deed) {
        self.under_way.make(deed, &self.listener, notice);
    }
}
