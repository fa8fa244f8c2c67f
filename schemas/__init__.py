"""What can be said: every message of Basalt as a frozen struct; imports nothing of ours."""
