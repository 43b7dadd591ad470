"""Running a study: Ray Tune executes, Optuna's storage remembers."""
