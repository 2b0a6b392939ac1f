"""The settings of webhooks → their Router. This reads the mapping files, so that the Router need not."""

from collections.abc import Iterable
from pathlib import Path

from collectors.enrichment import PLAIN, Enricher
from collectors.errors import WebhookMappingError
from collectors.webhooks import generic
from collectors.webhooks.router import Router


def load_mapping(path: str) -> generic.Generic:
    """The vendor in a TOML file. Raises WebhookMappingError, which names the file."""
    try:
        return generic.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, WebhookMappingError) as error:
        raise WebhookMappingError(f"{path}: {error}") from error


def router_of(
    secrets: Iterable[str] = (), mappings: Iterable[str] = (), enricher: Enricher = PLAIN
) -> Router:
    """The Router of `vendor[:site]=secret` texts and of the vendors in mapping files, by their paths.

    Raises WebhookError and WebhookMappingError.
    """
    return Router.of(secrets, [load_mapping(path) for path in mappings], enricher)
