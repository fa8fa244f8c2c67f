"""How much more may be given now, computed twice, and which limit says so."""
