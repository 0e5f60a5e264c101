"""The house in figures: files at the root, floors, circles, arrows upwards, the longest file.

    .venv/bin/python scripts/rooms.py [PACKAGE]     (default: appliance)

A room is a folder of the package, or a file at its root. An arrow is an import from one room to
another. A floor is one more than the highest floor among the rooms that a room imports; rooms that
import each other share theirs. A circle is a group of files that import each other in a loop. An
arrow upwards leads to a room that stands above, or beside, by the layers in pyproject.toml. Needs
grimp, which comes with import-linter; 1 is returned where there is a circle or an arrow upwards.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grimp

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

ROOT = Path(__file__).resolve().parent.parent

Graph = dict[str, set[str]]


def loops(graph: Graph) -> list[set[str]]:
    """Groups of nodes that reach each other (Tarjan, 1972), the lowest ones first."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(set(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def floors(graph: Graph) -> int:
    """How many floors the nodes stand on."""
    height: dict[str, int] = {}
    for group in loops(graph):
        below = {other for node in group for other in graph[node]} - group
        floor = 1 + max((height[other] for other in below), default=0)
        height.update(dict.fromkeys(group, floor))
    return max(height.values())


def rooms(graph: Graph) -> Graph:
    """The same with each module in its room."""
    found: Graph = {}
    for module, others in graph.items():
        inside = {room(other) for other in others}
        found[room(module)] = found.get(room(module), set()) | inside
    return {name: others - {name} for name, others in found.items()}


def room(module: str) -> str:
    """The room that a module is in."""
    return ".".join(module.split(".")[:2])


def upwards(graph: Graph) -> list[str]:
    """Arrows to a room that the contract has above or beside."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [c["layers"] for c in contracts["contracts"] if c["type"] == "layers"]
    depth = {
        f"appliance.{name.strip()}": k for k, line in enumerate(layers) for name in line.split("|")
    }
    return [
        f"{one} -> {other}"
        for one, others in sorted(graph.items())
        for other in sorted(others)
        if room(one) != room(other) and {room(one), room(other)} <= depth.keys()
        if depth[room(other)] <= depth[room(one)]
    ]


def main(package: str) -> int:
    """Print the figures of a package below the current folder."""
    sys.path.insert(0, str(Path.cwd()))
    imports = grimp.build_graph(package)
    graph = {m: set(imports.find_modules_directly_imported_by(m)) for m in imports.modules}
    between = rooms(graph)
    lengths = {p: len(p.read_text("utf-8").splitlines()) for p in Path(package).rglob("*.py")}
    longest = max(lengths, key=lambda path: lengths[path])
    circles = [group for group in loops(graph) if len(group) > 1]
    up = upwards(graph)
    print(f"files: {len(lengths)}, {sum(lengths.values())} lines")
    print(f"files at the root: {len(list(Path(package).glob('*.py')))}")
    print(f"rooms: {len(between)}, {sum(map(len, between.values()))} arrows between them")
    print(f"floors: {floors(between)}")
    print(f"circles: {len(circles)}", *(" <-> ".join(sorted(c)) for c in circles), sep="\n  ")
    print(f"arrows upwards: {len(up)}", *up, sep="\n  ")
    print(f"longest file: {longest}, {lengths[longest]} lines")
    return 1 if circles or up else 0


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:2] or ["appliance"])))
