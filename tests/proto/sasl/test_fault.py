"""The fault of all SASL engines."""

from posthaus.proto.sasl.fault import SaslFault


def test_fault() -> None:
    assert SaslFault("x").malformed
    assert SaslFault("x", malformed=False).reason == "x"
