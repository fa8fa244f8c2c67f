"""What can be said of insulin as it is given, and of the pump."""
