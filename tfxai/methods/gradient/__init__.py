"""Methods of the gradient family."""
