//! What people see while a run goes on: progress bars, plain lines for CI logs, or nothing.
