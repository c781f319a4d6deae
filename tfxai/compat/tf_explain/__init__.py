"""tf-explain's interface: `core` explains, `callbacks` explain during `fit`, `utils` draw."""

from tfxai.compat.tf_explain import callbacks as callbacks
from tfxai.compat.tf_explain import core as core
from tfxai.compat.tf_explain import utils as utils

__all__ = ["callbacks", "core", "utils"]
