"""What follows: pure functions without clock, input, output or randomness."""
