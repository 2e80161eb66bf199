//! Plain lines on stderr, for logs of CI jobs and pipes.

use std::io::Write;
use std::time::Instant;

use super::{line, time_left};
use crate::measure::{Event, Observer};

/// Writes one line per finished step, with the seconds since the beginning and how many builds are left.
#[derive(Debug)]
pub(crate) struct Plain {
    begun: Instant,
    place: String,
}

impl Default for Plain {
    fn default() -> Self {
        Self { begun: Instant::now(), place: String::new() }
    }
}

impl Observer for Plain {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::BuildStarted { position, builds, left, .. } = event {
            let left = time_left(*left);
            let left = if left.is_empty() { left } else { format!("({left}) ") };
            self.place = format!("{position}/{builds} {left}");
        }
        let Some(line) = line(event) else { return };
        let place = if matches!(event, Event::BuildDone(_)) { self.place.as_str() } else { "" };
        let text = format!("[{:7.1}s] {place}{line}\n", self.begun.elapsed().as_secs_f64());
        // stderr that is gone leaves nobody to tell.
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
    }
}
