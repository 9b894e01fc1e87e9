"""Fake the providers' vendors strictly, each with its refusals and its form of answers.

The tables name the source of each refusal. A row of the catalog without an entry is a vendor that
takes what OpenAI's API takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.support.vendors import gateways, model_hosts, model_makers
from tests.support.vendors.vendor import Vendor

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {**gateways.VENDORS, **model_makers.VENDORS, **model_hosts.VENDORS}
)
PLAIN = Vendor()


def vendor_of(row: str) -> Vendor:
    """Return the vendor of a provider's row."""
    return VENDORS.get(row, PLAIN)
