"""Where answers come from: versions in a folder, or a TensorFlow Serving behind this server."""
