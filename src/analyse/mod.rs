//! Pure functions from records: statistics, comparison, attribution of bytes.
