//! An exported image turned into layers, merged tree, waste, duplicates and packages. Sync; knows no engine.
