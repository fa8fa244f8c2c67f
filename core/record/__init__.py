"""What is read out of a record: proofs, reports, explanations."""
