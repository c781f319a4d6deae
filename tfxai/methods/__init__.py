"""All attribution methods, by class and by registry name."""

from tfxai.methods.base import AttributionMethod as AttributionMethod
from tfxai.methods.by_name import create as create
from tfxai.methods.by_name import get as get
from tfxai.methods.by_name import names as names
from tfxai.methods.by_name import required as required
from tfxai.methods.catalogue import *  # noqa: F403
