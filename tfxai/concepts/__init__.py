"""Concepts that people have names for: what a class rests on, tested against random concepts."""

from tfxai.concepts.cav import CAV as CAV
from tfxai.concepts.cav import ConceptVector as ConceptVector
from tfxai.concepts.data import Concept as Concept
from tfxai.concepts.discovered import DiscoveredConcept as DiscoveredConcept
from tfxai.concepts.discovered import DiscoveredConcepts as DiscoveredConcepts
from tfxai.concepts.discovery import ConceptDiscovery as ConceptDiscovery
from tfxai.concepts.patterns import checks as checks
from tfxai.concepts.patterns import colour as colour
from tfxai.concepts.patterns import dots as dots
from tfxai.concepts.patterns import stripes as stripes
from tfxai.concepts.patterns import zigzags as zigzags
from tfxai.concepts.result import ConceptScore as ConceptScore
from tfxai.concepts.result import TCAVResult as TCAVResult
from tfxai.concepts.strength import ConceptStrength as ConceptStrength
from tfxai.concepts.tcav import TCAV as TCAV
