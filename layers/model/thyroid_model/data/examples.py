"""From the sets' pictures to what a training takes: pictures, outlines and labels of one size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from thyroid.core import field_of_view
from thyroid.core.field_of_view import Box
from thyroid.core.preprocessing import prepare
from thyroid_model.data.ddti import Frame
from thyroid_model.data.lesions import Lesion
from thyroid_model.networks.sources import BUNDLED_PREPROCESSING

# Windows about a lesion show a part of the picture: what they are cut from is finer than the network's input.
_FINER = 1.25
# A view as wide as this, in heights of it, is two panes side by side.
_TWO_PANES = 1.45
# A caption is wider than the ticks and depths of a ruler: that many columns, in widths of the frame, have something
# bright in them, some pixels or more under the field of view.
_BRIGHT, _FAR, _WIDE = 150, 6, 0.1


@dataclass(frozen=True)
class Examples:
    """Pictures to train on.

    Attributes
    ----------
    pictures : numpy.ndarray
        uint8 grey, shape (n, side, side).
    masks : numpy.ndarray
        uint8, over 127 inside an outline, of the same shape; all 0 where there is no outline.
    labels : numpy.ndarray
        float32, 0 or 1, shape (n,). Both are needed.
    two_panes : numpy.ndarray
        bool, whether it shows two views side by side, shape (n,).
    """

    pictures: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.float32]
    two_panes: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Self:
        """Return the examples at which ``chosen`` is true."""
        return type(self)(self.pictures[chosen], self.masks[chosen], self.labels[chosen], self.two_panes[chosen])


@dataclass(frozen=True)
class View:
    """A frame's field of view.

    Attributes
    ----------
    tensor : numpy.ndarray
        The network's input as the service makes it: float32, shape (size, size, 3).
    mask : numpy.ndarray
        uint8, 255 inside an outline, shape (size, size); all 0 where the set gives none.
    two_panes : bool
        Whether it shows two views side by side.
    caption : bool
        Whether there is text under it, in which the set's verdict may stand.
    """

    tensor: npt.NDArray[np.float32]
    mask: npt.NDArray[np.uint8]
    two_panes: bool
    caption: bool


def views(frames: Sequence[Frame], size: int) -> list[View]:
    """Cut and scale the frames, through the very code that serves."""
    return [_view(frame, size) for frame in tqdm(frames, "preparing thyroid frames", unit="frame")]


def _view(frame: Frame, size: int) -> View:
    pixels = frame.pixels()
    box = field_of_view.find(pixels)
    return View(
        tensor=prepare(pixels, BUNDLED_PREPROCESSING, size, size, box).tensor[0],
        mask=_scaled_mask(box.crop(frame.mask().astype(np.uint8)), size),
        two_panes=box.width >= _TWO_PANES * box.height,
        caption=_has_caption(pixels, box),
    )


def _has_caption(pixels: npt.NDArray[np.uint8], box: Box) -> bool:
    below = pixels[box.bottom + _FAR :, box.left : box.right].max(axis=2, initial=0)
    return bool((below >= _BRIGHT).any(axis=0).sum() >= _WIDE * pixels.shape[1])


def thyroid_examples(seen: Sequence[View], labels: npt.NDArray[np.float32]) -> Examples:
    """Return views to train on, in grey: the probe sees no colour, and what is drawn in colour is no tissue."""
    grey = [np.rint(255 * view.tensor.mean(axis=2)).astype(np.uint8) for view in seen]
    two_panes = np.array([view.two_panes for view in seen])
    return Examples(np.stack(grey), np.stack([view.mask for view in seen]), labels, two_panes)


def lesion_examples(lesions: Sequence[Lesion], size: int) -> Examples:
    """Return breast lesions to train on first; whole pictures, since windows about the lesion are cut from them."""
    side = round(_FINER * size)
    pictures, masks = [], []
    for lesion in tqdm(lesions, "preparing breast pictures", unit="picture"):
        grey = Image.fromarray(lesion.pixels()).convert("L")
        pictures.append(np.asarray(grey.resize((side, side), Image.Resampling.LANCZOS)))
        outlined = lesion.mask_path is not None
        masks.append(
            _scaled_mask(lesion.mask().astype(np.uint8), side) if outlined else np.zeros((side, side), np.uint8)
        )
    labels = np.array([lesion.label for lesion in lesions], np.float32)
    return Examples(np.stack(pictures), np.stack(masks), labels, np.zeros(len(labels), np.bool_))


def _scaled_mask(mask: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.fromarray(255 * mask).resize((size, size), Image.Resampling.BOX))
