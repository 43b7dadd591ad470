"""The study database: Optuna's tables and ours beside them. No torch, no Ray."""
