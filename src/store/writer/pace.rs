//! When a batch starts.
//!
//! Half a millisecond is less than the runtime's timers can tell apart, so a thread that sleeps
//! measures it. It sleeps only while something waits behind a batch that is on its way; otherwise
//! it is parked, and it does not exist before it is first needed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::queue::{Batch, Queue};
use super::{Shared, Sink};

/// Wakes the writer while something waits behind a batch.
#[derive(Default)]
pub(super) struct Metronome(Arc<Beat>);

#[derive(Default)]
struct Beat {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: bool,
    armed: bool,
    stopped: bool,
}

/// How much longer the spacing is for each write on its way, which the database works on before it waits
/// for its disk.
const PER_WRITE: Duration = Duration::from_micros(10);
/// How many times the spacing that is at the most.
const LARGER: u32 = 2;
/// How many times the spacing a batch waits for, at the most, that is smaller than what is on its way.
const SMALLER: u32 = 8;

impl<S: Sink> Shared<S> {
    /// The batch that may start now. If one may start later, sees to it that it will.
    pub(super) fn next(
        this: &Arc<Self>,
        queue: &mut Queue<S::Connection>,
    ) -> Option<Batch<S::Connection>> {
        let now = Instant::now();
        if this.due(queue, now)? <= now {
            return queue.start(this.settings.batch, now);
        }
        this.metronome.arm(this);
        None
    }

    /// When the next batch may start; never, if nothing waits or no lane is free.
    ///
    /// With nothing on its way that is at once. Beside batches on their way it is when as much waits
    /// as they hold: the database's work for a batch is a part for the batch and a part for each
    /// row, and halves cost the first part twice while they save the wait for one commit.
    fn due(&self, queue: &Queue<S::Connection>, now: Instant) -> Option<Instant> {
        if queue.len() == 0 || queue.started() >= self.settings.lanes {
            return None;
        }
        let Some(last) = queue.last_start().filter(|_| queue.started() > 0) else {
            return Some(now);
        };
        let base = self.settings.spacing;
        let on_way = u32::try_from(queue.on_way()).unwrap_or(u32::MAX);
        let spacing = base.saturating_add(PER_WRITE.saturating_mul(on_way)).min(base * LARGER);
        Some(last + if queue.len() >= queue.on_way() { spacing } else { spacing * SMALLER })
    }

    /// Starts the batch that is due. Gives the time of the next one, if something waits for it.
    fn beat(this: &Arc<Self>) -> Option<Instant> {
        let mut queue = this.lock();
        let now = Instant::now();
        let due = this.due(&queue, now)?;
        if due > now {
            return Some(due);
        }
        let batch = queue.start(this.settings.batch, now)?;
        let next = this.due(&queue, now);
        drop(queue);
        Self::drive(this, batch);
        next
    }
}

impl Metronome {
    /// Sees to it that [`Shared::beat`] is called until it has nothing to wait for.
    fn arm<S: Sink>(&self, shared: &Arc<Shared<S>>) {
        let mut state = self.0.lock();
        if state.armed {
            return;
        }
        state.armed = true;
        if state.running {
            self.0.changed.notify_one();
            return;
        }
        let (beat, shared) = (self.0.clone(), Arc::downgrade(shared));
        let thread = std::thread::Builder::new().name("store-writer".into());
        // Without the thread a batch starts when the one before it is done: slower, not wrong.
        state.running = thread.spawn(move || run(&beat, &shared)).is_ok();
    }

    pub(super) fn stop(&self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_one();
    }
}

impl Beat {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run<S: Sink>(beat: &Beat, shared: &Weak<Shared<S>>) {
    loop {
        let mut state = beat.lock();
        while !state.armed && !state.stopped {
            state = beat.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return;
        }
        // Disarmed before it looks, so that what comes while it looks arms it again.
        state.armed = false;
        drop(state);
        loop {
            let Some(shared) = shared.upgrade() else { return };
            let Some(due) = Shared::beat(&shared) else { break };
            // It may be due earlier by then: what waits grows.
            let pause = due.saturating_duration_since(Instant::now()).min(shared.settings.spacing);
            drop(shared);
            std::thread::sleep(pause);
        }
    }
}
