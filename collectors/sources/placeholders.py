"""Where a reader's own collector is: what the words in braces of a `SourceDoc` stand for."""

from typing import NamedTuple
from urllib.parse import urlsplit

from collectors import snippet
from schemas.keys import DEFAULT_SITE


class Placeholders(NamedTuple):
    """The defaults are those of the pages in `docs/sources`. `secret` is a webhook's."""

    address: str = "https://collect.myshop.example"
    site: str = "myshop"
    key: str = "k3y"
    server: str = "s3cret"
    secret: str = "c2VjcmV0"  # noqa: S105 - an example
    snippet_path: str = snippet.PATH

    def fill(self, text: str, vendor: str = "") -> str:
        """Put these values into a text; `vendor` is whose webhook it is about."""
        parts = urlsplit(self.address)
        words = {
            "address": self.address,
            "host": parts.netloc,
            "scheme": parts.scheme,
            "site": self.site,
            "key": self.key,
            "server": self.server,
            "secret": self.secret,
            "hook": self.address + self.hook(vendor),
        }
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", value)
        return text

    def hook(self, vendor: str) -> str:
        """The path that this vendor's webhooks are sent to."""
        return f"/webhooks/{vendor}" + ("" if self.site == DEFAULT_SITE else f"/{self.site}")

    def secret_name(self, vendor: str) -> str:
        """What stands before `=` in FOOTFALL_WEBHOOK_SECRETS."""
        return vendor if self.site == DEFAULT_SITE else f"{vendor}:{self.site}"

    def tag(self) -> str:
        """The snippet's line."""
        return snippet.tag(self.address + self.snippet_path, self.key)
