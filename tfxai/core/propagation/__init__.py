"""The way back from the score to x by rules in the place of gradients."""
