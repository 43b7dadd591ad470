"""Sweeps of other tools, brought into a study database; needs neither torch nor Ray."""
