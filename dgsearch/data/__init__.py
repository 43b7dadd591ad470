"""Benchmarks, their domains and splits, and batches that stay on the device."""
