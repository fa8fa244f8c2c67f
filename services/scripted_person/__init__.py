"""The process that acts as a person would: eats, asks for advice, accepts it, measures."""
