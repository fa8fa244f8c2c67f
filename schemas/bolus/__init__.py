"""Messages about boluses before they are given."""
