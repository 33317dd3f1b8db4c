"""Training examples: images, masks and labels of one size, prepared from the datasets."""

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

# Windows around a lesion show a part of the image, so they are cropped from images larger than the network's input.
_OVERSAMPLING = 1.25
# Ratio of width to height from which a view is two panes side by side.
_MIN_TWO_PANE_RATIO = 1.45
# A view has a caption if enough columns have a bright pixel below the field of view. A ruler with ticks and depths has
# fewer of them.
_CAPTION_LEVEL = 150  # grey level
_CAPTION_GAP = 6  # pixels below the field of view
_MIN_CAPTION_SHARE = 0.1  # of the frame's width


@dataclass(frozen=True)
class Examples:
    """Training examples.

    Attributes
    ----------
    images : numpy.ndarray
        uint8 grey, shape (n, side, side).
    masks : numpy.ndarray
        uint8, over 127 inside an outline, shape (n, side, side); all 0 where there is no outline.
    labels : numpy.ndarray
        float32, 0 or 1, shape (n,).
    two_panes : numpy.ndarray
        bool, whether the image shows two views side by side, shape (n,).
    """

    images: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.float32]
    two_panes: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Self:
        """Return the examples for which ``chosen``, bool of shape (n,), is True."""
        return type(self)(self.images[chosen], self.masks[chosen], self.labels[chosen], self.two_panes[chosen])


@dataclass(frozen=True)
class View:
    """A frame's field of view.

    Attributes
    ----------
    tensor : numpy.ndarray
        The network's input as the service computes it: float32 in [0, 1], shape (size, size, 3).
    mask : numpy.ndarray
        uint8, 255 inside an outline, shape (size, size); all 0 where the dataset has none.
    two_panes : bool
        Whether it shows two views side by side.
    caption : bool
        Whether there is text below it, which may contain the label.
    """

    tensor: npt.NDArray[np.float32]
    mask: npt.NDArray[np.uint8]
    two_panes: bool
    caption: bool


def views(frames: Sequence[Frame], size: int) -> list[View]:
    """Crop the frames to their fields of view and resize them, by the code that the service runs.

    Parameters
    ----------
    frames : sequence of Frame
        DDTI's frames.
    size : int
        Height and width of the network's input, in pixels.
    """
    return [_view(frame, size) for frame in tqdm(frames, "preparing thyroid frames", unit="frame")]


def _view(frame: Frame, size: int) -> View:
    pixels = frame.pixels()
    box = field_of_view.find(pixels)
    return View(
        tensor=prepare(pixels, BUNDLED_PREPROCESSING, size, size, box).tensor[0],
        mask=_scaled_mask(box.crop(frame.mask().astype(np.uint8)), size),
        two_panes=box.width >= _MIN_TWO_PANE_RATIO * box.height,
        caption=_has_caption(pixels, box),
    )


def _has_caption(pixels: npt.NDArray[np.uint8], box: Box) -> bool:
    below = pixels[box.bottom + _CAPTION_GAP :, box.left : box.right].max(axis=2, initial=0)
    return bool((below >= _CAPTION_LEVEL).any(axis=0).sum() >= _MIN_CAPTION_SHARE * pixels.shape[1])


def thyroid_examples(views: Sequence[View], labels: npt.NDArray[np.float32]) -> Examples:
    """Return training examples of views, in grey: B-mode has no colour, and coloured marks are not tissue.

    Parameters
    ----------
    views : sequence of View
        All of one size.
    labels : numpy.ndarray
        float32, 0 or 1, shape (views,).
    """
    grey = [np.rint(255 * view.tensor.mean(axis=2)).astype(np.uint8) for view in views]
    two_panes = np.array([view.two_panes for view in views])
    return Examples(np.stack(grey), np.stack([view.mask for view in views]), labels, two_panes)


def lesion_examples(lesions: Sequence[Lesion], size: int) -> Examples:
    """Return pre-training examples: whole breast images, from which the augmentation crops windows around the lesion.

    Parameters
    ----------
    lesions : sequence of Lesion
        Images with labels.
    size : int
        Height and width of the network's input, in pixels; the examples are 1.25 times as large.
    """
    side = round(_OVERSAMPLING * size)
    images, masks = [], []
    for lesion in tqdm(lesions, "preparing breast images", unit="image"):
        grey = Image.fromarray(lesion.pixels()).convert("L")
        images.append(np.asarray(grey.resize((side, side), Image.Resampling.LANCZOS)))
        outlined = lesion.mask_path is not None
        masks.append(
            _scaled_mask(lesion.mask().astype(np.uint8), side) if outlined else np.zeros((side, side), np.uint8)
        )
    labels = np.array([lesion.label for lesion in lesions], np.float32)
    return Examples(np.stack(images), np.stack(masks), labels, np.zeros(len(labels), np.bool_))


def _scaled_mask(mask: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.fromarray(255 * mask).resize((size, size), Image.Resampling.BOX))
