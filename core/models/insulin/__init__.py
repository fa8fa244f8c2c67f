"""How insulin acts and what of a history has not acted yet."""
