"""What carries the generated client's operations: gql, by HTTP and by one graphql-transport-ws socket per key."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, time
from typing import Annotated, Any, ClassVar, Self, TypeVar

from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from pydantic import BaseModel, PlainSerializer

from tests.stage import PATIENCE, TLS

Day = date
"""A `Date`; a generated field named `date` could not have a type of that name."""

ClockTime = Annotated[time, PlainSerializer(lambda clock: clock.strftime("%H:%M"))]
"""A `LocalTime`."""


class Operation(BaseModel):
    """What every generated operation is: its answer, the types of its variables, and its document."""

    class Arguments(BaseModel):
        """Its variables."""

    class Meta:
        """How it is sent."""

        document: ClassVar[str]


Answer = TypeVar("Answer", bound=Operation)


class Gateway:
    """Sends what the generated methods ask for, and makes typed answers of what comes back."""

    def __init__(self, http: AsyncClientSession, socket: AsyncClientSession) -> None:
        self._http = http
        self._socket = socket
        self.ran: set[str] = set()
        """The names of the operations that were answered."""

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, key: str) -> AsyncIterator[Self]:
        """A client for the server at this URL, with this key.

        gql asks the server for its schema and holds every document against it before it is sent.
        """
        allowed = {"Authorization": f"Bearer {key}"}
        http = HTTPXAsyncTransport(f"{url}/graphql", headers=allowed, verify=TLS, timeout=PATIENCE)
        address = url.replace("http", "ws") + "/graphql"
        protocols = [WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
        socket = WebsocketsTransport(address, init_payload=allowed, subprotocols=protocols)
        async with (
            Client(transport=http, fetch_schema_from_transport=True) as by_http,
            Client(transport=socket) as by_socket,
        ):
            yield cls(by_http, by_socket)

    async def aexecute(self, operation: type[Answer], variables: Mapping[str, Any]) -> Answer:
        """The answer to a query or mutation.

        Raises `TransportQueryError` on GraphQL errors, `ValidationError` on an answer of another shape or type.
        """
        return self._read(operation, await self._http.execute(_request(operation, variables)))

    async def asubscribe(self, operation: type[Answer], variables: Mapping[str, Any]) -> AsyncIterator[Answer]:
        """What a subscription is sent, in order. Raises as `aexecute` does."""
        async for data in self._socket.subscribe(_request(operation, variables)):
            yield self._read(operation, data)

    def _read(self, operation: type[Answer], data: Mapping[str, Any]) -> Answer:
        answer = operation.model_validate(data, extra="forbid")
        self.ran.add(operation.__name__)
        return answer


def _request(operation: type[Operation], variables: Mapping[str, Any]) -> GraphQLRequest:
    """The operation with its variables as the wire has them; what was left out is left out there too."""
    arguments = operation.Arguments.model_validate(variables)
    values = arguments.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return GraphQLRequest(operation.Meta.document, variable_values=values)
