"""What the profiles programme: kept by name and day, held against limits, changed by how much."""
