"""Faults of tokens: a token that dies early, a token endpoint that fails."""

from attendance_pipeline.sandbox.faults.answers import PAGE
from attendance_pipeline.sandbox.faults.fault import Ask, Fault, Trouble
from attendance_pipeline.sandbox.wire import Answer, Call


def _revoked(trouble: Trouble, call: Call, ask: Ask) -> Answer:
    trouble.dialect.revoke()
    return ask(call)


def _unauthorized(trouble: Trouble, call: Call, ask: Ask) -> Answer:
    return trouble.dialect.unauthorized(call)


def _no_token(trouble: Trouble, call: Call, ask: Ask) -> Answer:
    return trouble.dialect.no_token(call)


def _without_token(trouble: Trouble, call: Call, ask: Ask) -> Answer:
    """First a failure, then what a proxy answers that wants to be signed in to."""
    trouble.seen["asked"] += 1
    if trouble.seen["asked"] % 2:
        return Answer(503, b"Service Unavailable\n", content_type="text/plain")
    return Answer(200, PAGE, content_type="text/html;charset=UTF-8")


ACCESS = (
    Fault("token_dies", "401 in the middle: every access token so far is forgotten", _revoked, times=1),
    Fault("token_refused", "401 to every report, whatever the token", _unauthorized, where=("report",)),
    Fault(
        "token_endpoint_fails", "the token endpoint says 503, then HTML", _without_token, where=("token",), times=2
    ),
    Fault("token_endpoint_refuses", "the token endpoint refuses the credentials", _no_token, where=("token",)),
)
