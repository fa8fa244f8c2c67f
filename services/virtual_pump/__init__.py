"""A pump for want of hardware: a process of its own with non-volatile memory and an odometer."""
