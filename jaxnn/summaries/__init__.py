"""What a model is made of: its layers with shapes, parameters, operations and bytes, found without computing anything."""

from jaxnn.summaries.flops import flops
from jaxnn.summaries.summary import Row, Summary, summary

__all__ = ["Row", "Summary", "flops", "summary"]
