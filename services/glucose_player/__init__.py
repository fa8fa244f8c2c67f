"""The process that plays a recorded trace of glucose as if a sensor sent it."""
