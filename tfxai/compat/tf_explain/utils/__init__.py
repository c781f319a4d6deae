"""Grids, heatmaps, grey scales and files of pictures."""
