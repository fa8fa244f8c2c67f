"""Scenario fields that several calculations share, checked."""
