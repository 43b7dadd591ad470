"""Figures: an analysis frame in, a plotly figure out; nothing is computed here."""
