"""Pascal VOC: one XML file a picture, boxes in pixels (`xmin`, `ymin`, `xmax`, `ymax`).

The files are read with the standard library's expat, and one with a document type is refused before it is read on: entities
can only be declared there, so none can grow or reach out. (defusedxml does the same; it has had no release since 2021.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from xml.etree.ElementTree import Element, TreeBuilder  # builds the tree only; expat parses, see above
from xml.parsers import expat

from cloudvision.annotations._gathering import Gathering, UnusableError, box_of_pixels, name_in, number_in
from cloudvision.annotations._pictures import ENDINGS, Finder, around, files_below
from cloudvision.annotations.annotated import Annotations, Mark
from cloudvision.errors import ConfigError

_MAX_BYTES = 4 * 2**20
_MAX_DEPTH = 50
_LINE = "line"


def read_voc(path: Path) -> Annotations:
    """One XML file, or all in a folder or in its `annotations` (`Annotations`).

    Raises:
        ConfigError: there is none, or none can be used.
    """
    found = Gathering()
    for file in voc_files(path):
        source = None
        try:
            root = _parsed(file)
            folder = (root.findtext("folder") or "").strip()
            name = PureWindowsPath((root.findtext("filename") or "").strip()).name
            finder = Finder(around(file, *([folder] if folder and "\0" not in folder and ".." not in folder else [])))
            # Some files name another picture than their own, or leave the ending out.
            own = (f"{file.stem}{ending}" for ending in sorted(ENDINGS))
            upper = (f"{file.stem}{ending.upper()}" for ending in sorted(ENDINGS))
            source = finder.find(name, *own, *upper)
            found.add(source)
            for thing in root.iterfind("object"):
                _object(thing, root, file, source, found)
        except UnusableError as exc:
            found.problem(str(file), exc, source=source)
    return found.done(path)


def voc_files(path: Path) -> Iterator[Path]:
    """The XML files of a place."""
    if path.is_file():
        yield path
        return
    folders = [folder for name in ("annotations", "Annotations") if (folder := path / name).is_dir()]
    yield from (file for file in files_below(folders[0] if folders else path) if file.suffix.lower() == ".xml")


def _object(thing: Element, root: Element, file: Path, source: str, found: Gathering) -> None:
    try:
        corners = [number_in(_text(thing, f"bndbox/{side}"), side) for side in ("xmin", "ymin", "xmax", "ymax")]
        size = [number_in(_text(root, f"size/{side}"), f"the picture's {side}") for side in ("width", "height")]
        box = box_of_pixels((corners[0], corners[1], corners[2], corners[3]), (size[0], size[1]))
        found.add(source, Mark(name_in(thing.findtext("name") or ""), box))
    except UnusableError as exc:
        found.problem(f"{file}, line {thing.get(_LINE)}", exc, source=source)


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _parsed(file: Path) -> Element:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise UnusableError(f"larger than {_MAX_BYTES // 2**20} MB, which no annotation of one picture is")
        data = file.read_bytes()
    except OSError as exc:
        raise UnusableError(f"cannot be read: {exc.strerror}") from exc
    builder, parser, depth = TreeBuilder(), expat.ParserCreate(), 0

    def start(tag: str, attributes: dict[str, str]) -> None:  # noqa: ARG001 - expat's form
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise UnusableError(f"line {parser.CurrentLineNumber}: elements within elements, deeper than {_MAX_DEPTH}")
        builder.start(tag, {_LINE: str(parser.CurrentLineNumber)})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def document_type(*_: object) -> None:
        raise UnusableError(f"line {parser.CurrentLineNumber}: has a document type, which is not read")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = document_type
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as exc:
        if isinstance(exc, UnusableError):
            raise
        raise UnusableError(f"not XML ({exc})") from exc
    root = builder.close()
    if root.tag != "annotation":
        raise UnusableError(f"begins with <{root.tag[:60]}>, not with <annotation>")
    return root


def looks_like_voc(folder: Path) -> bool:
    """XML files lie in the folder itself or in its `annotations`; one somewhere below does not make it VOC's."""
    places = (folder, folder / "annotations", folder / "Annotations")
    return any(file.suffix.lower() == ".xml" for place in places if place.is_dir() for file in place.iterdir())


def check_voc(path: Path) -> None:
    """Complain where there is no XML file.

    Raises:
        ConfigError: there is none.
    """
    if next(voc_files(path), None) is None:
        raise ConfigError(f"{path}: no XML file of Pascal VOC's form in it")
