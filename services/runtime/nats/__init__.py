"""What speaks NATS for all others: connection, bus, pull consumer, client."""
