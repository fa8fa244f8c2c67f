"""The port to a pump and its line protocol."""
