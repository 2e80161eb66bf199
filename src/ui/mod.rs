//! What people see while a run goes on: progress bars on a terminal, plain lines in a log, or nothing.
//!
//! In: [`crate::measure::Event`]s. Out: lines on stderr. Nothing here decides anything.

mod bars;
mod plain;

pub(crate) use bars::Bars;
pub(crate) use plain::Plain;

use std::fmt::Write as _;

use crate::measure::{Event, Observer};
use crate::record::{Sample, ServeState};
use crate::report;
use crate::text;
use crate::units::{Nanos, count};

/// Marks the second build of a variant in a round.
const AGAIN: &str = " again (A/A check)";

/// The observer that fits the stream.
pub(crate) enum Watch {
    /// A terminal.
    Bars(Box<Bars>),
    /// A file or a pipe.
    Plain(Plain),
    /// Nobody.
    Silent,
}

impl Observer for Watch {
    fn event(&mut self, event: &Event<'_>) {
        match self {
            Self::Bars(bars) => bars.event(event),
            Self::Plain(plain) => plain.event(event),
            Self::Silent => {}
        }
    }
}

/// One line for an event that is worth one wherever it is shown; `None` for those that are only progress.
fn line(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Planned { builds, done: 0 } => format!("{} planned", count(*builds, "build")),
        Event::Planned { builds, done } => format!("{} planned, {done} done before", count(*builds, "build")),
        Event::Confirming => "some builds look slower than before: they are measured once more".to_owned(),
        Event::BaseReady { reference, used, pulled } => {
            let with = if reference == used { String::new() } else { format!(", from `{}`", text::for_people(used)) };
            let how = pulled.map_or_else(|| "present".to_owned(), |time| format!("pulled in {time}"));
            format!("base `{}`{with}: {how}", text::for_people(reference))
        }
        Event::BaseMissing { reference, reason } => {
            format!("base `{}`: {}", text::for_people(reference), text::for_people(reason))
        }
        Event::BuildDone(sample) => build_line(sample),
        Event::BuildFailed { variant, scenario, message } => {
            format!("{variant} {scenario}: failed: {}", text::for_people(message))
        }
        Event::Weighing { bytes } if bytes.0 == 0 => "weighing the images".to_owned(),
        Event::Sizes(record) => format!("sizes:\n{}", report::sizes(record, report::Style::default()).trim_end()),
        Event::Served { variant, state: ServeState::Answered, ready, detail } => {
            format!("{variant}: starts in {ready}: {}", text::for_people(detail))
        }
        Event::Served { variant, state: ServeState::Failed, detail, .. } => {
            format!("{variant}: does not start: {}", text::for_people(detail))
        }
        Event::Served { variant, state: ServeState::NotAsked, detail, .. } => {
            format!("{variant}: {}", text::for_people(detail))
        }
        Event::Cleaned(report) => report::removed(report),
        Event::Warning(message) => format!("warning: {}", text::for_people(message)),
        Event::Pulling { .. }
        | Event::BuildStarted { .. }
        | Event::Build(_)
        | Event::Weighing { .. }
        | Event::Serving { .. }
        | Event::Cleaning => return None,
    })
}

/// `about 3 min 20 s left`; nothing where that is not known.
fn time_left(left: Option<Nanos>) -> String {
    let seconds = |left: Nanos| Nanos::from_seconds(left.as_seconds().ceil().max(1.0));
    left.map_or_else(String::new, |left| format!("about {} left", seconds(left).whole_seconds()))
}

fn build_line(sample: &Sample) -> String {
    let mut line = format!(
        "{}{} {}: {}, {}/{} cached",
        sample.side.label(&sample.variant),
        if sample.twin { AGAIN } else { "" },
        sample.scenario,
        sample.wall_ns,
        sample.cached,
        sample.cacheable
    );
    if sample.discarded {
        line.push_str(" (warm-up round)");
    }
    if !sample.valid {
        let _ = write!(line, " (not counted: {})", text::for_people(&sample.reason));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn the_second_build_of_the_check_is_labelled() {
        let mut sample = fixture::record().samples.swap_remove(0);
        sample.twin = false;
        let once = build_line(&sample);
        sample.twin = true;
        assert_eq!(build_line(&sample), once.replacen(&sample.variant, &format!("{}{AGAIN}", sample.variant), 1));
        assert!(!once.contains(AGAIN));
    }
}
