//! The command line: clap types, one file per subcommand; the only place that chooses stdout or stderr.
