from array import array
from collections.abc import Callable
from typing import Any

from pipeline.dom import Kind, Tree
from pipeline.model import Block

def walk(
    root: Any,
    source: str,
    tree: Tree,
    element_type: type,
    text_type: type,
    kind_type: type[Kind],
    inline: frozenset[str],
    unseen: frozenset[str],
    void: frozenset[str],
    raw: frozenset[str],
    nested: frozenset[str],
    joined: frozenset[str],
    max_elements: int,
    is_hiding_style: Callable[[str], object],
    unescape: Callable[[str], str],
    literal: frozenset[str],
) -> bool: ...
def blocks(
    tree: Tree,
    block_type: type[Block],
    labels: tuple[object, ...],
    preformatted: frozenset[str],
    headings: dict[str, int],
    reach: int,
    steps: int,
    name_chars: int,
) -> list[Block]: ...
def doubtful(texts: list[str], firsts: array[int]) -> list[int]: ...
def odd(text: str) -> int: ...
def without_returns(text: str) -> str: ...
