"""What can be said of boluses before they are given."""
