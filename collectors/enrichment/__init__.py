"""What is known about a visit beside what is said: once per event, at admission, before it is stored.

Each file is one enrichment and depends on nothing but its arguments, so that its readings can be
remembered: an event costs some look-ups, a new user agent some 30 µs and 100 at most. To be safe with
hostile input all of them are bounded in time, and none raises (but `Denied`, for JSON that is none).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, Self

from collectors.dialects.contract import Read, Sender
from collectors.enrichment import addresses, agents, campaigns, referrers
from collectors.enrichment.addresses import PRIVATE, Keep, Proxies
from collectors.enrichment.countries import Countries
from collectors.enrichment.denied import Denied
from collectors.enrichment.fields import Fields
from collectors.errors import EnrichmentError
from schemas.events import Event

IpAddresses = Literal["truncated", "hashed", "none"]

_CACHE_SIZE: Final = 8_192
"""Different visitors whose reading is remembered: their whole addresses, in memory alone."""
_IDENTIFYING: Final = ("email", "phone")
"""Properties that also name people: who denies them wants no identifiers made of them either."""


@dataclass(frozen=True)
class Enrichment:
    """What a collector is told. `ip_addresses`: what is stored of them; `hashed` needs the key.

    `countries`: path of a MaxMind DB file, or "". `deny_properties`: see `denied.Denied`.
    `trusted_proxies`: see `addresses.Proxies`.
    """

    ip_addresses: IpAddresses = "truncated"
    ip_hash_key: str = ""
    countries: str = ""
    deny_properties: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = (PRIVATE,)


class Enricher:
    """Enriches events. Without arguments: addresses truncated, no countries, nothing denied.

    `proxies` are those that are believed about who sent a request.
    """

    def __init__(
        self,
        keep: Keep = addresses.truncated,
        countries: Countries | None = None,
        denied: Iterable[str] = (),
        proxies: Iterable[str] = (PRIVATE,),
    ) -> None:
        """Raises EnrichmentError for a proxy that is no network."""
        self._keep, self._countries, self._denied = keep, countries, Denied(denied)
        self._anonymous = tuple(f"{k}:" for k in _IDENTIFYING if self._denied.names(k))
        self._denies = bool(self._denied)
        try:
            self.proxies = Proxies(proxies)
        except ValueError as error:
            raise EnrichmentError(f"FOOTFALL_TRUSTED_PROXIES: {error}") from error
        self._visitor = lru_cache(_CACHE_SIZE)(self._visitor_of)

    @classmethod
    def of(cls, settings: Enrichment) -> Self:
        """Everything loaded, so that the first event need not wait. Raises CollectorError."""
        agents.parser()
        countries = Countries.of(settings.countries) if settings.countries else None
        return cls(_keep(settings), countries, settings.deny_properties, settings.trusted_proxies)

    def changes(self, read: Read, sender: Sender) -> dict[str, Any]:
        """Fields of the event that are to be replaced. Raises Refused, see `Denied.without`."""
        event, longest = read.event, addresses.LONGEST
        url, agent = event.url, read.user_agent or sender.user_agent
        address_claim = addresses.HIDDEN if sender.anonymous else read.ip
        changes: dict[str, Any] = {
            **self._visitor(agent[: agents.READ], address_claim[:longest], sender.address[:longest])
        }
        if "?" in url or read.campaign:
            changes.update(campaigns.fields(url, read.campaign))
        if event.referrer:
            changes.update(referrers.fields(event.referrer, url))
        if self._denies:
            self._deny(event, changes)
        return changes

    def _visitor_of(self, user_agent: str, address_claim: str, peer: str) -> Fields:
        """What their browser and their address tell.

        A server's SDK speaks for somebody else: the connection is not the visitor's then.
        """
        agent = agents.fields(user_agent)
        address = addresses.parsed(address_claim or (peer if agent else ""))
        if address is None:
            return agent
        country = self._countries.country(address) if self._countries else ""
        matches = {"country": country, "ip": self._keep(address)}
        return {**agent, **{name: text for name, text in matches.items() if text}}

    def _deny(self, event: Event, changes: dict[str, Any]) -> None:
        properties, traits = (
            self._denied.without(item) for item in (event.properties, event.traits)
        )
        if properties is not event.properties:
            changes["properties"] = properties
        if traits is not event.traits:
            changes["traits"] = traits
        if self._anonymous and event.identifiers:
            changes["identifiers"] = tuple(
                item for item in event.identifiers if not item.startswith(self._anonymous)
            )


def _keep(settings: Enrichment) -> Keep:
    if settings.ip_addresses == "none":
        return addresses.dropped
    if settings.ip_addresses == "truncated":
        return addresses.truncated
    if len(settings.ip_hash_key) < addresses.KEY_LENGTH:
        raise EnrichmentError(
            f"FOOTFALL_IP_ADDRESSES=hashed needs FOOTFALL_IP_HASH_KEY, {addresses.KEY_LENGTH} "
            "characters or more that nobody knows."
        )
    return addresses.hashed(settings.ip_hash_key)


PLAIN: Final = Enricher()
"""The enricher of those who ask for nothing else."""
