"""Shrinking keeps the program: what is left out, what is renamed, and what must not be."""

import subprocess
import sys

import pytest

from collectors import snippet
from collectors.snippet.shrink import shrunk


@pytest.mark.parametrize(
    ("source", "smaller"),
    [
        ("f(); // a remark\n/* and\n another */ g();", "f();g();"),
        ('f("a // b  /* c */ d");', 'f("a // b  /* c */ d");'),
        ('f(/[/ ]+ \\/ "/g, 1);', 'f(/[/ ]+ \\/ "/g,1);'),
        ("return new  Thing;", "return new Thing;"),
        ("const LIMIT = 20; f(LIMIT);", "f(20);"),
        ("const first = 1; const second = first; f(second);", "let a=1,b=a;f(b);"),
        ("let first = 1; f(); let second = 2;", "let a=1;f();let b=2;"),
        ("const f1 = (one, two = 2) => one + two;", "let c=(a,b=2)=>a+b;"),
        ("for (const one of all) { f(one); }", "for(let a of all){f(a)}"),
        ("const name = 1; f({ name: 2 }, x.name, name);", "let name=1;f({name:2},x.name,name);"),
        ("const name = 1; f({ a, name });", "let name=1;f({a,name});"),
    ],
)
def test_shrinking(source: str, smaller: str) -> None:
    assert shrunk(source) == smaller


def test_it_is_the_same_text_in_every_process() -> None:
    code = "import sys; from collectors import snippet; sys.stdout.buffer.write(snippet.gzipped())"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {snippet.gzipped()}


def test_the_source_keeps_to_what_shrinking_asks_of_it() -> None:
    code = [line.split(" // ")[0] for line in snippet.source().split("*/")[1].splitlines()]
    assert not [line for line in code if "`" in line or "'" in line]
    ends = (";", "{", "}", ",", "(", "+", "=>", ")", "[", "=")
    bare = [line for line in code if line.strip() and not line.strip().startswith(("//", "."))]
    assert not [line for line in bare if not line.rstrip().endswith(ends)]
