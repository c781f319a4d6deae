"""Files read without the libraries that wrote them: archives, HDF5, JSON, protocol buffers."""
