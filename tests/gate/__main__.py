"""Hold the measured figures against the pinned floors.

``python -m tests.gate``            measure, print, fail below a floor
``python -m tests.gate --update``   pin floors from this measurement; refuses to lower any
``python -m tests.gate --update --lower``   the same, and says which floors it lowers
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.gate.measure import BENCH, Measured, measure

FLOORS = Path(__file__).parent / "floors.json"
# A floor stands this far below the measured figure: about the effect of one wrong block on one of the 56 role pages.
EPSILON = 0.002
# Nothing on a page may be lost, whatever was measured last.
CONSERVED = 0.999
WORST = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gate", description="Quality floors on the labelled pages.")
    parser.add_argument("--update", action="store_true", help="pin the floors from this measurement")
    parser.add_argument("--lower", action="store_true", help="allow --update to lower floors, and list them")
    options = parser.parse_args()
    if not BENCH.exists():
        print(f"gate skipped: no labelled pages at {BENCH.parent.name}/{BENCH.name} beside the checkout")
        return 0
    measured = measure()
    floors: dict[str, float] = json.loads(FLOORS.read_text()) if FLOORS.exists() else {}
    failures = report(measured, floors)
    if options.update:
        return update(measured, floors, lower=options.lower)
    return 1 if failures else 0


def report(measured: Measured, floors: dict[str, float]) -> list[str]:
    """Print every figure with its floor and the worst pages; the names below their floor."""
    failures = [name for name, floor in floors.items() if measured.figures.get(name, 0.0) < floor]
    for name, value in measured.figures.items():
        mark = "BELOW" if name in failures else ""
        print(f"{name:44} {value:.4f}  floor {floors.get(name, 0.0):.4f} {mark}")
    print(f"\nThe {WORST} worst pages; see one with: presscut extract --format html-debug FILE > page.html")
    for score, page in sorted(measured.pages)[:WORST]:
        name, way = page.rsplit(" ", 1)
        folder, page_id = name.split("/", 1)
        print(f"  F1 {score:.3f} {way:4}  ../shared/bench/{folder}/html/{page_id}.html.gz")
    for name in failures:
        print(
            f"{name} fell below its floor of {floors[name]:.4f}: {measured.figures.get(name, 0.0):.4f}", file=sys.stderr
        )
    return failures


def _floor(name: str, value: float) -> float:
    """What a figure may not fall below from now on: a little less than it is, but never much of a page's text lost."""
    return CONSERVED if name.endswith(" conserved") else round(max(value - EPSILON, 0.0), 4)


def update(measured: Measured, floors: dict[str, float], *, lower: bool) -> int:
    """Write new floors; 1 if that would lower one and nobody said it may."""
    new = {name: _floor(name, value) for name, value in measured.figures.items()}
    lowered = [name for name, floor in floors.items() if new.get(name, 0.0) < floor]
    for name in lowered:
        print(
            f"{'lowered' if lower else 'would lower'} {name}: {floors[name]:.4f} to {new.get(name, 0.0):.4f}",
            file=sys.stderr,
        )
    if lowered and not lower:
        print("floors unchanged; say --lower if that is meant", file=sys.stderr)
        return 1
    FLOORS.write_text(json.dumps(dict(sorted(new.items())), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
