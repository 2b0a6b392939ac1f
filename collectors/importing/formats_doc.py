"""What the pages of files say: the mapping is one for all formats, the examples differ."""

from typing import Final

from collectors.importing.mapping import FIELDS, NEEDED, SALT_LENGTH, Kind
from collectors.source_doc import Becomes, Example, File, Link, SourceDoc


def becomes(*kinds: Kind) -> tuple[Becomes, ...]:
    """Which fields a row of each kind may fill; those in bold it must."""
    return tuple(Becomes(f'`kind = "{kind}"`', _fields(kind)) for kind in kinds)


def _fields(kind: Kind) -> str:
    names = (f"`{name}`" for name in FIELDS[kind])
    needed = {f"`{name}`" for name in NEEDED[kind]}
    return ", ".join(f"**{name}**" if name in needed else name for name in names)


_ORDERS: Final = File(
    "orders.csv",
    """\
basket,customer,bought,product,pieces,paid
1001,ada@example.org,2026-11-20 18:30:00,Assam,2,49.80
1001,ada@example.org,2026-11-20 18:30:00,Cup,1,9.50
1002,bo@example.org,2026-11-21 09:05:00,Assam,1,24.90
""",
)
_ORDERS_MAPPING: Final = File(
    "orders.toml",
    """\
kind = "purchases"
site = "{site}"

[columns]               # our field = their column
order_id = "basket"
email = "customer"
time = "bought"
product_id = "product"
quantity = "pieces"
line_total = "paid"     # or price, for one piece

[constants]             # our field = a value for every row
currency = "EUR"

[time]                  # "iso", "ms", "s", or a strptime format
format = "iso"
zone = "Europe/Berlin"  # where a time names none
""",
)
_DESK: Final = (
    File(
        "tickets.csv",
        """\
id,what,when,who,subject
77,created,2026-11-20T18:31:00Z,ada@example.org,Cannot pay
77,solved,2026-11-20T19:02:00Z,ada@example.org,Cannot pay
""",
    ),
    File(
        "tickets.toml",
        """\
kind = "tickets"
site = "{site}"

[columns]
ticket_id = "id"
action = "what"
time = "when"
email = "who"
subject = "subject"
""",
    ),
)

CSV: Final = SourceDoc(
    title="CSV",
    purpose="History from a file: purchases, tickets or events, a line each.",
    connect="write a mapping file and run `footfall import`",
    brings=("clicks", "purchases", "tickets"),
    becomes=becomes("purchases", "tickets", "events"),
    not_taken=(
        'Columns that the mapping does not name; of events, `properties = ["column"]` keeps some.',
        "Rows that cannot be read: each is a reject with its reason, and the command ends with 1.",
    ),
    files=(_ORDERS, _ORDERS_MAPPING, *_DESK),
    examples=(
        Example("footfall import orders.csv --mapping orders.toml", ("purchase", "purchase")),
        Example("footfall import tickets.csv --mapping tickets.toml", ("ticket", "ticket")),
    ),
    notes=(
        "Of purchases, rows with the same `order_id` (and `status`) are the lines of one order.",
        "Importing a file again changes nothing; an import that was interrupted goes on where it was.",
        "An import may run beside a collector that is up.",
    ),
    documentation=(
        Link(
            "A mapping of a million real purchases",
            "../../collectors/importing/examples/completejourney.toml",
        ),
    ),
)

JSON_LINES: Final = CSV._replace(
    title="JSON lines",
    purpose="History from a file: purchases, tickets or events, a JSON object each.",
    files=(
        File(
            "events.jsonl",
            """\
{"kind": "page", "visitor": "d-1", "at": 1795251600000, "address": "https://www.myshop.example/tea"}
{"kind": "track", "what": "Signed Up", "visitor": "d-1", "user": "u42", "at": 1795251660000, "plan": "free"}
""",
        ),
        File(
            "events.toml",
            """\
kind = "events"
site = "{site}"
properties = ["plan"]

[columns]
type = "kind"
event = "what"
anonymous_id = "visitor"
user_id = "user"
time = "at"
url = "address"

[time]
format = "ms"
""",
        ),
    ),
    examples=(Example("footfall import events.jsonl --mapping events.toml", ("page", "track")),),
)

PARQUET: Final = CSV._replace(
    title="Parquet",
    purpose="History from a warehouse or data frame: purchases, tickets or events, a row each.",
    files=(_ORDERS, _ORDERS_MAPPING),
    examples=(
        Example(
            """.venv/bin/python -c 'from pyarrow import csv, parquet
parquet.write_table(csv.read_csv("orders.csv"), "orders.parquet")'
footfall import orders.parquet --mapping orders.toml""",
            ("purchase", "purchase"),
        ),
    ),
    notes=(
        *CSV.notes,
        "Columns of dates and timestamps are taken as they are; `[time]` is for text and numbers.",
    ),
)

_ASKED: Final = (("00", "/tea"), ("01", "/tea.css"), ("40", "/cart"))
_LOG: Final = File(
    "access.log",
    "".join(
        f'203.0.113.9 - - [20/Nov/2026:18:30:{second} +0100] "GET {path} HTTP/1.1" 200 512 '
        '"-" "Mozilla/5.0 (X11; Linux) Firefox/140.0"\n'
        for second, path in _ASKED
    ),
)
ACCESS_LOG: Final = SourceDoc(
    title="Access logs",
    purpose="Page views from the log of a web server, Apache's or nginx's, for sites without a script.",
    connect="write a mapping file and run `footfall import`",
    brings=("clicks",),
    becomes=(
        Becomes("a GET that was answered with 200 to 399 and asks for no asset", "a page view"),
        Becomes("address, user agent and day (UTC), hashed with `salt`", "a device, for that day"),
        Becomes("`Referer`", "the referrer"),
    ),
    not_taken=(
        "Scripts, styles, pictures and other assets; other methods; paths under `skip`.",
        "The whole address: of it no more than its network. Visitors are told apart for a day, "
        "not followed to the next.",
        "Lines that are none of an access log: each is a reject, with its addresses taken out.",
    ),
    files=(
        _LOG,
        File(
            "access.toml",
            """\
kind = "access_log"
site = "{site}"
salt = "make up sixteen characters or more"
base = "https://www.myshop.example"     # optional: makes whole addresses of the paths
skip = ["/api/", "/admin"]              # optional: paths that begin so are no pages
""",
        ),
    ),
    examples=(Example("footfall import access.log --mapping access.toml", ("page", "page")),),
    notes=(
        "Combined format (also with a virtual host before it), or a JSON object a line with nginx's "
        "names or those under `[columns]`; either gzipped.",
        f"`salt` has {SALT_LENGTH} characters or more. Keep it secret, and keep it: with another one "
        "the same visitors are others.",
        "Importing a log again, grown or rotated, changes nothing.",
        "Sessions of an import are counted half an hour after it: until then a visit could go on.",
    ),
    documentation=(
        Link("Apache", "https://httpd.apache.org/docs/current/logs.html#combined"),
        Link("nginx", "https://nginx.org/en/docs/http/ngx_http_log_module.html"),
    ),
)
