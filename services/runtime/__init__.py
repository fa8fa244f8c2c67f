"""The ports, their adapters and the one loop that runs every decider."""
