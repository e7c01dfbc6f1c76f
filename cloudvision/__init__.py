"""cloudvision: only vision calls that are worth it, nothing paid twice, one typed answer.

::

    import cloudvision

    pipeline = cloudvision.Pipeline(cloudvision.open_provider("local-ocr"), gate=cloudvision.Gate.load())
    for outcome in cloudvision.run_many(pipeline, ["a.jpg", "https://example.com/b.png"]):
        print(outcome)

What is named here is the public interface; everything else may change.
"""

from cloudvision.batch import run_many
from cloudvision.breaker import CircuitBreaker, OutageBounds
from cloudvision.documents import IdentityDocument, Invoice, LineItem, Money, Receipt
from cloudvision.errors import (
    AuthError,
    BlockedAddressError,
    BudgetExceededError,
    CloudVisionError,
    ConfigError,
    DamagedImageError,
    FetchError,
    ImageError,
    LedgerError,
    NotAnImageError,
    OutageError,
    ProviderError,
    RejectedError,
    ResultLostError,
    SettingsRejectedError,
    StoppedError,
    ThrottledError,
    TooLargeError,
    TrainingFailedError,
    UnavailableError,
    UncertainError,
    UnexpectedAnswerError,
    UnfinishedError,
)
from cloudvision.failover import Failover
from cloudvision.fetch import Fetcher
from cloudvision.gate import Gate, Verdict
from cloudvision.geometry import Box, Polygon
from cloudvision.images import Image, Remote, load
from cloudvision.layout import (
    Barcode,
    Cell,
    Formula,
    KeyValuePair,
    Language,
    Page,
    PageRegion,
    Paragraph,
    SelectionMark,
    Style,
    Table,
)
from cloudvision.ledger import Budget, Ledger
from cloudvision.ledger_store import LedgerStore, open_ledger
from cloudvision.limit import Limiter
from cloudvision.long_failover import LongRunningFailover
from cloudvision.outcome import Analysed, Failed, Outcome, Skipped
from cloudvision.pending import Pending
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.polling import Polling
from cloudvision.provider import PROVIDERS, Provider, open_provider
from cloudvision.providers._options import Options
from cloudvision.raw import Raw
from cloudvision.results import (
    Analysis,
    Caption,
    Crop,
    Document,
    Field,
    Label,
    Line,
    Provenance,
    Region,
    Word,
)
from cloudvision.retry import RetryPolicy
from cloudvision.sinks import open_sink
from cloudvision.stop import StopSignal
from cloudvision.telemetry import Telemetry

__all__ = [
    "PROVIDERS",
    "Analysed",
    "Analysis",
    "AuthError",
    "Barcode",
    "BlockedAddressError",
    "Box",
    "Budget",
    "BudgetExceededError",
    "Caption",
    "Cell",
    "CircuitBreaker",
    "CloudVisionError",
    "ConfigError",
    "Crop",
    "DamagedImageError",
    "Document",
    "Failed",
    "Failover",
    "FetchError",
    "Fetcher",
    "Field",
    "Formula",
    "Gate",
    "IdentityDocument",
    "Image",
    "ImageError",
    "Invoice",
    "KeyValuePair",
    "Label",
    "Language",
    "Ledger",
    "LedgerError",
    "LedgerStore",
    "Limiter",
    "Line",
    "LineItem",
    "LongRunningFailover",
    "Money",
    "NotAnImageError",
    "Options",
    "OutageBounds",
    "OutageError",
    "Outcome",
    "Page",
    "PageRegion",
    "Paragraph",
    "Pending",
    "Pipeline",
    "Policy",
    "Polling",
    "Polygon",
    "Provenance",
    "Provider",
    "ProviderError",
    "Raw",
    "Receipt",
    "Region",
    "RejectedError",
    "Remote",
    "ResultLostError",
    "RetryPolicy",
    "SelectionMark",
    "SettingsRejectedError",
    "Skipped",
    "StopSignal",
    "StoppedError",
    "Style",
    "Table",
    "Telemetry",
    "ThrottledError",
    "TooLargeError",
    "TrainingFailedError",
    "UnavailableError",
    "UncertainError",
    "UnexpectedAnswerError",
    "UnfinishedError",
    "Verdict",
    "Word",
    "load",
    "open_ledger",
    "open_provider",
    "open_sink",
    "run_many",
]
