"""What the page of a source tells that no code knows. Data, kept beside the code it is about.

Everything that code does know (paths, headers, limits, answers) is not in here: a page takes it from
there. Texts are Markdown. In all of them these words stand for the reader's own:

    {address}  the collector, as senders reach it        {host}, {scheme}   parts of it
    {key}      a key of FOOTFALL_WRITE_KEYS              {site}             what it writes for
    {server}   a key of FOOTFALL_SERVER_KEYS             {hook}             a webhook's address
    {secret}   a webhook's secret
"""

from typing import Literal, NamedTuple

from schemas.events import EventType

Where = Literal["browser", "node", "python"]
Noun = Literal["clicks", "purchases", "tickets", "feedback"]


class Library(NamedTuple):
    """A stock library: the one statement that changes.

    `version` is the one that `make sdks` runs; `begin` what stands before the statement.
    """

    package: str
    version: str
    where: Where
    begin: str
    before: str
    after: str


class Becomes(NamedTuple):
    """What a sender says, and what it is here."""

    theirs: str
    ours: str


class File(NamedTuple):
    """A file that an example needs."""

    name: str
    text: str


class Example(NamedTuple):
    """Commands to paste into a shell, and the types of the events that they make, in order."""

    shell: str
    makes: tuple[EventType, ...]


class Link(NamedTuple):
    """Where a sender's own documentation is."""

    what: str
    url: str


class SourceDoc(NamedTuple):
    """One source. `purpose` is a sentence, `connect` the index's line.

    `steps` are what is done once, `topics` what is ticked there; `files` are those of the examples.
    """

    title: str
    purpose: str
    connect: str
    brings: tuple[Noun, ...]
    becomes: tuple[Becomes, ...]
    not_taken: tuple[str, ...]
    examples: tuple[Example, ...] = ()
    libraries: tuple[Library, ...] = ()
    files: tuple[File, ...] = ()
    steps: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    documentation: tuple[Link, ...] = ()
