"""The `basalt` command: everything that a person asks of the system from a terminal."""
