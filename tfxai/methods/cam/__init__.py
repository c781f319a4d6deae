"""Methods of the cam family."""
