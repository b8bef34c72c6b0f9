"""The Google accounts that a business has connected, and the mutation that gives one to an option."""

from typing import Annotated

import strawberry

from graph.catalog.options import Option
from graph.errors import forbidden_error
from graph.google.connection import GoogleAccount, account
from graph.relay.nodes import decode_id
from graph.relay.payloads import Payload, payload_fields
from graph.request.context import Info, admin
from models.catalog.option import Option as OptionRow
from models.enums import Role


@strawberry.type
class GoogleAccountQuery:
    @strawberry.field(
        description="The Google accounts that this business has connected, by mail address: any option can be given "
        "one with `useGoogleAccount`. Admin."
    )
    async def google_accounts(self, info: Info) -> list[GoogleAccount]:
        found = await info.context.state.google.accounts(admin(info).business_id)
        return [account(each) for each in found]


@strawberry.input(
    description="Gives the option an account that the business has connected already: no second consent. Its calendar "
    "is chosen afterwards."
)
class UseGoogleAccountInput:
    option_id: strawberry.ID = strawberry.field(description="The option.")
    account_id: strawberry.ID = strawberry.field(description="One of the `googleAccounts`.")


@strawberry.type(description="The option, now with that Google account.")
class UseGoogleAccountPayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


@strawberry.type
class GoogleAccountMutation:
    @strawberry.mutation(
        description="Gives an option a Google account that the business has connected already. A calendar that it is "
        "linked to stays until another one is chosen. Admin."
    )
    async def use_google_account(
        self,
        info: Info,
        input: Annotated[UseGoogleAccountInput, strawberry.argument(description="The option and the account.")],
    ) -> UseGoogleAccountPayload | None:
        caller = info.context.caller
        if caller.role is not Role.ADMIN:
            return UseGoogleAccountPayload(errors=forbidden_error(info, Role.ADMIN))
        answer = await info.context.state.google.use_account(
            caller.business_id, decode_id("Option", input.option_id), decode_id("GoogleAccount", input.account_id)
        )
        return UseGoogleAccountPayload(**await payload_fields(info, Option, OptionRow, answer, "option"))
