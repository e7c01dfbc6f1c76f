"""Uploading through the unmodified SDK and the emulator: each picture once, whatever happens on the way."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cloudvision.annotations import read_annotations
from cloudvision.customvision import (
    Project,
    Ready,
    TrainingResource,
    UploadReport,
    check,
    create_project,
    delete_project,
    list_tags,
    upload,
)
from cloudvision.customvision._batch import Waiting, packed
from cloudvision.emulator import Emulator, Fault, running
from cloudvision.errors import AuthError, ConfigError, StoppedError, UnavailableError
from cloudvision.geometry import Box
from cloudvision.stop import StopSignal
from tests.custom_vision_clients import RED, picture, training
from tests.customvision_rig import Waits, annotated, annotations, folder, resource
from tests.emulation import MadeUpReader
from tests.loopback import Request, serving
from tests.pictures import png

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")
FILES = "CreateImagesFromFiles"


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def asking(cloudvision_emulator: Emulator, waits: Waits) -> Iterator[TrainingResource]:
    cloudvision_emulator.faults.clear()
    yield resource(cloudvision_emulator, waits)
    cloudvision_emulator.faults.clear()


@pytest.fixture
def fruit(asking: TrainingResource, cloudvision_emulator: Emulator) -> Iterator[Project]:
    project = create_project(asking, "fruit to upload", kind="multiclass", reuse=True)
    yield project
    cloudvision_emulator.faults.clear()
    delete_project(asking, project, confirm=project.name)


def ready(place: Path, project: Project) -> tuple[Ready, ...]:
    return check(read_annotations(place), kind=project.kind).ready


def held(emulator: Emulator, project: Project) -> int:
    count: int = training(emulator).get_image_count(project.id)
    return count


def states(report: UploadReport) -> dict[str, int]:
    return {state: count for state, count in report.counts.items() if count}


def test_a_folder_a_class_is_uploaded_with_its_tags(
    asking: TrainingResource, fruit: Project, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    pictures, seen = ready(folder(tmp_path, apple=40, pear=30), fruit), []
    report = upload(asking, fruit, pictures, progress=seen.append)
    assert {"uploaded": 60, "duplicate": 10} == states(report)  # of 40 apples 10 have the bytes of another one
    assert [source for one in pictures for source in one.sources] == [result.source for result in report.results]
    assert sorted(one.shown for one in pictures) == sorted(result.source for result in seen)
    assert {"apple": 30, "pear": 30} == {tag.name: tag.images for tag in list_tags(asking, fruit)}
    assert {"duplicate": 70} == states(upload(asking, fruit, pictures))
    assert 60 == held(cloudvision_emulator, fruit)


def test_only_the_failed_ones_are_sent_again(
    asking: TrainingResource, fruit: Project, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    cloudvision_emulator.faults.replace({"seed": 3, "images": [{"rate": 0.3, "status": "ErrorStorage"}]})
    report = upload(asking, fruit, ready(folder(tmp_path, apple=20, pear=20), fruit), tries=20)
    assert {"uploaded": 40} == states(report)
    again = [result for result in report.results if result.attempts > 1]
    assert 5 <= len(again) < 30
    assert 40 == held(cloudvision_emulator, fruit)


def test_what_fails_to_the_end_is_reported_with_its_reason(
    asking: TrainingResource, fruit: Project, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    pictures = ready(folder(tmp_path, apple=3), fruit)
    cloudvision_emulator.faults.spoil_images(1.0, "ErrorUnknown")
    report = upload(asking, fruit, pictures, tries=3)
    assert [("failed", "ErrorUnknown", 3)] * 3 == [(one.state, one.status, one.attempts) for one in report.failed]
    assert "the service failed without saying why" == report.failed[0].reason
    cloudvision_emulator.faults.clear()
    cloudvision_emulator.faults.spoil_images(1.0, "ErrorTagLimitExceed")
    assert {1} == {one.attempts for one in upload(asking, fruit, pictures).failed}


def test_a_picture_that_the_service_cannot_read_is_encoded_anew(
    asking: TrainingResource, fruit: Project, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    cloudvision_emulator.faults.replace({"seed": 1, "images": [{"rate": 0.5, "status": "ErrorImageFormat"}]})
    report = upload(asking, fruit, ready(folder(tmp_path, apple=12), fruit), tries=8)
    twice = {result.attempts for result in report.results}
    assert {1, 2} <= twice
    assert max(twice) <= 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset", operation=FILES),
        Fault("reset", operation=FILES, billed=True),
        Fault("cut", operation=FILES),
        Fault("status", status=503, operation=FILES, billed=True),
        Fault("throttle", seconds=7, operation=FILES, times=3),
    ],
    ids=lambda fault: f"{fault.fault} {fault.billed}",
)
def test_a_batch_whose_answer_is_lost_is_there_once(
    asking: TrainingResource,
    fruit: Project,
    cloudvision_emulator: Emulator,
    waits: Waits,
    tmp_path: Path,
    fault: Fault,
) -> None:
    cloudvision_emulator.faults.script([fault])
    report = upload(asking, fruit, ready(folder(tmp_path, apple=9), fruit))
    worked = fault.works or fault.fault == "cut"
    assert {"duplicate" if worked else "uploaded": 9} == states(report)
    assert 9 == held(cloudvision_emulator, fruit)
    assert 0 == cloudvision_emulator.faults.waiting
    if fault.fault == "throttle":
        assert waits.now >= 21  # three times as long as the service asked for


def test_an_upload_goes_on_where_it_was(
    asking: TrainingResource, fruit: Project, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.jsonl"
    pictures = ready(folder(tmp_path / "in", apple=5, pear=5), fruit)
    first = upload(asking, fruit, pictures[:6], notes=notes)
    with notes.open("a", encoding="utf-8") as stream:
        stream.write('{"key": "cut o')  # a kill in the middle of a line
    training(cloudvision_emulator).delete_images(fruit.id, image_ids=[first.results[0].image])
    report = upload(asking, fruit, pictures, notes=notes)
    assert ["uploaded"] + ["resumed"] * 5 + ["uploaded"] * 4 == [result.state for result in report.results]
    assert {"resumed": 10} == states(upload(asking, fruit, pictures, notes=notes))
    assert 10 == held(cloudvision_emulator, fruit)


def test_notes_of_another_project_are_not_taken(asking: TrainingResource, fruit: Project, tmp_path: Path) -> None:
    pictures = ready(folder(tmp_path / "in", apple=1), fruit)
    other = {"cloudvision": "customvision upload", "schema": 1, "project": "another"}
    for text, says in ((json.dumps(other) + "\n", "of another project"), ("a,b\n", "does not hold the notes")):
        (tmp_path / "notes.jsonl").write_text(text)
        with pytest.raises(ConfigError, match=says):
            upload(asking, fruit, pictures, notes=tmp_path / "notes.jsonl")


def test_what_was_done_before_an_error_is_noted(
    asking: TrainingResource, fruit: Project, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.jsonl"
    pictures = ready(folder(tmp_path / "in", apple=29, pear=29, plum=29), fruit)
    cloudvision_emulator.faults.script([Fault("none", operation=FILES), Fault("unknown-key", operation=FILES)])
    with pytest.raises(AuthError):
        upload(asking, fruit, pictures, notes=notes, threads=1)
    assert 64 == held(cloudvision_emulator, fruit)
    assert {"resumed": 64, "uploaded": 23} == states(upload(asking, fruit, pictures, notes=notes))


def test_a_stop_ends_it_between_two_batches(asking: TrainingResource, fruit: Project, tmp_path: Path) -> None:
    stop = StopSignal()
    pictures = ready(folder(tmp_path / "in", apple=29, pear=29, plum=29), fruit)
    with pytest.raises(StoppedError):
        upload(asking, fruit, pictures, threads=1, stop=stop, progress=lambda _: stop.set())


def test_a_service_that_stays_away_ends_it(
    asking: TrainingResource, fruit: Project, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    cloudvision_emulator.faults.rate(1.0, Fault("status", operation=FILES))
    with pytest.raises(UnavailableError):
        upload(asking, fruit, ready(folder(tmp_path, apple=2), fruit))


def test_a_picture_that_is_there_with_another_label_is_told(
    asking: TrainingResource, fruit: Project, tmp_path: Path
) -> None:
    upload(asking, fruit, ready(folder(tmp_path / "one", apple=1), fruit))
    (tmp_path / "two" / "pear").mkdir(parents=True)
    (tmp_path / "two" / "pear" / "1.png").write_bytes(picture(RED, 0))
    (failed,) = upload(asking, fruit, ready(tmp_path / "two", fruit)).failed
    assert ("OKDuplicate", "is in the project already, as 'apple'; change it there, or delete that image") == (
        failed.status,
        failed.reason,
    )


def test_labels_and_boxes_are_added_to_pictures_that_are_there(
    asking: TrainingResource, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    client, path = training(cloudvision_emulator), tmp_path / "1.png"
    path.write_bytes(png(1))
    boxes = [("fork", Box(0.1, 0.2, 0.3, 0.4)), ("knife", Box(0.5, 0.5, 0.25, 0.25))]
    forks = create_project(asking, "forks to upload", kind="detection", reuse=True)
    upload(asking, forks, check(annotations(annotated(path, *boxes[:1])), kind="detection").ready)
    assert {"duplicate": 1} == states(
        upload(asking, forks, check(annotations(annotated(path, *boxes)), kind="detection").ready)
    )
    regions = client.get_tagged_images(forks.id)[0].regions
    assert [("fork", 0.1, 0.2, 0.3, 0.4), ("knife", 0.5, 0.5, 0.25, 0.25)] == sorted(
        (one.tag_name, one.left, one.top, one.width, one.height) for one in regions
    )
    delete_project(asking, forks, confirm=forks.name)
    several = create_project(asking, "several to upload", kind="multilabel", reuse=True)
    for names in (["red"], ["red", "round"]):
        upload(asking, several, check(annotations(annotated(path, *names)), kind="multilabel").ready)
    assert ["red", "round"] == sorted(tag.tag_name for tag in client.get_tagged_images(several.id)[0].tags)
    delete_project(asking, several, confirm=several.name)


def test_pictures_are_made_to_fit(
    asking: TrainingResource, fruit: Project, cloudvision_emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "apple").mkdir()
    Image.new("RGB", (64, 48), RED).save(tmp_path / "apple" / "a.webp")
    Image.new("RGB", (1450, 1450), RED).save(tmp_path / "apple" / "large.bmp")  # 6.3 MB
    assert {"uploaded": 2} == states(upload(asking, fruit, ready(tmp_path, fruit)))


def test_batches_are_cut_by_bytes(tmp_path: Path, fruit: Project) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / "apple").mkdir()
    for number in range(10):
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (100, 100, 3), dtype=np.uint8)).save(stream, "PNG")  # 30 kB, 40 as base64
        (tmp_path / "apple" / f"{number}.png").write_bytes(stream.getvalue())
    batch = [Waiting(one) for one in ready(tmp_path, fruit)]
    assert [3, 3, 3, 1] == [len(part) for part in packed(batch, 130_000)]
    assert [1] * 10 == [len(part) for part in packed(batch, 1)]
    assert [10] == [len(part) for part in packed(batch, 10**6)]


def test_a_file_that_is_gone_by_then_fails_alone(asking: TrainingResource, fruit: Project, tmp_path: Path) -> None:
    pictures = ready(folder(tmp_path, apple=3), fruit)
    Path(pictures[1].sources[0]).unlink()
    report = upload(asking, fruit, pictures)
    assert ["uploaded", "failed", "uploaded"] == [result.state for result in report.results]
    assert 0 == report.results[1].attempts


def test_pictures_are_fetched_from_their_addresses_by_the_service(tmp_path: Path) -> None:
    def answer(request: Request) -> None:
        if "gone" in request.line:
            request.answer(status="404 Not Found")
        else:
            request.answer(picture(RED, 3))

    with serving(answer) as web, running(reader=MadeUpReader(), allow_private_hosts=True) as emulator:
        rows = f"url,label\n{web.url('/a.png?sig=SECRETSECRETSECRETSECRET')},apple\n{web.url('/gone.png')},apple\n"
        (tmp_path / "t.csv").write_text(rows)
        asking = resource(emulator)
        project = create_project(asking, "fetched", kind="multiclass")
        notes = tmp_path / "notes.jsonl"
        report = upload(asking, project, ready(tmp_path / "t.csv", project), notes=notes, tries=2)
        assert [("uploaded", 1), ("failed", 2)] == [(result.state, result.attempts) for result in report.results]
        assert "the service could not get it from its address" == report.failed[0].reason
        assert "SECRET" not in f"{report} {notes.read_text()}"
        assert {"resumed": 1, "failed": 1} == states(
            upload(asking, project, ready(tmp_path / "t.csv", project), notes=notes, tries=1)
        )
