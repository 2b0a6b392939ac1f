"""What a collector answers, and within which limits: said from its own tables."""

from collections.abc import Iterable, Iterator
from typing import Final

from collectors import dialects, error_responses, limits
from collectors.access import rate_limits
from collectors.admission import STATUS
from collectors.source_doc import Noun
from collectors.sources.markdown import bullets, code, words
from collectors.sources.registry import Path, Source
from collectors.webhooks import signatures
from schemas import keys
from schemas.rejects import MEANING, Reason
from schemas.time_units import MINUTE_MS

_ABOUT_ONE: Final[dict[Reason, Noun]] = {
    Reason.BAD_ORDER: "purchases",
    Reason.BAD_TICKET: "tickets",
    Reason.BAD_FEEDBACK: "feedback",
}
_UNVERIFIED: Final = (Reason.BODY_TOO_LARGE, Reason.BAD_SIGNATURE)
"""Why a webhook is refused as a whole; what is wrong once it is verified is told apart from it."""

DURABLE: Final = (
    "`200`: everything is on disk (fsync, or `acks=all`). Of a batch, what cannot be taken is counted "
    "in the answer and kept, within `footfall rejects --help`'s bounds: `footfall rejects list`."
)
AGAIN: Final = (
    f"`429` (the key is over its rate) and `503` (the log cannot take more now): nothing was taken; send "
    f"it again after `Retry-After` seconds, {limits.RETRY_AFTER_SECONDS} for `503` and at most "
    f"{rate_limits.LONGEST_WAIT} for `429`."
)
_SECRET_PATHS: Final = sorted(path for dialect in dialects.ALL for path in dialect.secret)
KEYS: Final = "\n\n".join(
    (
        "`FOOTFALL_WRITE_KEYS` are for pages, and public. After each `key:site` stands what it may do:",
        bullets(
            (
                f"`{keys.IDENTIFY}`: its `userId`, e-mail address and other identifiers are believed. "
                "Without it an event keeps its device and loses them; one without `anonymousId` is refused "
                "(`403` `not_allowed`).",
                f"`{keys.PURCHASE}`: its “Order Completed” is a purchase. Without it, a plain event. Refunds "
                "and cancellations take a server's key.",
                "`origin=https://www.myshop.example`: only pages from there (the Origin header, else the "
                "Referer's); repeatable.",
                f"`rate=50`: events a second, {keys.RATE:,} where nothing is said, "
                f"{rate_limits.BURST_SECONDS} seconds' worth at once.",
            )
        ),
        f"`FOOTFALL_SERVER_KEYS` are secrets with all rights and {keys.SERVER_RATE:,} events a second, "
        f"refused where they come from a page. {words(_SECRET_PATHS)} take nothing else.",
        code(
            "sh",
            "export FOOTFALL_WRITE_KEYS='{key}:{site} identify origin=https://www.myshop.example'\n"
            "export FOOTFALL_SERVER_KEYS={server}:{site}\nfootfall up",
        ),
        "Every command reads the same variables; set them in every shell you use.",
        "Without any key, everything is taken and is of the site `default`; a collector that listens to "
        "more than its own machine does not start so.",
    )
)


def of(source: Source) -> list[str]:
    """What a source's page says about paths and answers; nothing for files."""
    if source.kind == "file":
        return []
    brings = [path for path in source.paths if not path.question]
    reported = [f"`{method}` {words(_plain(brings, method))}" for method in _methods(brings)]
    requested = words(path.path for path in source.paths if path.question)
    secret = words(path.path for path in brings if path.secret)
    lines = [
        *reported,
        *([f"Only with a server's key: {secret}"] if secret else []),
        *([f"Its library also asks for {requested}, and is answered."] if requested else []),
        *([f"Headers that are read: {words(source.headers)}"] if source.headers else []),
        *(_verified() if source.kind == "webhook" else _admitted(source)),
    ]
    return [bullets(lines)]


def _methods(paths: Iterable[Path]) -> list[str]:
    return list(dict.fromkeys(path.method for path in paths))


def _plain(paths: Iterable[Path], method: str) -> list[str]:
    """Of paths that are served with and without a slash at the end, the one without."""
    matches = [path.path for path in paths if path.method == method]
    return [path for path in matches if path.removesuffix("/") not in matches or path[-1] != "/"]


def _admitted(source: Source) -> Iterator[str]:
    matches: dict[int, list[str]] = {}
    for reason, status in sorted(STATUS.items(), key=lambda item: item[1]):
        noun = _ABOUT_ONE.get(reason)
        if reason is not Reason.BAD_SIGNATURE and (noun is None or noun in source.about.brings):
            matches.setdefault(status, []).append(reason.value)
    yield DURABLE
    yield "Final, with the reason in the answer: " + "; ".join(
        f"`{status}` {words(reasons)}" for status, reasons in matches.items()
    )
    yield AGAIN
    yield f"At most {_size(limits.MAX_BODY)} a request, {_size(limits.MAX_EVENT)} an event, " + (
        f"{limits.MAX_BATCH_EVENTS:,} events a batch."
    )


def _verified() -> Iterator[str]:
    refusal = (f"`{STATUS[reason]}` `{reason.value}`" for reason in _UNVERIFIED)
    yield f"Refused as a whole: {', '.join(refusal)}."
    yield (
        "Everything else is `200` once it is on disk, as vendors end webhooks that are refused: what "
        "cannot be taken is kept, `footfall rejects list` shows it."
    )
    yield (
        f"`503` with `Retry-After: {limits.RETRY_AFTER_SECONDS}` where the log cannot take it, or no more of "
        "what cannot be taken is kept: vendors try again. A delivery that comes twice counts once."
    )
    yield (
        f"At most {_size(limits.MAX_BODY)} a delivery. Where a time is signed, it may be "
        f"{signatures.TOLERANCE_MS // MINUTE_MS} minutes off."
    )


def rows() -> list[list[str]]:
    """Every status with its reasons."""
    refusal = [(status, reason.value, MEANING[reason]) for reason, status in STATUS.items()]
    matches = sorted((*refusal, *error_responses.ALL), key=lambda row: row[0])
    return [[str(status), f"`{reason}`", meaning] for status, reason, meaning in matches]


def bounds() -> list[list[str]]:
    """Every limit that a sender may run into."""
    return [
        ["a request, also once inflated", _size(limits.MAX_BODY)],
        ["a request of form fields, a query", _size(limits.MAX_FORM)],
        ["an event", _size(limits.MAX_EVENT)],
        ["a fact of a webhook", _size(limits.MAX_FACT)],
        ["events in a batch", f"{limits.MAX_BATCH_EVENTS:,}"],
        ["levels of nesting", str(limits.MAX_DEPTH)],
        ["names in an event's objects", f"{limits.MAX_KEYS:,}"],
        ["a text such as an address", f"{limits.MAX_TEXT:,} characters"],
        ["a `messageId`", f"{limits.MAX_MESSAGE_ID} characters"],
        ["the time a request may take to arrive", f"{limits.ARRIVAL_SECONDS:.0f} s"],
    ]


def _size(count: int) -> str:
    mega = count % 2**20 == 0
    return f"{count // 2**20} MiB" if mega else f"{count // 2**10} KiB"
