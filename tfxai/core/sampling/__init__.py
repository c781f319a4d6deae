"""Copies of a batch, and where they lie: quadrature, random numbers, coalitions."""
