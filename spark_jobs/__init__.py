"""Bronze to silver to gold: one file a job, a pure `build` and a short `run` in each."""
