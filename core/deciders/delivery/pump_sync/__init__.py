"""From what the pump reports to events: history, clock, faults, forged orders."""
