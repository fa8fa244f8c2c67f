"""How every command is typed; imports nothing heavy."""
