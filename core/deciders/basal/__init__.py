"""The decider of basal_scheduler: profiles, temporary rates, the 48-hour plan."""
