"""What several deciders know of a dose: how much, from what, up to where, and by whose word."""
