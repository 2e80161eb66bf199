//! A request to stop, which every wait of a run listens to, and what ends a run before its plan does.

use tokio::sync::watch;

use super::error::MeasureError;

/// Why a run goes no further.
#[derive(Debug)]
pub(super) enum Halt {
    /// It was asked to stop.
    Interrupted,
    /// It cannot go on.
    Failed(MeasureError),
}

impl<E: Into<MeasureError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A request to stop that may come at any time; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    sender: watch::Sender<bool>,
}

impl Cancel {
    /// Asks to stop.
    pub fn cancel(&self) {
        self.sender.send_replace(true);
    }

    /// Whether it was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        *self.sender.borrow()
    }

    /// Ends once it was asked to stop.
    pub async fn cancelled(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        drop(receiver.wait_for(|stop| *stop).await);
    }

    /// Waits for a future, but no longer than until the run is asked to stop.
    pub(super) async fn run_until_cancelled<T>(&self, future: impl Future<Output = T>) -> Result<T, Halt> {
        tokio::select! {
            output = future => Ok(output),
            () = self.cancelled() => Err(Halt::Interrupted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn every_clone_hears_of_it_even_late() {
        let cancel = Cancel::default();
        let other = cancel.clone();
        assert!(!other.is_cancelled());
        cancel.cancel();
        other.cancelled().await;
        assert!(other.is_cancelled());
    }
}
