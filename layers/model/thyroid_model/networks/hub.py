"""Downloads a weights file from the model hub, and accepts it only with the pinned SHA-256.

The environment variables of ``huggingface_hub`` apply: ``HF_ENDPOINT``, ``HF_TOKEN``, ``HF_HOME``, ``HF_HUB_OFFLINE``
and others. A cached file is verified like a downloaded one; a file that fails is removed.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import httpx2  # the HTTP client of huggingface_hub, which raises its errors
import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from thyroid_model.errors import HubError
from thyroid_model.record import sha256

PUBLISHED_FILE = Path(__file__).with_name("published.toml")

_USE_A_FILE = "Or use a local weights file: `make model MODEL=PATH`."


@dataclass(frozen=True)
class HubFile:
    """One file of a hub repository, pinned by its SHA-256.

    Attributes
    ----------
    repository : str
        ``owner/name``.
    file : str
        Path inside the repository.
    revision : str
        Branch, tag or commit to request.
    sha256 : str
        Hexadecimal SHA-256 of the only content that is accepted.
    size : int
        The content's length in bytes.
    """

    repository: str
    file: str
    revision: str
    sha256: str
    size: int

    @property
    def label(self) -> str:
        """Human-readable name of the file."""
        return f"{self.repository}/{self.file}@{self.revision}"


def published() -> HubFile:
    """Return the published model's file, as ``published.toml`` pins it."""
    return HubFile(**tomllib.loads(PUBLISHED_FILE.read_text("utf-8")))


def fetch(source: HubFile, *, endpoint: str | None = None, cache_dir: Path | None = None) -> Path:
    """Return the path of the file in the hub's cache; download it if it is not there.

    No request is sent where the cache has the pinned content.

    Parameters
    ----------
    source : HubFile
        The file.
    endpoint : str, optional
        Address of the hub; the default is ``HF_ENDPOINT``'s.
    cache_dir : pathlib.Path, optional
        The cache's folder; the default is ``HF_HUB_CACHE``'s.

    Raises
    ------
    HubError
        If the hub cannot be reached, denies access, does not have the file, closes the connection early, or returns
        content other than the pinned one. The cache then has no file that could be mistaken for the pinned one.
    """
    found = huggingface_hub.try_to_load_from_cache(
        source.repository, source.file, cache_dir=cache_dir, revision=source.revision
    )
    cached = Path(found) if isinstance(found, str) else None
    if cached and _is_pinned(cached, source):
        return cached
    if cached:
        _evict(cached)
    fetched = _download(source, endpoint, cache_dir)
    if _is_pinned(fetched, source):
        return fetched
    size, digest = fetched.stat().st_size, sha256(fetched)
    _evict(fetched)
    raise HubError(
        f"The file that the hub returned for {source.label} is not the pinned one: {size:,} bytes with SHA-256 "
        f"{digest}, not {source.size:,} bytes with {source.sha256}. It was removed.",
        "Try again. If the error persists, the file was replaced on the hub, or HF_ENDPOINT names a wrong mirror. "
        f"{_USE_A_FILE}",
    )


def _download(source: HubFile, endpoint: str | None, cache_dir: Path | None) -> Path:
    try:
        return Path(
            huggingface_hub.hf_hub_download(
                source.repository,
                source.file,
                revision=source.revision,
                endpoint=endpoint,
                cache_dir=cache_dir,
            )
        )
    except (httpx2.HTTPError, OSError, ValueError, RuntimeError) as error:
        # The client raises "not in the cache" where it cannot reach the hub; the reason is the cause of that error.
        reason = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
        cause, next_step = _explain(reason, source, endpoint or constants.ENDPOINT)
        raise HubError(cause, f"{next_step} {_USE_A_FILE}") from error


def _explain(error: BaseException | None, source: HubFile, endpoint: str) -> tuple[str, str]:
    """Return cause and next step, each a sentence, for an error of the client."""
    repository = source.repository
    match error:
        case OfflineModeIsEnabled():
            return (
                f"{source.label} is not in the cache, or was damaged there, and HF_HUB_OFFLINE forbids the download.",
                "Unset HF_HUB_OFFLINE and run again with a network.",
            )
        case GatedRepoError():
            return (
                f"Access to {repository} requires the approval of its owner.",
                "Request access on its page, and set HF_TOKEN to a token of that account.",
            )
        case RevisionNotFoundError():
            return f"{repository} has no revision {source.revision}.", f"Correct it in {PUBLISHED_FILE.name}."
        case RemoteEntryNotFoundError():
            return (
                f"{repository} has no file {source.file} at revision {source.revision}.",
                f"Correct the name in {PUBLISHED_FILE.name}.",
            )
        case RepositoryNotFoundError():
            return (
                f"The hub has no repository {repository}: it does not exist, or is private.",
                f"Check the name in {PUBLISHED_FILE.name}; if it is private, set HF_TOKEN to a token that may read it.",
            )
        case HfHubHTTPError() if error.response.status_code in (401, 403):
            return (
                f"The hub denies access to {source.label} (HTTP {error.response.status_code}).",
                "Set HF_TOKEN to a valid token that may read it, or unset it: a public file needs none.",
            )
        case HfHubHTTPError():
            return (
                f"The hub at {endpoint} returned HTTP {error.response.status_code} for {source.label}.",
                "Try again later, and check HF_ENDPOINT if it is set.",
            )
        case FileMetadataError():
            return (
                f"The server at {endpoint} is not a model hub.",
                "Check HF_ENDPOINT and the proxy settings.",
            )
        case httpx2.RemoteProtocolError() | httpx2.ReadError():
            return f"The connection was closed before {source.label} was complete.", "Try again."
        case RuntimeError() | ValueError():  # the errors of the client of the hub's chunk storage
            return (
                f"The hub's chunk storage failed for {source.label} ({error}).",
                "Try again, or set HF_HUB_DISABLE_XET=1 to download it from the hub itself.",
            )
        case OSError(errno=int()):
            return (
                f"{source.label} cannot be written to the cache ({error.strerror}).",
                "Free some space, or set HF_HOME to a folder that can be written to.",
            )
        case OSError():  # the client's check of the length
            return f"The hub returned only a part of {source.label}.", "Try again."
        case _:
            return (
                f"The hub at {endpoint} cannot be reached ({type(error).__name__}).",
                "Check the network, the proxy settings and HF_ENDPOINT.",
            )


def _is_pinned(path: Path, source: HubFile) -> bool:
    return path.stat().st_size == source.size and sha256(path) == source.sha256


def _evict(path: Path) -> None:
    """Remove a file from the hub's cache, and the content that it is a link to."""
    while path.is_symlink():
        target = path.parent / path.readlink()
        path.unlink()
        path = target
    path.unlink(missing_ok=True)
