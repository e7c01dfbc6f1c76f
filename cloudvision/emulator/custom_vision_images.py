"""Adding pictures to a project of the emulated Custom Vision: from data, files, addresses and stored predictions."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cloudvision import images
from cloudvision._json import JSON
from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_form import pictures_in
from cloudvision.emulator.custom_vision_lookup import Lookup
from cloudvision.emulator.custom_vision_state import BATCH, BATCH_TAGS, Picture, Project, Region
from cloudvision.emulator.service import Call, Reply
from cloudvision.errors import ImageError

MAX_BYTES = 6 * 2**20
"""Largest picture to train on."""

MOST_SIDE, MOST_RATIO = 10_240, 25
FORMATS = ("JPEG", "PNG", "BMP", "GIF")


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a batch; `data` is None where it could not be had."""

    source: str
    data: bytes | None = field(repr=False)
    tags: tuple[str, ...] = ()
    regions: tuple[wire.Object, ...] = ()


class Images:
    """Answers to the routes of this module.

    Args:
        fetch: the bytes behind an address; raises ImageError.
        trouble: the status that an image is told to get; None for what becomes of it.
    """

    def __init__(
        self, store: Lookup, *, fetch: Callable[[str], bytes], trouble: Callable[[], str | None] = lambda: None
    ) -> None:
        self._store = store
        self._fetch = fetch
        self._trouble = trouble

    def routes(self) -> Sequence[tuple[str, str, str, wire.Answer]]:
        """Name, method, path and answer of each."""
        images_ = "/projects/{project}/images"
        return (
            ("CreateImagesFromData", "POST", images_, self._from_data),
            ("CreateImagesFromFiles", "POST", f"{images_}/files", self._from_files),
            ("CreateImagesFromUrls", "POST", f"{images_}/urls", self._from_urls),
            ("CreateImagesFromPredictions", "POST", f"{images_}/predictions", self._from_predictions),
        )

    def _from_data(self, call: Call, account: Account) -> Reply:
        entries = [Entry(f'"{name}"' if name else "", data) for name, data in pictures_in(call)]
        return self._add(call, account, entries, wire.ids_in(wire.parameters(call).get("tagids")), {})

    def _from_files(self, call: Call, account: Account) -> Reply:
        return self._batch(call, account, "name", lambda entry: _decoded(entry.get("contents")))

    def _from_urls(self, call: Call, account: Account) -> Reply:
        return self._batch(call, account, "url", lambda entry: self._fetched(entry.get("url")))

    def _from_predictions(self, call: Call, account: Account) -> Reply:
        stored = self._store.project(call, account).predictions

        def data(entry: wire.Object) -> bytes | None:
            prediction = stored.get(str(entry.get("id")).lower())
            return prediction.data if prediction else None

        return self._batch(call, account, "id", data)

    def _fetched(self, url: JSON) -> bytes | None:
        try:
            return self._fetch(url) if isinstance(url, str) else None
        except ImageError:
            return None

    def _batch(self, call: Call, account: Account, source: str, data: Callable[[wire.Object], bytes | None]) -> Reply:
        body = wire.object_in(call)
        given = wire.objects_under(body, "images")
        _check_batch(given)  # before anything is fetched
        entries = [
            Entry(
                str(entry.get(source) or ""),
                data(entry),
                tuple(wire.texts_under(entry, "tagIds")),
                tuple(wire.objects_under(entry, "regions")),
            )
            for entry in given
        ]
        metadata = body.get("metadata")
        facts = {name: str(value) for name, value in metadata.items()} if isinstance(metadata, Mapping) else {}
        return self._add(call, account, entries, wire.texts_under(body, "tagIds"), facts)

    def _add(
        self, call: Call, account: Account, entries: Sequence[Entry], tags: Sequence[str], metadata: Mapping[str, str]
    ) -> Reply:
        _check_batch(entries)
        if len(tags) > BATCH_TAGS:
            raise wire.bad_request("ExceededBatchSize", f"A batch has at most {BATCH_TAGS} tags.")
        found = [(entry, self._trouble() or _looked_at(entry.data)) for entry in entries]
        with self._store.lock:
            project = self._store.project(call, account)
            results = [self._added(project, entry, seen, tags, metadata, call.base_url) for entry, seen in found]
        good = all(isinstance(result, dict) and result["status"] == "OK" for result in results)
        return Reply({"isBatchSuccessful": good, "images": results}, status=200 if good else 207)

    def _added(
        self,
        project: Project,
        entry: Entry,
        seen: str | tuple[int, int],
        tags: Sequence[str],
        metadata: Mapping[str, str],
        base_url: str,
    ) -> JSON:
        """The entry's `ImageCreateResult`."""
        if isinstance(seen, str) or entry.data is None:
            return {"sourceUrl": entry.source, "status": seen if isinstance(seen, str) else "ErrorSource"}
        digest = hashlib.sha256(entry.data).hexdigest()
        known = next((picture for picture in project.pictures.values() if picture.digest == digest), None)
        status = "OKDuplicate"
        if known is None:
            now = self._store.now()
            wanted = dict.fromkeys([*tags, *entry.tags, *(str(r.get("tagId")).lower() for r in entry.regions)], now)
            status = self._objection(project, wanted, entry) or "OK"
            if status != "OK":
                return {"sourceUrl": entry.source, "status": status}
            known = Picture(self._store.new_id(), entry.data, digest, *seen, now, wanted, metadata=dict(metadata))
            known.regions = [self.region(region, now) for region in entry.regions]
            project.pictures[known.id] = known
        shown = wire.picture_json(known, project.tags, base_url)
        return {"sourceUrl": entry.source, "status": status, "image": shown}

    def _objection(self, project: Project, tags: Mapping[str, float], entry: Entry) -> str | None:
        limits = self._store.limits
        if entry.regions and not project.detects:
            raise wire.bad_request("ImageRegions", "A project that classifies has no regions.")
        if len(project.pictures) >= limits.images:
            return "ErrorLimitExceed"
        if any(tag not in project.tags for tag in tags):
            return "ErrorInvalidTag"
        kinds = {project.tags[tag].type for tag in tags}
        if "Negative" in kinds and len(tags) > 1:
            return "ErrorNegativeAndRegularTagOnSameImage"
        if len(tags) > (1 if project.classification == "Multiclass" else limits.tags_per_image):
            return "ErrorTagLimitExceed"
        return "ErrorRegionLimitExceed" if len(entry.regions) > limits.regions_per_image else None

    def region(self, given: wire.Object, now: float) -> Region:
        """A region as it was sent.

        Raises:
            Refusal: it has no place, or one outside of the picture.
        """
        return Region(self._store.new_id(), str(given.get("tagId")).lower(), box_in(given), now)


def box_in(given: wire.Object) -> tuple[float, float, float, float]:
    """Left, top, width and height of a region.

    Raises:
        Refusal: not four numbers, or none within the picture.
    """
    values = [given.get(name) for name in ("left", "top", "width", "height")]
    if not all(isinstance(value, int | float) and 0 <= value <= 1 for value in values):
        raise wire.bad_request("ImageRegions", "A region's left, top, width and height are from 0 to 1.")
    left, top, width, height = (float(value) for value in values if isinstance(value, int | float))
    if not (width and height):
        raise wire.bad_request("ImageRegions", "A region has a width and a height.")
    return left, top, width, height


def _check_batch(entries: Sequence[object]) -> None:
    if not entries:
        raise wire.bad_request("ImageBatch", "There is no image in the batch.")
    if len(entries) > BATCH:
        raise wire.bad_request("ExceededBatchSize", f"A batch has at most {BATCH} images.")


def _looked_at(data: bytes | None) -> str | tuple[int, int]:
    """Width and height, or the status of a picture that is not taken."""
    if data is None:
        return "ErrorSource"
    if not 0 < len(data) <= MAX_BYTES:
        return "ErrorImageSize"
    try:
        image = images.load(data, max_pixels=MOST_SIDE**2 * 4)
    except ImageError:
        return "ErrorImageFormat"
    if image.format not in FORMATS:
        return "ErrorImageFormat"
    sides = sorted((image.width, image.height))
    return "ErrorImageDimensions" if sides[1] > min(MOST_SIDE, MOST_RATIO * sides[0]) else (image.width, image.height)


def _decoded(contents: JSON) -> bytes | None:
    try:
        return base64.b64decode(contents) if isinstance(contents, str) else None
    except binascii.Error:
        return None
