"""A TensorFlow SavedModel: its graphs, its variables, and what Keras 2 recorded in it."""
