"""A service that lacks history fetches it: at start, after a gap, in causal order."""
