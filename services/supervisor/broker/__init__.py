"""nats-server: its configuration, permissions, stream and leash."""
