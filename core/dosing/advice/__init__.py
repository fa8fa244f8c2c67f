"""How much insulin to advise, within guards."""
