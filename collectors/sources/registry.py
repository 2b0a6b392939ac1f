"""Every source there is, taken from the registries of those who take events."""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Literal, NamedTuple

from collectors import dialects, snippet, webhooks
from collectors.dialects.contract import Dialect
from collectors.importing import formats, formats_doc
from collectors.source_doc import SourceDoc
from collectors.webhooks import generic
from collectors.webhooks.contract import Vendor

Kind = Literal["snippet", "library", "webhook", "file"]


class Path(NamedTuple):
    """A path that is served. `secret`: only with a server's key; `question`: it brings no events."""

    method: str
    path: str
    secret: bool = False
    question: bool = False


class Source(NamedTuple):
    """One source. `name` is its page's. Of a webhook, `vendor` is its name in paths and settings and
    `headers` are those that are read; of a file, `ends` are its name's.
    """

    name: str
    kind: Kind
    about: SourceDoc
    paths: tuple[Path, ...] = ()
    vendor: str = ""
    headers: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


def sources(
    mapping_result: Iterable[Vendor] = (), snippet_path: str = snippet.PATH
) -> tuple[Source, ...]:
    """All of them; `mapping_result` are the webhooks that mapping files describe."""
    paths = (Path("POST", snippet_path), Path("GET", snippet_path))
    return (
        Source("snippet", "snippet", snippet.ABOUT, paths),
        *map(_of_dialect, dialects.ALL),
        *map(_of_vendor, (*webhooks.ALL, *mapping_result)),
        _of_any_vendor(),
        *(Source(form.name, "file", form.about, ends=form.ends) for form in formats.ALL),
        Source("access-logs", "file", formats_doc.ACCESS_LOG),
    )


def _of_dialect(dialect: Dialect) -> Source:
    brings = [
        Path(method, path, secret=path in dialect.secret)
        for method, paths in (("POST", dialect.posts), ("GET", dialect.gets))
        for path in sorted(paths)
    ]
    asks = [
        Path("GET", path, question=True)
        for question in dialect.questions
        for path in shown(question.path)
    ]
    return Source(dialect.about.title.lower(), "library", dialect.about, (*brings, *asks))


def _of_vendor(vendor: Vendor) -> Source:
    path = Path("POST", f"/webhooks/{vendor.name}/SITE")
    headers = tuple(sorted(vendor.headers))
    return Source(vendor.name, "webhook", vendor.about, (path,), vendor.name, headers)


def _of_any_vendor() -> Source:
    """The page of mapping files is about the one that is its example."""
    (file,) = generic.ABOUT.files
    example = _of_vendor(generic.parse(file.text))
    return example._replace(name="webhook", about=generic.ABOUT)


def shown(pattern: re.Pattern[str]) -> Iterator[str]:
    """The paths that a question's pattern takes, the shortest ones, with KEY where it takes any."""
    text = re.sub(r"\(\?:[^)]*\)\?", "", pattern.pattern)
    text = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: found[1].upper(), text)
    text = text.replace("\\", "").removesuffix("/?")
    parts = re.split(r"\(([^)]*)\)", text)
    for choice in product(*(part.split("|") for part in parts)):
        yield "".join(choice)
