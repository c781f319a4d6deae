"""All attribution methods, by class and by registry name."""

from tfxai.methods.base import AttributionMethod as AttributionMethod
from tfxai.methods.base import create as create
from tfxai.methods.base import get as get
from tfxai.methods.base import names as names
from tfxai.methods.base import required as required
from tfxai.methods.catalogue import *  # noqa: F403
