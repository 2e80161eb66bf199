//! Holds the direction of dependencies between the modules of `src/`.
