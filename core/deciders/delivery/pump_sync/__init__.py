"""From what the pump reports, and what a person asks of it, to events."""
