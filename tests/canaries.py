"""Secrets that may never show up, a server that hands them back, and the search for them."""

from __future__ import annotations

import base64
import sqlite3
import traceback
from pathlib import Path

from tests import custom_vision_double, document_double, image_analysis_double, rekognition_double
from tests.loopback import Request, Server
from tests.pictures import png

MARK = "c4n4ry"
PIXELS = f"{MARK}-pixels-{MARK}".encode()
AWS_TOKEN, URL_PASSWORD, PROXY_PASSWORD = f"{MARK}-session-token", f"{MARK}-url-password", f"{MARK}-proxy-password"
SIGNED = f"?w=1&X-Amz-Signature={MARK}1&X-Amz-Security-Token={MARK}2&sig={MARK}3&Expires=9#{MARK}4"
BASIC = base64.b64encode(f"me:{URL_PASSWORD}".encode()).decode()
SECRETS = (
    MARK,
    rekognition_double.SECRET,
    image_analysis_double.KEY,
    document_double.KEY,
    custom_vision_double.KEY,
    BASIC,
)
# A text inside of base64 looks different at each of three offsets; the ends depend on what is beside it.
NEEDLES = {s.encode() for s in SECRETS} | {base64.b64encode(bytes(n) + PIXELS)[4:20] for n in range(3)}

PICTURE = png() + PIXELS  # what follows the end of a PNG is sent along, and changes nothing


def leaked(*texts: object) -> set[bytes]:
    """The places in these texts where a secret stands."""
    whole = b"\n".join(text if isinstance(text, bytes) else str(text).encode() for text in texts)
    return {whole[max(0, (at := whole.index(needle)) - 60) : at + 60] for needle in NEEDLES if needle in whole}


def pictures(request: Request) -> None:
    """A server of pictures and of trouble. A stranger may put our own secrets into its answers."""
    path = request.line.split()[1].partition("?")[0]
    match path.removeprefix("/").partition(".")[0]:
        case "page":
            request.answer(b"<html>sign in</html>")
        case "moved":
            request.answer(status="302 Found", location=f"/good.png{SIGNED}")
        case "away":
            request.answer(status="302 Found", location=f"ftp://me:{URL_PASSWORD}@h/{SIGNED}")
        case "headers":
            request.sock.sendall(b"HTTP/1.1 200 OK\r\nbad header\r\nContent-Length: 4\r\n\r\nnone")
            raise OSError
        case "missing" | "down" as name:
            status = "404 No" if name == "missing" else "503 Down"
            request.answer(b"no", status=status, retry_after="0", www_authenticate=f"Basic {MARK}")
        case _:
            request.answer(PICTURE)


def signed_urls(server: Server) -> list[str]:
    start = f"http://me:{URL_PASSWORD}@127.0.0.1:{server.port}"
    names = ("good", "page", "moved", "away", "headers", "missing", "down")
    return [f"{start}/{name}.png{SIGNED}" for name in names]


def kept_in(folder: Path) -> list[object]:
    """All but the pictures in the folder, ledgers also as SQL (a text may stand across two pages of the file)."""
    found: list[object] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".png":
            found += [path.name, path.read_bytes()]
            if path.suffix == ".db":
                with sqlite3.connect(path) as db:
                    found += db.iterdump()
                db.close()
    return found


def told(error: BaseException) -> list[object]:
    """All that an error says, with all that is chained to it."""
    chain = "".join(traceback.format_exception(error))
    return [str(error), repr(error), error.args, vars(error), chain]
