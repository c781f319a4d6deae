"""Methods that follow the attention of a model through its layers, for models that have any."""
