"""What every method is made of: the score function, its copies, and the one compiled program."""
