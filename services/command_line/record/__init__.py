"""What is asked of the record: its state, its reasons, its soundness, and what would have been."""
