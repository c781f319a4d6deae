"""Figures of an image's attributions."""

from tfxai.plotting.image_attributions import (
    ImageVisualizationMethod,
    VisualizeSign,
    visualize_image_attr,
)

__all__ = ["ImageVisualizationMethod", "VisualizeSign", "visualize_image_attr"]
