"""Whether an operation may run: its document is read and found valid, and what it may cost is counted, before it does.

One way for requests, sockets and event streams.
"""

from typing import Any, Final

from graphql import GraphQLError, GraphQLSchema

from graph.limits.cost_budget import NEW_CHARACTER
from graph.request.context import Context, unauthenticated

LONGEST_WITHOUT_KEY: Final = 8 * 1024
"""Characters of a document about the schema that is answered without a key."""


async def admit(
    context: Context, schema: GraphQLSchema, text: str, name: str | None, variables: dict[str, Any] | None
) -> GraphQLError | None:
    """Reads the document into the context and counts the operation; the refusal when it may not run.

    UNAUTHENTICATED, RATE_LIMITED, QUERY_TOO_COMPLEX, or a syntax error. What makes the document invalid is told by
    whoever runs it. What was admitted with this context before is not counted again.
    """
    if context.document is not None and context.document.text == text:
        return None
    documents, spending = context.state.documents, context.state.spending
    if context.who is None and len(text) > LONGEST_WITHOUT_KEY:
        return unauthenticated()
    document = documents.find(text)
    # What was found wrong costs the same each time: to say so is work, too.
    if (document is None or document.is_refused) and (refusal := spending.take(context, NEW_CHARACTER * len(text))):
        return refusal
    if document is None:
        document = await documents.parsed(text, context.holder)
    if context.who is None and not document.asks_for_the_schema_only:
        return unauthenticated()
    context.document = await documents.checked(document, schema, context.holder)
    operation = document.operation(name)
    return document.syntax_error or (context.admit(operation, variables) if operation else None)
