"""The process and machine under us: clock, zones, logs, files, keys, fail points."""
