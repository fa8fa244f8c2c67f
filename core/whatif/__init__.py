"""A history re-decided from an instant under other settings."""
