"""Sanity checks: does a method's map follow the model, or only the image?"""

from tfxai.sanity.base import SanityCheck as SanityCheck
from tfxai.sanity.data_randomisation import DataRandomisation as DataRandomisation
from tfxai.sanity.parameter_randomisation import ParameterRandomisation as ParameterRandomisation
from tfxai.sanity.random_logit import RandomLogit as RandomLogit
from tfxai.sanity.result import SanityResult as SanityResult
