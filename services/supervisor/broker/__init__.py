"""nats-server: its configuration, permissions, stream, and the guard that stops it."""
