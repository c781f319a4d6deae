"""Windows that sweep over an input, and only what they change of a network."""
