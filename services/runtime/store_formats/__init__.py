"""The format number of each store: which are known, how it is read, written and raised."""
