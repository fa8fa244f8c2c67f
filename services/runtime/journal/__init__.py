"""The append-only journal of one service: rows, hash chain, stores."""
