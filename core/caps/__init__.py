"""Caps on insulin over time, computed by two implementations that share their data shapes alone."""
