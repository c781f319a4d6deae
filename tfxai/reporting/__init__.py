"""One HTML file about a model and images: what it says, why, and how far that may be believed."""

from tfxai.reporting.report import Report, report

__all__ = ["Report", "report"]
