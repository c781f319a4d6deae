"""Explanations of whole data sets, by any engine that hands out batches."""

from tfxai.batch.explainer import Explainer as Explainer
