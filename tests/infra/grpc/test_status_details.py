"""Details of statuses are decoded in a gateway that has not imported Google's protobuf."""

import subprocess
import sys

from google.rpc.error_details_pb2 import ErrorInfo
from grpclib.const import Status
from grpclib.encoding.proto import ProtoStatusDetailsCodec

from tests.support.processes import ROOT

CODE = """
import sys
import gateway.main
from infra.grpc.status_details import StatusDetailsCodec
from grpclib.const import Status
before = any(each.startswith("google.") for each in sys.modules)
(detail,) = StatusDetailsCodec().decode(Status.NOT_FOUND, "", bytes.fromhex(sys.argv[1]))
print(before, detail.DESCRIPTOR.full_name, detail.reason)
"""


def test_a_gateway_imports_what_decodes_details_with_the_first_of_them() -> None:
    data = ProtoStatusDetailsCodec().encode(Status.NOT_FOUND, "", [ErrorInfo(reason="TicketNotFound")])
    done = subprocess.run(
        [sys.executable, "-c", CODE, data.hex()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("False google.rpc.ErrorInfo TicketNotFound\n", "")
