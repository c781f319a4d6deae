"""Figures of attributions, samples and training runs. matplotlib is used here only."""

from tfxai.plotting.attribution import plot_attribution
from tfxai.plotting.comparison import plot_comparison
from tfxai.plotting.concepts import plot_discovered, plot_tcav
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.feature_charts import (
    plot_bars,
    plot_beeswarm,
    plot_dependence,
    plot_importance,
    plot_waterfall,
)
from tfxai.plotting.figures import figure_html, save_figure
from tfxai.plotting.grid import sample_grid
from tfxai.plotting.history import plot_history
from tfxai.plotting.panels import pictures
from tfxai.plotting.sanity import plot_sanity
from tfxai.plotting.sweep import compare_baselines, sweep

__all__ = [
    "Drawing",
    "compare_baselines",
    "figure_html",
    "pictures",
    "plot_attribution",
    "plot_bars",
    "plot_beeswarm",
    "plot_comparison",
    "plot_dependence",
    "plot_discovered",
    "plot_history",
    "plot_importance",
    "plot_sanity",
    "plot_tcav",
    "plot_waterfall",
    "sample_grid",
    "save_figure",
    "sweep",
]
