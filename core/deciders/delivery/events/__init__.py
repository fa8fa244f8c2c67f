"""How each event changes what the actuator knows."""
