"""The process that keeps every speaker's events of every pump in one record."""
