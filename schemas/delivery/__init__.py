"""Messages about insulin as it is given, and of the pump."""
