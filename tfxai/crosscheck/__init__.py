"""Compares tfxai's values with its peers', for the same model and image."""

from tfxai.crosscheck.checking import TOLERANCE, Result, Verdict, check
from tfxai.crosscheck.peers import crosscheck, require_peers, versions
from tfxai.crosscheck.setting import Setting

__all__ = [
    "TOLERANCE",
    "Result",
    "Setting",
    "Verdict",
    "check",
    "crosscheck",
    "require_peers",
    "versions",
]
