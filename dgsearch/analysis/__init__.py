"""Analyses of a study: frames in, frames out. No torch, no Ray, no plotting."""
