"""How Document Intelligence words its refusals; codes and texts as in its error guide of 2026-04-18.

The two texts that recordings show otherwise (`InvalidContent`, `ModelNotFound`) are as recorded.
"""

from __future__ import annotations

from cloudvision._json import JSON
from cloudvision.emulator import azure_wire
from cloudvision.emulator.reply import Refusal, Reply

CONTENT = (
    "InvalidContent",
    "The file is corrupted or format is unsupported. Refer to documentation for the list of supported formats.",
)
LENGTH = ("InvalidContentLength", "The input image is too large. Refer to documentation for the maximum file size.")
DIMENSIONS = (
    "InvalidContentDimensions",
    "The input image dimensions are out of range. Refer to documentation for supported image dimensions.",
)
RATE = (
    "Requests to the {operation} Operation under Form Recognizer API (2023-07-31) have exceeded rate limit of your "
    "current FormRecognizer {tier} pricing tier."
)


def invalid_request(code: str, message: str) -> Reply:
    """400: the document cannot be worked on."""
    return azure_wire.error(400, "InvalidRequest", "Invalid request.", inner={"code": code, "message": message})


def refuse(code: str, message: str) -> Refusal:
    """The same, to be raised."""
    return Refusal(invalid_request(code, message))


def invalid_parameter(name: str, details: str) -> Refusal:
    """400: a parameter of the query has no such value."""
    inner = {"code": "InvalidParameter", "message": f"The parameter {name} is invalid: {details}"}
    return Refusal(azure_wire.error(400, "InvalidArgument", "Invalid argument.", inner=inner))


def missing_parameter(name: str) -> Refusal:
    """400: something must be given."""
    inner = {"code": "ParameterMissing", "message": f"The parameter {name} is required."}
    return Refusal(azure_wire.error(400, "InvalidArgument", "Invalid argument.", inner=inner))


def model_not_found() -> Refusal:
    """404 for a model."""
    return _not_found("ModelNotFound", "The requested model was not found.")


def operation_not_found() -> Refusal:
    """404 for a result: never there, or older than a day."""
    message = "The requested operation was not found. The identifier is invalid or the operation has expired."
    return _not_found("OperationNotFound", message)


def unsupported_media_type() -> Refusal:
    """415: the body is said to be something else."""
    return Refusal(azure_wire.error(415, "UnsupportedMediaType", "Request content type is not supported."))


def gone(version: str) -> Refusal:
    """410 for a version of the API that is retired."""
    message = f"The API version {version} is retired and no longer available. Move to a newer version."
    return Refusal(azure_wire.error(410, "Gone", message))


def failed(code: str, message: str) -> JSON:
    """`error` of an operation that failed."""
    details: list[JSON] = [{"code": code, "message": message}]
    return {"code": "InternalServerError", "message": "An unexpected error occurred.", "details": details}


def _not_found(code: str, message: str) -> Refusal:
    inner = {"code": code, "message": message}
    return Refusal(azure_wire.error(404, "NotFound", "Resource not found.", inner=inner))
