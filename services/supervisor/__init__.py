"""The process that starts, watches and stops all others for `basalt up`."""
