//! Progress bars on a terminal: the whole run above, what is going on now below.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{AGAIN, line, time_left};
use crate::engine::BuildEvent;
use crate::measure::{Event, Observer};
use crate::report;
use crate::text;
use crate::units::Bytes;

/// Lines that stay below what is printed: the sizes once they are known, builds done of those planned, and the variant,
/// scenario, and instruction at hand.
pub(crate) struct Bars {
    area: MultiProgress,
    sizes: ProgressBar,
    total: ProgressBar,
    now: ProgressBar,
    place: String,
}

impl Default for Bars {
    fn default() -> Self {
        let area = MultiProgress::new();
        let sizes = area.add(ProgressBar::new_spinner());
        sizes
            .set_style(ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let total = area.add(ProgressBar::new(0));
        total.set_style(
            ProgressStyle::with_template("{bar:30} {pos}/{len} builds  {elapsed_precise}  {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let now = area.add(ProgressBar::new_spinner());
        now.set_style(
            ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        now.enable_steady_tick(Duration::from_millis(120));
        Self { area, sizes, total, now, place: String::new() }
    }
}

impl Bars {
    fn show(&self, message: &str) {
        self.now.set_message(text::strip_control(message));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.now.finish_and_clear();
        self.total.finish_and_clear();
        self.sizes.finish_and_clear();
    }
}

impl Observer for Bars {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { builds, done } => {
                self.total.set_length(u64::from(*builds));
                self.total.set_position(u64::from(*done));
            }
            Event::Pulling { reference, progress } => {
                let of = if progress.total_bytes == 0 {
                    String::new()
                } else {
                    format!(" {} of {}", Bytes(progress.current_bytes), Bytes(progress.total_bytes))
                };
                self.show(&format!("pulling {reference}: {} {}{of}", progress.what, progress.status));
            }
            Event::BuildStarted { position, variant, scenario, round, discarded, twin, left, .. } => {
                self.total.set_position(u64::from(position.saturating_sub(1)));
                self.total.set_message(time_left(*left));
                let warm_up = if *discarded { ", warm-up" } else { "" };
                let again = if *twin { AGAIN } else { "" };
                self.place = format!("{variant}{again} · {scenario} (round {round}{warm_up})");
                self.show(&self.place);
            }
            Event::Build(BuildEvent::Step { index, total, instruction }) => {
                self.show(&format!("{} · {index}/{total} {instruction}", self.place));
            }
            Event::Build(BuildEvent::Exporting) => self.show(&format!("{} · writing the image", self.place)),
            Event::Sizes(record) => {
                self.sizes.set_message(text::strip_control(&report::sizes_line(record)));
                self.sizes.tick();
            }
            Event::Weighing { bytes } => self.show(&format!("weighing the images: {bytes} read")),
            Event::Serving { variant, start, starts } => self.show(&format!("{variant} · start {start} of {starts}")),
            Event::Cleaning => self.show("removing what the run made on the engine"),
            _ => {}
        }
        if let Event::BuildDone(_) = event {
            self.total.inc(1);
        }
        if let Some(line) = line(event) {
            // A terminal that is gone leaves nobody to tell.
            drop(self.area.println(line));
        }
    }
}
