"""Address → country, by a file in MaxMind's format that the site has (GeoLite2, DB-IP, IPinfo, …)."""

import re
from collections.abc import Callable
from typing import Any, Final, Self

from collectors.enrichment.addresses import Address
from collectors.errors import CountriesError

_CODE: Final = re.compile("[A-Za-z]{2}")


class Countries:
    """An open file, asked by `get`: an address → a record or None; ValueError where it cannot say.

    It is read where it lies: one that is replaced needs a new start.
    """

    def __init__(self, get: Callable[[Address], Any]) -> None:
        self._get = get

    @classmethod
    def of(cls, path: str) -> Self:
        """Raises CountriesError."""
        import maxminddb  # 9 MB, for those who have a file

        try:
            reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise CountriesError(
                f"FOOTFALL_COUNTRIES is {path!r}, which cannot be read as a MaxMind DB file ({error}); "
                "give the path of a country or city database (.mmdb), or leave it empty."
            ) from error

        def get(address: Address) -> Any:
            try:
                return reader.get(address)
            except maxminddb.InvalidDatabaseError as error:
                raise ValueError(str(error)) from error

        return cls(get)

    def country(self, address: Address) -> str:
        """ISO 3166 code, such as DE; "" where the file does not know."""
        try:
            matches = self._get(address)
        except ValueError:  # IPv6 in a file of IPv4, or a broken place in the file
            return ""
        if not isinstance(matches, dict):
            return ""
        return _code(matches.get("country")) or _code(matches.get("country_code"))


def _code(country: Any) -> str:
    """MaxMind and DB-IP: {"iso_code": "DE", …}; IPinfo: "DE"."""
    code = country.get("iso_code") if isinstance(country, dict) else country
    return code.upper() if isinstance(code, str) and _CODE.fullmatch(code) else ""
