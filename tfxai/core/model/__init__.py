"""What a model is made of, without touching it: layers, head, cuts, what is cached of it."""
