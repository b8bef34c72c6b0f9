"""Who sends a request, or opens a socket: the caller whose key is shown."""

from graphql import GraphQLError

from graph.limits.door import RequestLimits
from graph.request.context import Context
from models import api_key


async def identify(context: Context, door: RequestLimits, authorization: object) -> GraphQLError | None:
    """Looks up the key in `Bearer <key>` and keeps its caller in the context. Without a valid key, counts whoever
    sends; the refusal RATE_LIMITED when its address sends too many. `authorization` is None where nothing was shown.
    """
    plain = bearer(authorization)
    context.who = await api_key.authenticate(plain) if plain else None
    if context.who is not None:
        return None
    return door.admit_stranger(context, shows_key=authorization is not None)


def bearer(authorization: object) -> str | None:
    """The key in `Bearer <key>`."""
    scheme, _, plain = authorization.partition(" ") if isinstance(authorization, str) else ("", "", "")
    return plain.strip() or None if scheme.lower() == "bearer" else None
