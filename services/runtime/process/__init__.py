"""The edge of a process: the asyncio loop, arguments, signals, service endpoint."""
