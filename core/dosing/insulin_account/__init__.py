"""What insulin was given, is being given, and may have been given."""
