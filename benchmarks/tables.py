"""The figures as Markdown: tables of the contenders, and the ratios beside their goals."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks.cold import CACHED, FLOOR
from benchmarks.contenders import COMPILED, REFERENCE, SERVICE
from benchmarks.cost import dollars_per_million
from benchmarks.processor import WHOLE_PROCESSOR_MB
from benchmarks.warm import MODEL_ALONE

# A `Spread` as a JSON object.
SpreadFields = Mapping[str, Any]

# Goals: how many times better than the reference design, or than the same with tf.function.
_GOALS: tuple[tuple[str, float, Callable[[dict[str, Any]], float]], ...] = (
    ("first predict, sooner", 12, lambda f: _times(f["cold"][CACHED]["predict"], REFERENCE)),
    ("warm predict, faster", 10, lambda f: _times(f["warm"]["predict"], REFERENCE)),
    ("warm predict, faster than with tf.function", 2.5, lambda f: _times(f["warm"]["predict"], COMPILED)),
    ("warm gradcam, faster", 25, lambda f: _times(f["warm"]["gradcam"], REFERENCE)),
    ("warm analyze, faster", 20, lambda f: _times(f["warm"]["analyze"], REFERENCE)),
    ("peak memory, smaller", 7, lambda f: f["memory"][REFERENCE] / f["memory"][SERVICE]),
    ("requests per second at 8 clients, more", 10, lambda f: _served(f, SERVICE) / _served(f, REFERENCE)),
    ("image above its base, smaller", 4, lambda f: f["image"][REFERENCE] / f["image"][SERVICE]),
)


_HEAD = """\
# How fast, how small

`make bench` measures this service beside the alternatives: the *reference design* (FastAPI, the model loaded once,
`model.predict`, an eager gradient tape), the same with `tf.function`, and three model servers around the same Keras
model. All have the same network, get the same image (a JPEG of 600 × 400 in base64) and return the same result, which
is checked. All are called in turns in one run. Functions run behind AWS's own runtime client; for cold starts each runs
in a new process. What cannot be measured on a machine is left out and listed."""


_PLOT = "![How many times better than the reference design, measure by measure](speed.svg)"


# All costs are in one place. The milliseconds here are from another measurement than those that are priced there.
_DOLLARS = """\
The [README](../README.md#what-it-costs) has the costs in dollars. Its milliseconds differ: `make e2e` sends a grey PNG
of 300 × 200 to the deployed image and takes the time from Lambda's emulator. Here the functions get a JPEG of
600 × 400, and the time is that between event and response."""


def markdown(figures: dict[str, Any]) -> str:
    """Return all tables."""
    effort = figures["effort"]
    parts = [
        f"Measured on {figures['machine']}, {effort['starts']} starts and {effort['calls']} calls of each; medians, in "
        "brackets the minimum and the maximum."
    ]
    parts += [_goals(figures), _floors(figures)]
    for condition, of in figures["cold"].items():
        parts.append(_table(f"first response, {condition}, s", of, _seconds))
    for title, key in (("warm, ms", "warm"), ("warm with one processor, ms", "warm_one_processor")):
        if key in figures:
            parts.append(_table(title, figures[key], _milliseconds))
    parts += [_servers(figures["served"]), _sizes(figures), _cost(figures)]
    if figures["left_out"]:
        parts.append("Left out:\n\n" + "\n".join(f"- {what.splitlines()[0]}" for what in figures["left_out"]))
    return "\n\n".join(parts) + "\n"


def document(figures: dict[str, Any]) -> str:
    """Return the page: what is measured and how, and the tables."""
    return f"{_HEAD}\n\n{_PLOT}\n\n{markdown(figures)}"


def goals(figures: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Return the goal and the measured value of all ratios that were measured."""
    found = {}
    for name, goal, ratio in _GOALS:
        try:
            found[name] = (goal, ratio(figures))
        except KeyError:
            continue  # left out, which the page lists
    return found


def _goals(figures: dict[str, Any]) -> str:
    rows = [
        [name, f"≥ {goal:g} ×", f"{reached:.1f} ×", "yes" if reached >= goal else "**no**"]
        for name, (goal, reached) in goals(figures).items()
    ]
    apart = figures["warm"]["predict"][SERVICE]["p50"] - figures["warm"]["predict"][MODEL_ALONE]["p50"]
    rows.append(["predict without the model", "≤ 5 ms", f"{apart:.1f} ms", "yes" if apart <= 5 else "**no**"])
    return _rows(["beside the reference design", "goal", "reached", ""], rows)


def _floors(figures: dict[str, Any]) -> str:
    network = 1000 * figures["multiply_adds"] / figures["multiply_adds_per_second"]
    rows = []
    for condition, of in figures["cold"].items():
        floor = of["predict"][FLOOR]["p50"] + network
        ours = of["predict"][SERVICE]["p50"]
        rows.append([f"first predict, {condition}", f"{floor:.0f} ms", f"{ours:.0f} ms", f"{ours / floor:.1f} ×"])
    alone, whole = figures["warm"]["predict"][MODEL_ALONE]["p50"], figures["warm"]["predict"][SERVICE]["p50"]
    rows.append(["the network, warm", f"{network:.1f} ms", f"{alone:.1f} ms", f"{alone / network:.1f} ×"])
    rows.append(["predict, warm", f"{network:.1f} ms", f"{whole:.1f} ms", f"{whole / network:.1f} ×"])
    multiply_adds = (
        f"The network takes {figures['multiply_adds'] / 1e6:.0f} million multiply-adds; one thread does "
        f"{figures['multiply_adds_per_second'] / 1e9:.0f} thousand million per second at best (in a product of "
        "matrices)."
    )
    return _rows(["beside the limit", "floor", "this service", "ratio"], rows) + "\n\n" + multiply_adds


def _servers(served: Mapping[str, Any]) -> str:
    clients = list(next(iter(served.values()))["requests_per_second"])
    rows = [
        [
            name,
            f"{one['first_response'] / 1000:.2f} s",
            f"{_milliseconds(one['warm'])} ms",
            f"{one['megabytes']:.0f} MB",
            *(
                f"{one['requests_per_second'][many]:.0f}" if many in one["requests_per_second"] else ""
                for many in clients
            ),
        ]
        for name, one in served.items()
    ]
    return _rows(
        ["local server", "first response", "predict", "memory", *(f"requests/s, {n} clients" for n in clients)], rows
    )


def _sizes(figures: dict[str, Any]) -> str:
    rows = [["peak memory of a function", *(f"{figures['memory'][name]:.0f} MB" for name in (SERVICE, REFERENCE))]]
    for title, key in (("packages, installed", "installed"), ("image, above its base", "image")):
        if key in figures:
            rows.append([title, *(f"{figures[key][name]:.0f} MB" for name in (SERVICE, REFERENCE))])
    return _rows(["size", SERVICE, REFERENCE], rows)


def _cost(figures: dict[str, Any]) -> str:
    warm = figures.get("warm_one_processor")
    if not warm:
        return ""
    rows = []
    for name, of in warm.items():
        ours, *others = (
            dollars_per_million(of[contender]["p50"], WHOLE_PROCESSOR_MB)
            for contender in (SERVICE, REFERENCE, COMPILED)
        )
        rows.append([name, *(f"{other / ours:.1f} ×" for other in others)])
    head = [
        f"what Lambda charges at {WHOLE_PROCESSOR_MB} MB, times what it charges for this service",
        REFERENCE,
        COMPILED,
    ]
    return f"{_rows(head, rows)}\n\n{_DOLLARS}"


def _table(
    title: str, of: Mapping[str, Mapping[str, SpreadFields]], format_spread: Callable[[SpreadFields], str]
) -> str:
    names = list(dict.fromkeys(name for row in of.values() for name in row))
    rows = [
        [row, *(format_spread(found[name]) if name in found else "" for name in names)] for row, found in of.items()
    ]
    return _rows([title, *names], rows)


def _rows(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _seconds(spread: SpreadFields) -> str:
    return f"{spread['p50'] / 1000:.2f} ({spread['minimum'] / 1000:.2f}–{spread['maximum'] / 1000:.2f})"


def _milliseconds(spread: SpreadFields) -> str:
    return f"{spread['p50']:.1f} ({spread['minimum']:.1f}–{spread['maximum']:.1f}; p95 {spread['p95']:.1f})"


def _times(of: Mapping[str, SpreadFields], contender: str) -> float:
    return float(of[contender]["p50"] / of[SERVICE]["p50"])


def _served(figures: dict[str, Any], name: str) -> float:
    return float(figures["served"][name]["requests_per_second"]["8"])
