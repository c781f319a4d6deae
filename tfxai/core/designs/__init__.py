"""Perturbation designs: options, variants of an input, and what their scores make of it."""
