"""Which output is explained: scores and targets."""
