"""Methods that change the input and look at what becomes of the score; no gradient."""
