"""Who does it: one folder for one process."""
