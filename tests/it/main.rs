//! Process-level tests.

#[cfg(test)]
mod context_live;
#[cfg(test)]
mod init;
