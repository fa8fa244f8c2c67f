"""What every decider is made of: its shape, its event handlers, effects, alarms."""
