"""Every method as an XLA program, to be run and timed where TensorFlow is not installed."""
