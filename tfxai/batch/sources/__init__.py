"""Where the examples of a data set come from: files of images, records, tables and lines."""

from tfxai.batch.sources.opening import FORMATS as FORMATS
from tfxai.batch.sources.opening import open_source as open_source
from tfxai.batch.sources.rows import Failure as Failure
from tfxai.batch.sources.rows import Fields as Fields
from tfxai.batch.sources.rows import Row as Row
from tfxai.batch.sources.rows import Source as Source
