"""`:explain`, from a question to an explanation, with no word of HTTP."""
