//! The rule of the Kubernetes HorizontalPodAutoscaler.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::{Occasion, Rule, Settings};
use super::Meter;
use crate::pool::scaling::{Action, Sample};

/// A pod with its images at hand is to start within 5 s (the pod startup latency objective of Kubernetes): its times
/// are scaled so that this is the time of a boot.
const POD_START: f64 = 5.0;
/// Of `--horizontal-pod-autoscaler-sync-period`, in seconds.
const PERIOD: f64 = 15.0;
/// Of `--horizontal-pod-autoscaler-downscale-stabilization`, in periods of 15 s.
const WINDOW: usize = 20;
/// Of `--horizontal-pod-autoscaler-tolerance`.
const TOLERANCE: f64 = 0.1;
/// The utilization that it aims at where a policy has no metric.
const TARGET: f64 = 0.8;

/// `desired = ceil(workers * utilization / target)`, looked at each period, nothing within the tolerance, the highest
/// of the window for scaling down, at most the double or 4 more in a period for scaling up. It has at least one worker.
pub(super) struct Hpa {
    period: Duration,
    next: Duration,
    meter: Meter,
    wanted: VecDeque<usize>,
}

impl Hpa {
    pub(super) fn new(settings: &Settings) -> Self {
        let period = settings.boot.mul_f64(PERIOD / POD_START).max(Duration::from_millis(1));
        Self { period, next: period, meter: Meter::default(), wanted: VecDeque::with_capacity(WINDOW + 1) }
    }
}

impl Rule for Hpa {
    fn decide(&mut self, occasion: Occasion, sample: &Sample) -> Action {
        self.meter.add(sample);
        if occasion == Occasion::Begin && sample.workers() == 0 {
            return Action::Start(1);
        }
        if sample.now < self.next {
            return Action::None;
        }
        self.next = sample.now + self.period;
        let workers = sample.workers().max(1);
        let ready = (sample.running + sample.idle) as f64;
        let mut ratio = self.meter.take_utilization() / TARGET;
        let mut counted = ready;
        if ratio > 1.0 && sample.booting > 0 {
            // Pods that are not ready count as unused when it would scale up.
            ratio *= ready / workers as f64;
            counted = workers as f64;
        }
        let is_near = (ratio - 1.0).abs() <= TOLERANCE || (counted > ready && ratio < 1.0);
        let desired = if is_near { workers } else { (counted * ratio).ceil() as usize };
        let desired = desired.min((2 * workers).max(workers + 4)).max(1);
        self.wanted.push_back(desired);
        if self.wanted.len() > WINDOW {
            self.wanted.pop_front();
        }
        let highest = self.wanted.iter().copied().max().unwrap_or(desired);
        if desired > workers {
            Action::Start(desired - workers)
        } else if highest < workers {
            Action::Stop(workers - highest)
        } else {
            Action::None
        }
    }

    fn timer(&self) -> Option<Duration> {
        Some(self.next)
    }
}
