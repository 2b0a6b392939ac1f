"""Countries, out of a file of the makers' formats."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from collectors.enrichment.countries import Countries
from collectors.errors import CountriesError

MAXMIND = {"country": {"iso_code": "DE", "names": {"en": "Germany"}}}


def database(folder: Path, **networks: Any) -> Countries:
    """A file that knows each network (with _ for . and /) by its record."""
    return Countries.of(str(written(folder, networks)))


def written(folder: Path, networks: dict[str, Any]) -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Countries")
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    path = folder / "countries.mmdb"
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("record", "country"),
    [
        (MAXMIND, "DE"),
        ({"country": "fr"}, "FR"),
        ({"country_code": "US"}, "US"),
        ({"country": {"iso_code": "XYZ"}}, ""),
        ({"country": {"names": {"en": "Germany"}}}, ""),
        ({"city": "Paris"}, ""),
        ("DE", ""),
    ],
)
def test_a_record_says_the_country(tmp_path: Path, record: Any, country: str) -> None:
    countries = database(tmp_path, **{"203.0.113.0/24": record})
    assert countries.country(ip_address("203.0.113.9")) == country


def test_ipv6_is_known_too_and_others_are_not(tmp_path: Path) -> None:
    countries = database(
        tmp_path, **{"2001:db8::/32": MAXMIND, "203.0.113.0/24": {"country": "FR"}}
    )
    found = [countries.country(ip_address(a)) for a in ("2001:db8::7", "203.0.113.9", "192.0.2.1")]
    assert found == ["DE", "FR", ""]


@pytest.mark.parametrize("content", [None, b"", b"no database"])
def test_a_file_that_is_none_is_told_with_its_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "geo.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CountriesError, match=r"FOOTFALL_COUNTRIES is '.*geo\.mmdb'"):
        Countries.of(str(path))


def test_a_file_cut_short_is_refused_or_knows_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, {"203.0.113.0/24": MAXMIND})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CountriesError):
        Countries.of(str(path))
