"""One decider over its journal: inbox, decide, commit, outbox."""
