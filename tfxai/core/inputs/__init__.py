"""What a user passes, as the one tensor that a method sees: inputs, baselines, superpixels."""
