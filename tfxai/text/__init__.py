"""Texts in the place of arrays: from a text to ids and masks, and back to its tokens."""
