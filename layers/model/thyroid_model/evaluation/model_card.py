"""``MODEL_CARD.md``, written from the figures of an evaluation: ``python -m thyroid_model.evaluation.model_card``.

Whatever was measured, but for the trials of ``tried.md``, comes from ``evaluation.json``, so that the two cannot part;
a test holds them together.
"""

import argparse
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from thyroid_model.compiling.meaning import RISK_BANDS
from thyroid_model.evaluation.comparison import PUBLISHED, TEXTURE
from thyroid_model.evaluation.plots import RELIABILITY_FILE, ROC_FILE
from thyroid_model.networks.sources import BUNDLED_FOLDER, BUNDLED_NAME, BUNDLED_VERSION
from thyroid_model.record import read_evaluation

CARD = Path(__file__).parents[4] / "MODEL_CARD.md"
DOCS = CARD.parent / "docs"

GOAL = 0.84  # of the AUC
_LABELS = {band.id: band.label for band in RISK_BANDS}
_TRIED = BUNDLED_FOLDER / "tried.md"


def render(evaluation: dict[str, Any]) -> str:
    """Return the card in Markdown."""
    meant = evaluation["calibration"]["meant_for"]
    recipe = evaluation["training"]["recipe"]
    sections = (
        _heading(evaluation),
        _made_with(evaluation, recipe),
        _compared(evaluation),
        _choices(evaluation),
        _calibration(evaluation, meant),
        _maps(evaluation["maps"]),
        _input(evaluation["field_of_view"], evaluation["input_check"]),
        _tried(evaluation),
        _limits(evaluation),
    )
    return "\n\n".join(_wrapped(section) for section in sections) + "\n"


def _heading(evaluation: dict[str, Any]) -> str:
    side = evaluation["training"]["recipe"]["input_size"]
    return f"""# Model card: {BUNDLED_NAME} {BUNDLED_VERSION}, the bundled model

<!-- Written by `make evaluate` from layers/model/thyroid_model/bundled/evaluation.json; change that, not this. -->

**Research and education only. Not a diagnosis, not a medical device.** The label it learnt is **radiological suspicion
(TI-RADS 4a to 5 against 2 and 3), not biopsy**, and only {evaluation["not_suspicious"]} of its
{evaluation["frames"]} thyroid frames are not suspicious.

## What it is
A network of the published family (Fibonacci-like filters, Avg-2Max branches, depthwise separable blocks with
squeeze-and-excitation; the idea of [Fibonacci-Net](https://arxiv.org/abs/2503.13928)) at {side} × {side}, with one
halving less; each place says how suspicious it looks, and is weighted with how much it looks like a lesion. To its
logit is added that of a ridge regression on histograms of the whole image and a thumbnail of 16 × 16 pixels. Input:
a B-mode ultrasound image of the thyroid, cropped to its field of view, Lanczos-resized, divided by 255. Output: a
calibrated score in [0, 1]; the higher, the more like frames that radiologists rated suspicious."""


def _made_with(evaluation: dict[str, Any], recipe: dict[str, Any]) -> str:
    counts, epochs = evaluation["training"]["data"], evaluation["training"]["epochs"]
    under = evaluation["groups"]["a caption under the view"]
    captions = under["suspicious"] + under["not_suspicious"]
    return f"""## What it was made with
First {counts["BUS-BRA"]["used"]:,} images of breast lesions from BUS-BRA (Gómez-Flores et al. 2024) and
{counts["BrEaST"]["used"]} from BrEaST (Pawłowska et al. 2024), for {recipe["pretraining_epochs"]} epochs; then DDTI
(Pedraza et al. 2015, Universidad Nacional de Colombia / IDIME, open access) for {epochs["taken_after"]} of
{recipe["epochs"]}: {evaluation["frames"]} labelled frames of {evaluation["cases"]} cases, {evaluation["suspicious"]}
suspicious and {evaluation["not_suspicious"]} not. After how many the network is taken was chosen in each fold's
training folds ({_counted(epochs["chosen_in_folds"])}); the bundled one takes the number chosen most often. Frames
that are pixel-identical to frames of other cases are left out. The outlines of the sets teach it what looks like a
lesion. The ridge is fitted on DDTI alone.

There is a caption below the sector in {captions} of the {evaluation["frames"]} thyroid frames, in which the verdict
may stand. Every image is therefore cropped to the ultrasound sector first, by the same code at training and at
serving (`thyroid/core/field_of_view.py`)."""


def _counted(folds: dict[str, int]) -> str:
    return ", ".join(f"{epochs} in {count} fold{'s' if count != 1 else ''}" for epochs, count in folds.items())


def _compared(evaluation: dict[str, Any]) -> str:
    rows = [("**this model, cases not seen**", evaluation), *evaluation["compared"].items()]
    parts = evaluation["groups"].items()
    return f"""## Measured
{evaluation["protocol"]}

| {evaluation["frames"]} frames | AUC | 95 % interval | within folds | at .80 / .90 specificity | ECE15 | Brier skill |
|---|---|---|---|---|---|---|
{_lines(_row(name, figures) for name, figures in rows)}

"Within folds" is the mean of the folds' own AUCs, each of scores of one network: over all folds, differences between
their calibrations count against a model. The column after it has the sensitivities. ECE and Brier skill are at even
prevalence, as the scores are meant. What stands beside this model is calibrated, too, for each fold by the others'
scores, but not nested, and the published weights are taken as they come; its network alone is taken where the sum was
best, from scratch always at the end. AUC of the rounds: {", ".join(_short(auc) for auc in evaluation["auc_of_seeds"])}.
{_met(rows)} {_verdict(evaluation)}

![ROC](docs/{ROC_FILE}) ![Reliability](docs/{RELIABILITY_FILE})

| part of the frames | suspicious | not suspicious | AUC |
|---|---|---|---|
{_lines(f"| {name} | {g['suspicious']} | {g['not_suspicious']} | {_short(g['auc'])} |" for name, g in parts)}

The parts tell how much of the figure may be the machine's and not the nodule's: two panes and captions go with the
label in this set, so an AUC over all frames is flattered by telling the parts apart."""


def _met(rows: Iterable[tuple[str, Any]]) -> str:
    if not any(name.startswith(PUBLISHED) for name, _ in rows):
        return "All rows are on other cases of the set that they were trained on."
    return (
        "The rows of the published weights are on a set that they never met; the others are on other cases of the set "
        "that they were trained on."
    )


def _verdict(evaluation: dict[str, Any]) -> str:
    """Say whether the network is better than a baseline that only knows texture."""
    low, _ = evaluation["auc_95_interval"]
    texture = evaluation["compared"][TEXTURE]["auc"]
    if evaluation["auc"] <= texture:
        return (
            f"**It is not better than the texture baseline** ({_short(evaluation['auc'])} against {_short(texture)})."
        )
    if low <= texture:
        return f"It is better than the texture baseline ({_short(texture)}), but not beyond its own interval."
    return f"It is better than the texture baseline ({_short(texture)}), even at the lower end of its interval."


def _row(name: str, figures: dict[str, Any]) -> str:
    low, high = figures["auc_95_interval"]
    meant = figures["calibration"]["meant_for"]
    sensitivity = " / ".join(_short(figures[f"sensitivity_at_specificity_{s}"]) for s in ("0.80", "0.90"))
    within = _short(figures["auc_within_folds"])
    return (
        f"| {name} | {_short(figures['auc'])} | {_short(low)} to {_short(high)} | {within} | {sensitivity} "
        f"| {_short(meant['ece15'])} | {_short(meant['brier_skill'])} |"
    )


def _choices(evaluation: dict[str, Any]) -> str:
    points = {
        **{f"chosen for {name}": p for name, p in evaluation["at_thresholds_chosen_in_training_folds"].items()},
        ".5, which decides the class": evaluation["at_threshold_0.50"],
    }
    return f"""| threshold | sensitivity | specificity |
|---|---|---|
{_lines(f"| {name} | {_short(p['sensitivity'])} | {_short(p['specificity'])} |" for name, p in points.items())}"""


def _calibration(evaluation: dict[str, Any], meant: dict[str, Any]) -> str:
    there = evaluation["calibration"]["at_the_sets_prevalence"]
    return f"""## What a score is a probability of
Of suspicion **at even odds**: as if, before anyone looked, one of two such images were suspicious. In DDTI it is
{_percent(there["prevalence"])}, because such nodules were collected; taken over, that would call nearly everything
{_LABELS["high"]}, and a constant {_short(there["prevalence"])} would count as calibrated. At even odds, .5 is where the
image itself says nothing. For another prevalence p, the odds are those of the score times p / (1 − p).

| at prevalence | ECE15 | by chance alone | Brier | Brier skill over the base rate |
|---|---|---|---|---|
{_lines(_probability_row(figures) for figures in (meant, there))}

"By chance alone" is the mean ECE15 that scores which are right would have from as few frames.

| band | suspicious | not suspicious |
|---|---|---|
{_lines(_band_row(_LABELS[band], counts) for band, counts in evaluation["risk_bands"].items())}

Frames of cases not seen, a mean over the rounds. Platt scaling, folded into the last layer: it costs nothing."""


def _band_row(label: str, counts: dict[str, float]) -> str:
    return f"| {label} | {counts['suspicious']:g} | {counts['not_suspicious']:g} |"


def _probability_row(figures: dict[str, Any]) -> str:
    values = (figures[key] for key in ("ece15", "ece15_by_chance_alone", "brier", "brier_skill"))
    return f"| {_short(figures['prevalence'])} | " + " | ".join(_short(value) for value in values) + " |"


def _maps(maps: dict[str, Any]) -> str:
    best, last = maps["default_layer"], maps["last_layer"]
    shown = {
        f"**`{best}`, the default**": maps["layers"][best],
        **({} if last == best else {f"`{last}`, the last one": maps["layers"][last]}),
        **{f"`{name}`, untrained": figures for name, figures in maps["untrained"].items()},
        **{f"{name}, which knows nothing": figures for name, figures in maps["priors"].items()},
    }
    others = {name: figures for name, figures in maps["layers"].items() if name not in (best, last)}
    return f"""## Is the map about the nodule?
Maps of networks that did not see the case, held against the outlines of {maps["frames_with_outline"]} frames. A hit
is a map whose highest point lies in an outline; energy is the share of its positive part that does. The first two
columns are of evidence for malignancy, which is shown if nothing else is asked for; the next two of evidence for the
class that is returned. Deletion (the lower, the better) and insertion (the higher) are areas under the score while
what the map points at is blurred away, or comes back; of the first round alone.

| map | hits | energy | hits, class given | energy, class given | deletion | insertion |
|---|---|---|---|---|---|---|
{_lines(_map_row(name, figures) for name, figures in shown.items())}

**A map explains the network, not the whole score**: what the histograms and the thumbnail add has no place in it.
Deletion and insertion follow the whole score. What looks like a lesion was taught by outlines, of other cases: that
the map lies on the nodule shows that the nodule is found and that what is seen there decides, not that it is right. The
default layer was chosen by these hits; chosen on the
other folds, it hits {_short(maps["hit_rate_chosen_on_other_folds"])}, which is
{_signed(maps["hit_rate_chosen_on_other_folds_over_the_centre_prior"])} from a map of the middle, and
{_signed(maps["hit_rate_chosen_on_other_folds_over_the_outline_prior"])} from one of where the outlines of the training
frames lie. The other layers hit: {_listed(others)}."""


def _map_row(name: str, figures: dict[str, float]) -> str:
    values = (figures.get(key) for key in ("hit_rate", "energy", "hit_given", "energy_given", "deletion", "insertion"))
    return f"| {name} | " + " | ".join(_short(value) for value in values) + " |"


def _listed(layers: dict[str, dict[str, float]]) -> str:
    return ", ".join(f"`{name}` {_short(figures['hit_rate'])}" for name, figures in layers.items())


def _input(view: dict[str, Any], check: dict[str, Any]) -> str:
    ultrasound = ", ".join(f"{name} {_percent(g['flagged'], 1)}" for name, g in check["ultrasound"].items())
    photographs = (
        f" and {_percent(check['photographs_flagged'], 1)} of crops of {len(check['photographs'])} images that come "
        f"with {_packages(check['photographs_of'])}"
        if check["photographs"]
        else ""
    )
    found = view["written_found"] / max(1, view["written_in_view"])
    touching, overlapping = (
        view[f"{kind}_surviving_pixels"] / max(1, view[f"{kind}_pixels"]) for kind in ("touching", "overlapping")
    )
    of_touching, of_overlapping = (
        view[f"{kind}_changed_box"] / max(1, view[kind]) for kind in ("touching", "overlapping")
    )
    return f"""## What it is given
- **Field of view**: on {view["images"]} frames, {view["changed_by_erasing"]} change when all around the sector is
  painted over, and {view["changed_by_painting"]} of {view["painted"]} when text, rulers and logos are painted in;
  of the others the crop is the same to the bit, and so is the score.
- **Text left in it**: a detector of rows of three characters or more, which shares no rule with the crop, finds text
  around {view["text_around_view"]} of the sectors and in {view["text_in_view"]}. Of {view["written_in_view"]} texts
  written onto tissue to try it, it finds {_percent(found)}; its thresholds were chosen with these frames in view. It
  does not see single characters and marks, and what is drawn onto the sector stays: the machine's marks and depths,
  and in {view["coloured_marks_in_view"]} frames the user's in colour, as callipers are.
- **A caption that touches the sector** cannot be told from it, so of such captions some pixels do survive: of
  {view["touching"]} written against it, {_percent(of_touching)} change the crop, and {_percent(touching)} of their
  pixels are left in it; of {view["overlapping"]} written half across its border, {_percent(of_overlapping)} and
  {_percent(overlapping)} of the pixels outside.
- **Input check** ([how](docs/input-check.md)): flagged are {ultrasound}; of images that are no B-mode
  ultrasound, {_percent(check["kinds_kept_out_flagged"], 1)} of those of the {len(check["kinds_kept_out"])} kinds that
  were kept out of fitting its coefficients{photographs}; which numbers it looks at was settled with all of them in
  view."""


def _tried(evaluation: dict[str, Any]) -> str:
    reached = "" if evaluation["auc"] >= GOAL else " not"
    return f"""## What was tried
The goal was an AUC of {_short(GOAL)[:3]}, what radiologists reached in a multicentre study of 2020. It was{reached}
reached.

{_TRIED.read_text("utf-8").strip()}"""


def _packages(photographs_of: dict[str, int]) -> str:
    """Name the packages whose images were found."""
    there = {package: count for package, count in photographs_of.items() if count}
    return " and ".join(there if len(there) == 1 else (f"{package} ({count})" for package, count in there.items()))


def _limits(evaluation: dict[str, Any]) -> str:
    return f"""## What it must not be used for
- **To decide about a patient**, in either direction. No biopsy stands behind its label.
- **On other machines or institutions as if these figures held there.** All thyroid frames are one set, from one
  institution; nothing was tried on another.
- **On frames of DDTI, to see how good it is.** They are its training images.
- **On what is no B-mode image of the thyroid.** The check tells texture; ultrasound of another organ passes it.
- With {evaluation["not_suspicious"]} frames that are not suspicious, no interval here can be narrow.

```bash
make train DATA=folder       # trains all of it; resumes where it was interrupted
make evaluate DATA=folder    # every figure above (PUBLISHED=file.h5 for the rows of the published weights)
```

## The published model
`MODEL=published` is the reference service's network (`vaidehibh/fibonacci_cnn`, pinned by SHA-256), with its own
preprocessing. It was trained on other images; the table tells how it does on these. Its licence is unclear, so it is
fetched and never shipped."""


def _short(value: float | None) -> str:
    """Write a figure as the card has it: .734, or a dash where there is none."""
    return "–" if value is None else f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"


def _signed(difference: float) -> str:
    return ("+" if difference > 0 else "") + _short(difference)


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _lines(rows: Iterable[str]) -> str:
    return "\n".join(rows)


def _wrapped(section: str) -> str:
    """Break the lines of text anew, since figures have lengthened them; tables, lists' items and code stay apart."""
    blocks = []
    for block in section.split("\n\n"):
        heading, _, text = block.partition("\n")
        if heading.startswith("#") and text:
            blocks.append(f"{heading}\n{_wrapped(text)}")
        elif block.startswith("- "):
            items = (" ".join(item.split()) for item in block.removeprefix("- ").split("\n- "))
            blocks.append("\n".join(_filled(f"- {item}", "  ") for item in items))
        elif block.startswith(("|", "#", "<", "`" * 3, "!")):
            blocks.append(block)
        else:
            blocks.append(_filled(block))
    return "\n\n".join(blocks)


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()), 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the card anew; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m thyroid_model.evaluation.model_card", description="Write the model card."
    )
    parser.add_argument("--card", type=Path, default=CARD)
    parser.parse_args(arguments).card.write_text(render(read_evaluation(BUNDLED_FOLDER)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
