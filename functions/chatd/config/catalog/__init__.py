"""The catalog of providers, one row each. To add a provider, add a row.

The catalog takes a provider whose dialect is known and whose facts have a link. Its name is also
its prefix and a metric's dimension. The first registered provider in the order of the catalog is
the default provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chatd.config.catalog import (
    amazon_bedrock,
    gateways,
    model_hosts,
    model_makers,
    own_servers,
)
from chatd.config.provider import Provider

_ROWS = (
    *gateways.ROWS,
    *model_makers.ROWS,
    *model_hosts.ROWS,
    *amazon_bedrock.ROWS,
    *own_servers.ROWS,
)

CATALOG: Mapping[str, Provider] = MappingProxyType({row.name: row for row in _ROWS})
