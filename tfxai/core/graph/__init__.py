"""What the operations of a traced graph say of the tensors that pass through them."""
