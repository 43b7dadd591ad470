"""Databases stored in another form: journals, tables of other versions of Optuna, Rustuna."""
