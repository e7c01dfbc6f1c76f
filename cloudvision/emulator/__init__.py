"""The paid services on this machine: unmodified SDKs talk to it, answers are computed from the picture that was sent.

::

    with cloudvision.emulator.running() as emulator:
        client = boto3.client("rekognition", endpoint_url=emulator.url, ...)

`import cloudvision.emulator` is explicit; it needs the extra `emulator` once it is started.
"""

from __future__ import annotations

from cloudvision.emulator.accounts import Account
from cloudvision.emulator.bill import Bill
from cloudvision.emulator.fault import Fault
from cloudvision.emulator.faults import Faults, QuotaRule
from cloudvision.emulator.hand import Emulator
from cloudvision.emulator.reader import Reader
from cloudvision.emulator.start import running

__all__ = ["Account", "Bill", "Emulator", "Fault", "Faults", "QuotaRule", "Reader", "running"]
