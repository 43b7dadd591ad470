"""Methods as chains of stages, and the registry that finds them."""
