"""The `basalt` command: everything that a person asks of the house from a terminal."""
