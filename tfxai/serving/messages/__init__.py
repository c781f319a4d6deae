"""What requests and answers hold: tensors, signatures, images, and what can go wrong."""
