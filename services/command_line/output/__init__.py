"""How answers and refusals are written."""
