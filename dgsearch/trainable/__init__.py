"""One trial: its stages in order, its checkpoints, its evaluation and the stored stages."""
