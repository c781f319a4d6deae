"""What `baseline=` takes besides a number, a colour or an array.

Example:
    >>> import tfxai
    >>> tfxai.IntegratedGradients(baseline=tfxai.baselines.Blur(sigma=4))  # doctest: +ELLIPSIS
    IntegratedGradients(...baseline=Blur(sigma=4)...)
"""

from tfxai.core.inputs.baseline_records import (
    Activations,
    Blur,
    Constant,
    Mask,
    Mean,
    Noise,
    Pad,
    Samples,
    Text,
)

__all__ = ["Activations", "Blur", "Constant", "Mask", "Mean", "Noise", "Pad", "Samples", "Text"]
