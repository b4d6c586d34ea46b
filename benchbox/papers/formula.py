"""The formulas of claims: sums, differences, products and ratios of cells, compared with each other or a number.

    "'II/our-w32/AP' - 'II/w32/AP' == 1.3"      a cell is 'TABLE/ROW/COLUMN'
    "'1/fig-4/accuracy' > '1/fig-3/accuracy'"

Python's grammar, read by its parser; nothing is ever executed but the operations named here.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

HOLDS, FAILS, OPEN = "holds", "does not", "cannot tell"


@dataclass(frozen=True)
class Span:
    """A number and how far it may be from what it stands for: low <= value <= high."""

    value: float
    low: float
    high: float


def exact(value: float) -> Span:
    """Return a number that stands for itself."""
    return Span(value, value, value)


def printed(text: str) -> Span:
    """Return a printed number with half a unit of its last digit on each side.

    Args: text: as printed, e.g. "28.5M" or "60.2".

    Raises: ValueError where it is no number.
    """
    if not re.fullmatch(r"\d+(\.\d+)?M?", text):
        raise ValueError(f"{text}: not a number")
    number = Decimal(text.removesuffix("M"))
    half = Decimal(1).scaleb(int(number.as_tuple().exponent)) / 2
    return Span(float(number), float(number - half), float(number + half))


def _corners(of: Callable[[float, float], float], a: Span, b: Span) -> Span:
    corners = [of(one, other) for one in (a.low, a.high) for other in (b.low, b.high)]
    return Span(of(a.value, b.value), min(corners), max(corners))


def _quotient(a: Span, b: Span) -> Span:
    if b.low <= 0 <= b.high:
        infinite = float("inf")
        return Span(a.value / b.value if b.value else float("nan"), -infinite, infinite)
    return _corners(operator.truediv, a, b)


ARITHMETIC: dict[type[ast.operator], Callable[[Span, Span], Span]] = {
    ast.Add: lambda a, b: Span(a.value + b.value, a.low + b.low, a.high + b.high),
    ast.Sub: lambda a, b: Span(a.value - b.value, a.low - b.high, a.high - b.low),
    ast.Mult: lambda a, b: _corners(operator.mul, a, b),
    ast.Div: _quotient,
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
SLACK = 1e-9
"""Of a comparison: decimal fractions are not exact in binary."""


@dataclass(frozen=True)
class Check:
    """What a comparison of a formula came to: its two sides, whether it holds, whether the right one is a number."""

    left: Span
    sign: str
    right: Span
    verdict: str
    literal: bool


def together(verdicts: Iterable[str]) -> str:
    """Return the verdict on several comparisons that must all hold."""
    found = list(verdicts)
    return FAILS if FAILS in found else OPEN if OPEN in found else HOLDS


@dataclass(frozen=True)
class Formula:
    """A formula as written, with its tree."""

    text: str
    tree: ast.Compare

    @property
    def cells(self) -> list[str]:
        """List the cells it names, in order, each once."""
        named = (node.value for node in ast.walk(self.tree) if isinstance(node, ast.Constant))
        return list(dict.fromkeys(value for value in named if isinstance(value, str)))

    def checks(self, cell: Callable[[str], Span]) -> list[Check]:
        """Evaluate every comparison of the chain on the cells that `cell` returns.

        A number alone beside == is a printed one, good to half a unit. A comparison holds where the values as they
        stand agree with it and no other numbers within the spans would turn it round; "does not" likewise; else
        "cannot tell". Of two sides of == the coarser is the precision: the finer, rounded to it, must be equal.
        """
        sides = [self.tree.left, *self.tree.comparators]
        found = []
        for one, sign, other in zip(sides, self.tree.ops, sides[1:], strict=False):
            said = COMPARISONS[type(sign)]
            left, right = (self._side(side, cell, said) for side in (one, other))
            literal = isinstance(other, ast.Constant) and not isinstance(other.value, str)
            found.append(Check(left, said, right, judge(left, said, right), literal))
        return found

    def pairs(self) -> list[tuple[str, str] | None]:
        """Return for every comparison the two cells whose difference decides it, None where others do, too."""
        sides = [self.tree.left, *self.tree.comparators]
        return [_pair(one, other) for one, other in pairwise(sides)]

    def _side(self, node: ast.expr, cell: Callable[[str], Span], sign: str) -> Span:
        if sign == "==" and isinstance(node, ast.Constant) and not isinstance(node.value, str):
            return printed(str(ast.get_source_segment(self.text, node)))
        return _value(node, cell)


def judge(left: Span, sign: str, right: Span) -> str:
    """Say whether a comparison of two spans holds, does not, or cannot be told."""
    if sign == "==":
        if left.low > right.high + SLACK or right.low > left.high + SLACK:
            return FAILS
        half = max((right.high - right.low) / 2, SLACK)
        certain = abs(left.value - right.value) <= half + SLACK
        return HOLDS if certain else OPEN
    if sign in ("<", "<="):
        left, right = right, left
    strict = sign in ("<", ">")
    if left.low >= right.high - SLACK and (left.value > right.value + SLACK or not strict):
        return HOLDS
    certain = left.high <= right.low + SLACK and (left.value < right.value - SLACK or strict)
    return FAILS if certain and not (left == right and left.low < left.high) else OPEN


def parse(text: str) -> Formula:
    """Read a formula.

    Raises: ValueError saying what in it is not part of the grammar.
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as problem:
        raise ValueError(f"{text}: {problem.msg}") from None
    if not isinstance(tree, ast.Compare):
        raise ValueError(f"{text}: not a comparison")
    for what in _strange(tree):
        raise ValueError(f"{text}: {what} is not part of a formula")
    return Formula(text, tree)


def _strange(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare():
            yield from (type(sign).__name__ for sign in node.ops if type(sign) not in COMPARISONS)
            parts: list[ast.AST] = [node.left, *node.comparators]
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            parts = [node.left, node.right]
        case ast.Constant() if type(node.value) in (int, float, str):
            parts = []
        case _:
            yield f"`{ast.unparse(node)}`"
            return
    for part in parts:
        yield from [f"`{ast.unparse(part)}`"] if isinstance(part, ast.Compare) else _strange(part)


def _pair(left: ast.expr, right: ast.expr) -> tuple[str, str] | None:
    match left, right:
        case ast.Constant(value=str() as one), ast.Constant(value=str() as other):
            return one, other
        case (
            ast.BinOp(left=ast.Constant(value=str() as one), op=ast.Sub(), right=ast.Constant(value=str() as other)),
            ast.Constant(value=int() | float()),
        ):
            return one, other
    return None


def _value(node: ast.expr, cell: Callable[[str], Span]) -> Span:
    if isinstance(node, ast.BinOp):
        return ARITHMETIC[type(node.op)](_value(node.left, cell), _value(node.right, cell))
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, str | int | float)
    return cell(node.value) if isinstance(node.value, str) else exact(float(node.value))
