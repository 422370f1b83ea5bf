"""Hostile files, and what it may cost to refuse them. Many tests give these to whatever reads a repository."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

MIB = 1 << 20


def bomb(levels: int = 9, fan: int = 9) -> bytes:
    """Aliases of aliases: a billion values, written in a few lines."""
    lines = [f"l0: &l0 [{', '.join('x' * fan)}]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * fan)}]" for n in range(1, levels + 1)]
    return "\n".join(lines).encode()


TEXTS: dict[str, Callable[[], bytes]] = {
    "a bomb of aliases": bomb,
    "a bomb in a list": lambda: b"packages:\n- &a {name: a, x: [1, 2]}\n" + b"- *a\n" * 200_000,
    "deep flow": lambda: b"packages: " + b"[" * 2_000_000,
    "deep maps": lambda: b"packages: " + b"{a: " * 500_000,
    "deep blocks": lambda: b"packages:\n" + b"- " * 1_000_000,
    "deep JSON": lambda: b'{"packages": ' + b"[" * 1_000_000,
    "wide JSON": lambda: b'{"packages": [' + b"[]," * 5_000_000 + b"[]]}",
    "wide flow": lambda: b"packages: [" + b"[], " * 3_000_000 + b"]",
    "many keys": lambda: b"".join(b"k%d: x\n" % n for n in range(1_500_000)),
    "many anchors": lambda: b"packages:\n" + b"".join(b"- &a%d x\n" % n for n in range(1_200_000)),
    "a long line": lambda: b"packages: " + b"x" * (15 * MIB),
    "a long quoted text": lambda: b'packages: "' + b"\\x41" * (15 * MIB // 4) + b'"',
    "a long number": lambda: b"packages: [{name: " + b"9" * (10 * MIB) + b"}]",
    "a long key": lambda: b"k" * (10 * MIB) + b": 1",
    "open quotes": lambda: b"packages: '" + b"\n" * (10 * MIB),
    "comments": lambda: b"#\n" * (8 * MIB - 1),
    "documents": lambda: b"---\na: 1\n" * 300_000,
    "directives": lambda: b"%YAML 1.1\n" * 500_000,
    "question marks": lambda: b"? " * 1_000_000,
    "tabs": lambda: b"\t" * (10 * MIB),
    "many packages": lambda: b"packages:\n" + b"".join(b"- name: a%d\n" % n for n in range(1_500_000)),
    "many odd packages": lambda: b"packages:\n" + b"".join(b"- {name: a%d}\n" % n for n in range(900_000)),
    "many wrong packages": lambda: b"packages:\n" + b"".join(b"- name: .%d\n" % n for n in range(900_000)),
    "the same package": lambda: b"packages:\n" + b"- name: a\n" * 140_000,
    "the same odd package": lambda: b"packages:\n" + b"- {name: a}\n" * 120_000,
    "nothing but packages": lambda: b"packages:\n" + b"- {}\n" * 240_000,
    "long packages": lambda: b"packages:\n" + (b"- name: a\n  iconUrl: " + b"x" * 190 + b"\n") * 128_000,
    "open entries": lambda: b"packages:\n" + b"- name: 'a\n" * 900_000,
    "a rare letter in a long description": lambda: (
        b"packages:\n- name: a\n  shortDescription: \xf0\x9f\x98\x80" + b"x" * (27 * MIB) + b"\n"
    ),
    "colons": lambda: b"packages:\n- name: " + b"a:" * (7 * MIB) + b"\n",
    "spaces": lambda: b"packages:\n- nam: a" + b" " * (15 * MIB) + b"\n",
    "continued": lambda: b"packages:\n- name: a\n" + b"     a\n" * (2 * MIB),
    "zeroes": lambda: b"\0" * (10 * MIB),
}
"""Large hostile texts by what they are; none is a file of a repository."""


def mutated(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Variants of a file: cut, repeated, with bytes and words that have broken parsers before. Repeatable."""
    chance = random.Random(seed)
    words = [b"&a ", b"*a", b"!!python/object:os.system ", b"<<: ", b"? ", b"- ", b": ", b"{", b"}", b"[", b"]", b'"']
    words += [b"'", b"|\n", b">-\n", b"%", b"@", b"`", b"\t", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\0", b"\r", b"#"]
    words += [b"---\n", b"...\n", b"\xef\xbb\xbf", b"null", b"0x", b"1e999", b".nan", b"../", b"\xe2\x80\xa8", b"\x85"]
    for _ in range(count):
        text = bytearray(content)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(text) + 1)
            to = min(len(text), at + chance.choice((1, 2, 8, 80)))
            what = chance.randrange(4)
            if what == 0:
                del text[at:to]
            elif what == 1:
                text[at:at] = text[at:to] * chance.randint(1, 3)
            elif what == 2:
                text[at:at] = chance.choice(words)
            elif text[at:to]:
                text[at] = chance.randrange(256)
        yield bytes(text)
