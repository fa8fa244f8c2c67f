"""`basalt whatif`."""
