"""Figures of attributions."""

from tfxai.compat.alibi.utils.visualization import visualize_image_attr

__all__ = ["visualize_image_attr"]
