"""The decider of historian: how the record of a pump stands."""
