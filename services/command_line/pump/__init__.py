"""What the pump is told to do, and what is said in its place when it cannot say it."""
