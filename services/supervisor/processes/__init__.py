"""Child processes and their shared clock."""
