"""Sentences made by a grammar with probabilities, what each is worth in bits, and n-gram models of their characters.

A sentence's probability is the sum over all ways in which the grammar can make it, so the mean of -log2 of it per character is what no
model can stay below in the long run: the entropy of the text.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

Choice = tuple[float, tuple[str, ...]]


def _words(*words: str) -> list[Choice]:
    return [(1 / len(words), (word,)) for word in words]


def _both(number: str, s: str, verb_s: str) -> dict[str, list[Choice]]:
    """Rules of one number: nouns that end in s, verbs that end in verb_s; a clause may stand between a noun and its verb."""
    nouns, seeing, waiting = ("host", "router", "link", "server"), ("block", "find", "trust", "flood"), ("wait", "fail", "restart")
    return {
        f"noun phrase {number}": [(0.7, ("the ", f"named {number}")), (0.3, ("the ", "adjective", f"named {number}"))],
        f"named {number}": [(0.6, (f"noun {number}",)), (0.4, (f"noun {number}", " that ", f"clause {number}"))],
        f"clause {number}": [
            (0.5, (f"verb phrase {number}",)),
            (0.25, ("noun phrase one", " ", "seeing one")),
            (0.25, ("noun phrase many", " ", "seeing many")),
        ],
        f"verb phrase {number}": [(0.6, (f"waiting {number}",)), (0.4, (f"seeing {number}", " ", "noun phrase"))],
        f"noun {number}": _words(*(noun + s for noun in nouns)),
        f"seeing {number}": _words(*(verb + verb_s for verb in seeing)),
        f"waiting {number}": _words(*(verb + verb_s for verb in waiting)),
    }


GRAMMAR: dict[str, list[Choice]] = {
    "sentence": [
        (0.5, ("noun phrase one", " ", "verb phrase one", ". ")),
        (0.5, ("noun phrase many", " ", "verb phrase many", ". ")),
    ],
    "noun phrase": [(0.5, ("noun phrase one",)), (0.5, ("noun phrase many",))],
    "adjective": _words("old ", "slow ", "new ", "busy "),
    **_both("one", "", "s"),
    **_both("many", "s", ""),
}
"""Symbol -> choices, each a probability and a row of symbols; what is no symbol is written as it stands."""


def sentences(characters: int, seed: int) -> list[str]:
    """Sentences drawn one after the other until they have so many characters."""
    random, drawn, length = np.random.default_rng(seed), [], 0
    while length < characters:
        drawn.append("".join(_expand("sentence", random)))
        length += len(drawn[-1])
    return drawn


def _expand(symbol: str, random: np.random.Generator) -> Iterator[str]:
    if symbol not in GRAMMAR:
        yield symbol
        return
    choices = GRAMMAR[symbol]
    _, row = choices[random.choice(len(choices), p=[probability for probability, _ in choices])]
    for part in row:
        yield from _expand(part, random)


def bits(sentence: str) -> float:
    """-log2 of the probability that the grammar makes just this sentence; infinity where it can't."""

    @lru_cache(None)
    def ends(symbol: str, start: int) -> tuple[tuple[int, float], ...]:
        """Where the symbol can end that begins at start, and with what probability."""
        if symbol not in GRAMMAR:
            return ((start + len(symbol), 1.0),) if sentence.startswith(symbol, start) else ()
        found: dict[int, float] = defaultdict(float)
        for probability, row in GRAMMAR[symbol]:
            reached = {start: probability}
            for part in row:
                beyond: dict[int, float] = defaultdict(float)
                for at, so_far in reached.items():
                    for end, share in ends(part, at):
                        beyond[end] += so_far * share
                reached = beyond
            for end, share in reached.items():
                found[end] += share
        return tuple(found.items())

    probability = dict(ends("sentence", 0)).get(len(sentence), 0.0)
    return -math.log2(probability) if probability else math.inf


def entropy(drawn: list[str]) -> float:
    """Bits per character of the sentences by the grammar that made them."""
    return sum(map(bits, drawn)) / sum(map(len, drawn))


def share(texts: list[str]) -> float:
    """Of the sentences that came to their end, how many the grammar could have made."""
    ended = [sentence + ". " for text in texts for sentence in text.split(". ")[:-1]]
    return float(np.mean([math.isfinite(bits(sentence)) for sentence in ended])) if ended else 0.0


class NGram:
    """p(character | the n - 1 before it), each order mixed with the one below as Witten and Bell (1991) weigh them.

    p_n = (count + kinds p_(n - 1)) / (total + kinds): kinds is how many different characters were seen behind this context. Below the
    first order all characters are alike.
    """

    def __init__(self, order: int, text: str, characters: str) -> None:
        self.order, self.characters = order, characters
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        for at, character in enumerate(text):
            for length in range(min(order, at + 1)):
                self.counts[text[at - length : at]][character] += 1

    def probabilities(self, context: str) -> np.ndarray:
        """Of each character, after this context."""
        p = np.full(len(self.characters), 1 / len(self.characters))
        for length in range(min(self.order, len(context) + 1)):
            seen = self.counts.get(context[len(context) - length :])
            if seen:
                counts = np.array([seen[character] for character in self.characters])
                p = (counts + len(seen) * p) / (counts.sum() + len(seen))
        return p

    def bits_per_character(self, text: str) -> float:
        """The mean of -log2 p over the text."""
        at = {character: index for index, character in enumerate(self.characters)}
        return float(np.mean([-math.log2(self.probabilities(text[max(0, i - self.order + 1) : i])[at[c]]) for i, c in enumerate(text)]))

    def sample(self, steps: int, seed: int) -> str:
        """A text drawn character by character."""
        random, text = np.random.default_rng(seed), ". "
        for _ in range(steps):
            p = self.probabilities(text[max(0, len(text) - self.order + 1) :])
            text += self.characters[random.choice(len(p), p=p)]
        return text[2:]
