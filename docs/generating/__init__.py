"""Pages of the site that are written from the code each time the site is built."""
