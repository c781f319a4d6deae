"""What Keras and TensorFlow call their own: the lists that a scan allows by."""
