//! What to measure: the manifest, its variants, facts about Dockerfiles, the plan. Knows no engine.
