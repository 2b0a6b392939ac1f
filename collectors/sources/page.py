"""A source → its page, in Markdown. Pure.

What code knows is read from it: paths, headers, limits, answers. The rest is the source's `SourceDoc`.
"""

from collections.abc import Iterable, Sequence
from typing import Final, get_args

from collectors.admission import STATUS
from collectors.source_doc import Library, Noun, SourceDoc
from collectors.sources import answers
from collectors.sources.markdown import bullets, code, numbered, table, words
from collectors.sources.placeholders import Placeholders
from collectors.sources.registry import Source
from schemas.keys import IDENTIFY, PURCHASE
from schemas.rejects import Reason

TABLES: Final[dict[Noun, tuple[str, str]]] = {
    "clicks": ("events", "type, event, path, device, identifier"),
    "purchases": ("purchases", "order_id, status, total, currency, identifier"),
    "tickets": ("tickets", "ticket_id, action, subject, identifier"),
    "feedback": ("feedback", "kind, score, comment, identifier"),
}
"""Where what a source brings is kept, and the columns to look at."""
_WHERE: Final = {"browser": "in browsers", "node": "in Node", "python": "in Python"}
_PAGES: Final = (
    f"In a page the key is public. Give it the right `{IDENTIFY}` only where it should be believed who is "
    f"logged in, `{PURCHASE}` only where its orders should count (refunds and cancellations take a "
    "server's key), and bind it to your site: "
    f"`FOOTFALL_WRITE_KEYS='{{key}}:{{site}} {IDENTIFY} origin=https://www.myshop.example'` "
    "([keys](README.md#keys))."
)
_SERVERS: Final = (
    "On a server use a key of `FOOTFALL_SERVER_KEYS`, here `{server}`: it has all rights, is a secret, "
    "and is refused where it comes from a page ([keys](README.md#keys))."
)

_UNBOUND: Final = (
    "The key is public, and mail programs do not say which page asks: use a key without rights and without "
    "`origin=` (`FOOTFALL_WRITE_KEYS={key}:{site}`)."
)


def page(source: Source, placeholders: Placeholders) -> str:
    """The whole page, with the reader's own address and keys in it."""
    about = source.about
    sections = {
        "": [f"{about.purpose} Brings {', '.join(about.brings)}."],
        "Connect it": _connect(source, placeholders),
        "What becomes what": _becomes(about),
        "Try it": _try(source),
        "See that it works": _see(about, hook=source.kind == "webhook"),
        "Paths and answers": answers.of(source),
        "More": [bullets(f"[{link.what}]({link.url})" for link in about.documentation)],
    }
    return placeholders.fill(_joined(about.title, sections), source.vendor)


def index(sources: Iterable[Source]) -> str:
    """The page about all pages."""
    nouns: Sequence[Noun] = get_args(Noun)
    rows = [
        [f"[{item.about.title}]({item.name}.md)", item.about.connect]
        + ["✓" if noun in item.about.brings else "" for noun in nouns]
        for item in sources
    ]
    sections = {
        "": [
            "Everything that Footfall takes events from. `footfall sources NAME` prints a page with your "
            "own address and keys in it. What the collector adds to what comes in: "
            "[what is known about a visit](../put-it-on-your-site.md#what-is-known-about-a-visit).",
            table(["source", "how to connect it", *nouns], rows),
        ],
        "Keys": [answers.KEYS],
        "Answers": [
            bullets((answers.DURABLE, answers.AGAIN)),
            table(["status", "reason", ""], answers.rows()),
        ],
        "Limits": [table(["", "at most"], answers.bounds())],
    }
    return Placeholders().fill(_joined("Sources", sections))


def _joined(title: str, sections: dict[str, list[str]]) -> str:
    blocks = [f"# {title}"]
    for heading, matches in sections.items():
        texts = [text for text in matches if text]
        blocks += [f"## {heading}", *texts] if heading and texts else texts
    return "\n\n".join(blocks) + "\n"


def _connect(source: Source, placeholders: Placeholders) -> list[str]:
    about, steps = source.about, numbered(source.about.steps)
    match source.kind:
        case "snippet":
            return ["Into the `<head>` of every page:", code("html", placeholders.tag()), _PAGES]
        case "webhook":
            return [steps, *_topics(about), *_files(about), *_secret(source, placeholders)]
        case "file":
            ends = words(source.ends)
            file_names = f"The file's name ends in {ends}; text may be gzipped.\n\n" if ends else ""
            return [f"{file_names}A mapping file says which column is what; there is one below."]
        case "library":
            changes = [block for library in about.libraries for block in _library(library)]
            return [steps, *changes, *_rights(source)]


def _topics(about: SourceDoc) -> list[str]:
    visible = (f"`{topic}`" if topic.islower() else topic for topic in about.topics)
    return ["Events to choose:", bullets(visible)] if about.topics else []


def _files(about: SourceDoc) -> list[str]:
    return [
        block
        for file in about.files
        for block in (f"`{file.name}`:", code(file.name.rpartition(".")[2], file.text))
    ]


def _secret(source: Source, placeholders: Placeholders) -> list[str]:
    setting = f'export FOOTFALL_WEBHOOK_SECRETS="{placeholders.secret_name(source.vendor)}=…"'
    return [
        "Start the collector with the secret (several have commas between):",
        code("sh", setting),
        f"Without it every delivery is answered with `{STATUS[Reason.BAD_SIGNATURE]}`. Address and secret "
        f"are those of one site, here `{placeholders.site}`. The examples below are signed with the secret "
        "`{secret}`.",
    ]


def _library(library: Library) -> list[str]:
    lines = [
        *(f" {line}" for line in library.begin.split("\n")),
        *(f"-{line}" for line in library.before.split("\n")),
        *(f"+{line}" for line in library.after.split("\n")),
    ]
    return [
        f"`{library.package}` {_WHERE[library.where]} (`make sdks` runs {library.version}):",
        code("diff", "\n".join(lines)),
    ]


def _rights(source: Source) -> list[str]:
    """Which keys a source's requests need, and what those must be allowed."""
    if source.about.libraries:
        return [_PAGES, _SERVERS]
    posts = [path for path in source.paths if path.method == "POST"]
    if not posts:
        return [_UNBOUND]
    free = words(path.path for path in posts if not path.secret)
    return [_SERVERS, f"{free} also takes a key of `FOOTFALL_WRITE_KEYS`." if free else ""]


def _becomes(about: SourceDoc) -> list[str]:
    rows = [[item.theirs, item.ours] for item in about.becomes]
    return [
        table(["there", "here"], rows),
        "Not taken:",
        bullets(about.not_taken),
        *(["Good to know:", bullets(about.notes)] if about.notes else []),
    ]


def _try(source: Source) -> list[str]:
    about = source.about
    files = _files(about) if source.kind == "file" else []
    visible = [
        block
        for example in about.examples
        for block in (code("sh", example.shell), f"It makes {words(example.makes)}.")
    ]
    return [*files, *visible]


def _see(about: SourceDoc, *, hook: bool) -> list[str]:
    looks = [
        # to be read, not run
        f"footfall query \"SELECT {columns} FROM {name} FINAL WHERE site = '{{site}}' "  # noqa: S608
        'ORDER BY time DESC LIMIT 5"'
        for name, columns in (TABLES[noun] for noun in about.brings)
    ]
    requested = "footfall rejects list    # what could not be taken, and why"
    test = "Let the vendor send a test, or make it happen once; then:" if hook else ""
    return [test, code("sh", "\n".join((*looks, requested)))]
