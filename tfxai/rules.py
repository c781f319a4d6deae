"""What `LRP(rule=...)` takes besides a word.

Example:
    >>> import tfxai
    >>> tfxai.LRP(rule=tfxai.rules.Gamma(gamma=0.5))
    LRP(rule=Gamma(gamma=0.5))
"""

from tfxai.methods.propagation.composites import Composite
from tfxai.methods.propagation.rules import AlphaBeta, Epsilon, Flat, Gamma, Rule, ZBox, ZPlus

__all__ = ["AlphaBeta", "Composite", "Epsilon", "Flat", "Gamma", "Rule", "ZBox", "ZPlus"]
