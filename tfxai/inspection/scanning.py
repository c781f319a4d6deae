"""Is it safe to load that model?"""

from __future__ import annotations

import os
from collections.abc import Collection

from tfxai.inspection.limits import Limits, chosen
from tfxai.inspection.reading import read
from tfxai.inspection.report import Report


def scan(
    path: str | os.PathLike[str],
    *,
    custom_objects: Collection[str] = (),
    limits: Limits | None = None,
) -> Report:
    """Look for what an honest model does not have, without loading anything.

    Args:
        path: A `.keras` or `.h5` file, a folder that Keras wrote, or that of a SavedModel.
        custom_objects: Names of the classes and functions that will be passed to Keras, as it has
            them: "Name" or "package>Name". A dict with these keys will do.
        limits: What is read and allowed; the defaults suit models of up to 64 GiB.

    Returns:
        All findings, the worst first. A file that cannot be read is refused by a finding, too.

    Raises:
        DataNotFoundError: There is nothing at that path, or it may not be read.
    """
    return read(path, custom_objects, chosen(limits))[1]
