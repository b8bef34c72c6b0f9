"""The `Accept` header: which media type a request is answered in. Pure."""

from contextlib import suppress

from graph.excerpt import parts, remember_short

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"


@remember_short(256)
def preferred_type(accept: str) -> str:
    """The media type to answer in, by an `Accept` header: what is weighed highest and, of those, named first.

    Source: GraphQL over HTTP, "Body"; RFC 9110 §12.5.1.
    """
    wanted = weights(accept)
    return GRAPHQL_RESPONSE if max(wanted, key=wanted.__getitem__, default=JSON) == GRAPHQL_RESPONSE else JSON


def takes_events(accept: str) -> bool:
    """Whether a stream of events is taken, by an `Accept` header."""
    return any(part.partition(";")[0].strip().lower() == EVENT_STREAM for part in parts(accept))


def weights(accept: str) -> dict[str, float]:
    """How much each media type that we answer requests in is wanted, in the order of an `Accept` header."""
    found = {}
    for part in parts(accept):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((value for key, _, value in (each.partition("=") for each in parameters) if key == "q"), "1")
        with suppress(ValueError):
            if name in (GRAPHQL_RESPONSE, JSON, "application/*", "*/*") and float(quality) > 0:
                found[name] = float(quality)
    return found
