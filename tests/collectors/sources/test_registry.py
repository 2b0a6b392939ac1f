"""Questions of libraries as people read their paths."""

import re

import pytest

from collectors.sources.registry import shown


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("/a", ["/a"]),
        ("/a/?", ["/a"]),
        (r"/a\.js", ["/a.js"]),
        (r"/v1/(?P<key>[\w-]{1,128})/settings", ["/v1/KEY/settings"]),
        ("/(flags|decide)/?", ["/flags", "/decide"]),
        (r"/static/(?:[\w.-]{1,64}/)?array\.js", ["/static/array.js"]),
    ],
)
def test_a_pattern_is_shown_as_the_paths_it_takes(pattern: str, paths: list[str]) -> None:
    assert list(shown(re.compile(pattern))) == paths
    assert all(re.fullmatch(pattern, path) for path in paths)
