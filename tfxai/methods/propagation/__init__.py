"""Methods that take the score back through the network by rules of their own."""
