"""`dgsearch plan`: what a study would run, what of it is there, and what it would take."""
