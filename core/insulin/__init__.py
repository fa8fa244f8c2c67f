"""How insulin acts: the curves, what of a history has not acted yet, and how peers count it."""
