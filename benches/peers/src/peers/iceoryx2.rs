//! iceoryx2: samples that are loaned, written in place and sent; the publisher waits where the subscriber's buffer is full.

use iceoryx2::config::Config;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::{event, publish_subscribe};

use crate::peer::{Ask, Consume, Echo, Part, Peer, Place, Produce, sized};
use crate::row::Row;
use crate::work::{self, Tally};

/// The variant for ports of one thread, which is the fast one.
type Ipc = ipc::Service;

pub(crate) struct Iceoryx2;

impl Peer for Iceoryx2 {
    fn name(&self) -> &'static str {
        "iceoryx2"
    }

    fn part(&self, _row: Row) -> Part {
        Part::Yes
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        sized!(row, N => Box::new(Link::<N>::new(row, place, "to").publisher()))
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        sized!(row, N => Box::new(Link::<N>::new(row, place, "to").subscriber()))
    }

    fn asker(&self, row: Row, place: &Place) -> Box<dyn Ask> {
        Box::new(Both::new(row, place, ("to", "from")))
    }

    fn echoer(&self, row: Row, place: &Place) -> Box<dyn Echo> {
        Box::new(Both::new(row, place, ("from", "to")))
    }
}

/// A node and a service of frames of `N` words.
struct Link<const N: usize> {
    node: Node<Ipc>,
    service: publish_subscribe::PortFactory<Ipc, [u64; N], ()>,
    event: event::PortFactory<Ipc>,
}

impl<const N: usize> Link<N> {
    fn new(row: Row, place: &Place, way: &str) -> Self {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new().config(&Config::default()).create::<Ipc>().expect("a node");
        let name = format!("{}-{way}", place.name);
        let name: ServiceName = name.as_str().try_into().expect("the name is short");
        let service = node
            .service_builder(&name)
            .publish_subscribe::<[u64; N]>()
            .max_publishers(row.producers())
            .max_subscribers(1)
            .history_size(0)
            .subscriber_max_buffer_size(row.slots())
            .subscriber_max_borrowed_samples(2)
            .enable_safe_overflow(false)
            .open_or_create()
            .expect("a service");
        let event = node.service_builder(&name).event().open_or_create().expect("an event service");
        Self { node, service, event }
    }

    fn publisher(self) -> Sending<N> {
        let publisher = self
            .service
            .publisher_builder()
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .max_loaned_samples(1)
            .create()
            .expect("a publisher");
        let notifier = self.event.notifier_builder().create().expect("a notifier");
        Sending { publisher, notifier, _node: self.node }
    }

    fn subscriber(self) -> Receiving<N> {
        let subscriber = self.service.subscriber_builder().create().expect("a subscriber");
        let listener = self.event.listener_builder().create().expect("a listener");
        Receiving { subscriber, listener, _node: self.node }
    }
}

struct Sending<const N: usize> {
    publisher: Publisher<Ipc, [u64; N], ()>,
    notifier: Notifier<Ipc>,
    _node: Node<Ipc>,
}

impl<const N: usize> Sending<N> {
    #[inline]
    fn send(&self, number: u64) {
        // A sample that meets a full buffer or a full list of used ones is dropped in silence but for the count of those
        // whom it reached.
        work::spin(|| {
            let mut sample = self.publisher.loan_uninit().expect("a sample is free");
            work::write_slot(sample.payload_mut(), number);
            // SAFETY: every word was written.
            let reached = unsafe { sample.assume_init() }.send().expect("the subscriber lives");
            (reached > 0).then_some(())
        });
    }
}

impl<const N: usize> Produce for Sending<N> {
    fn produce(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            self.send(number);
        }
    }
}

struct Receiving<const N: usize> {
    subscriber: Subscriber<Ipc, [u64; N], ()>,
    listener: Listener<Ipc>,
    _node: Node<Ipc>,
}

impl<const N: usize> Consume for Receiving<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        for _ in 0..count {
            let sample = work::spin(|| self.subscriber.receive().expect("the publisher lives"));
            tally.words(sample.payload());
        }
    }
}

struct Both {
    sending: Sending<1>,
    receiving: Receiving<1>,
    sleeps: bool,
}

impl Both {
    fn new(row: Row, place: &Place, (out, back): (&str, &str)) -> Self {
        let sending = Link::new(row, place, out).publisher();
        let receiving = Link::new(row, place, back).subscriber();
        Self { sending, receiving, sleeps: row == Row::Block }
    }

    fn send(&self, number: u64) {
        self.sending.send(number);
        if self.sleeps {
            self.sending.notifier.notify().expect("the listener lives");
        }
    }

    fn receive(&self) -> u64 {
        work::spin(|| {
            if self.sleeps {
                self.receiving.listener.blocking_wait(|_| {}).expect("the notifier lives");
            }
            let sample = self.receiving.subscriber.receive().expect("the publisher lives");
            sample.map(|sample| sample.payload()[0])
        })
    }
}

impl Ask for Both {
    fn ask(&mut self, number: u64) -> u64 {
        self.send(number);
        self.receive()
    }
}

impl Echo for Both {
    fn echo(&mut self) {
        self.send(self.receive());
    }
}
