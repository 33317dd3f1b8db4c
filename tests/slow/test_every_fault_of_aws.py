"""Every kind of fault at every call of the upload path, where tests/integration has each kind and each call."""

from typing import Any

import pytest

from tests.buckets import Cloud
from tests.fakes import FakeEngine
from tests.faulty_aws import Wire
from tests.integration import conftest, test_faults_of_aws as faults

cloud, aws_wire, written = faults.cloud, faults.aws_wire, conftest.written
own_clients, engine, handler, printed = faults.own_clients, faults.engine, faults.handler, faults.printed


@pytest.mark.parametrize("call", faults.CALLS)
def test_whatever_fails_wherever_its_message_alone_comes_again_until_it_is_done(
    call: str, handler: Any, cloud: Cloud, engine: FakeEngine, aws_wire: Wire, printed: faults.Told
) -> None:
    faults.check_each_comes_again_until_it_is_done(
        call, faults.kinds_of(call), handler, cloud, engine, aws_wire, printed
    )
