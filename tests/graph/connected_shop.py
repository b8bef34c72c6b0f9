"""A furnished business whose Anna has signed in with Google: the stand-in for Google beside it, and how to link."""

from dataclasses import dataclass
from typing import Any

from sync.sandbox.state import SandboxGoogle
from tests.graph.shop import Shop
from tests.served import consent, ticket_in

ANNAS = "anna@example.com"
"""Anna's Google account, and the id of its own first calendar."""


@dataclass(frozen=True)
class Connected:
    """A shop with sync running, and the Google it talks to."""

    shop: Shop
    google: SandboxGoogle

    async def sign_in(self, option: str, account: str = ANNAS) -> Any:
        """Clicks through Google's consent page for an option, as Anna or somebody else: the option's connection."""
        do = self.shop.served.do
        wanted = {"optionId": option, "returnTo": f"{self.shop.served.url}/edit"}
        address = (await do("StartGoogleSignIn", "admin", input=wanted))["authorizationUrl"]
        back = await consent(self.shop.served.http, address, decision="allow", account=account)
        signed_in = await do("CompleteGoogleSignIn", "admin", input={"ticket": ticket_in(back)})
        assert signed_in["errors"] == []
        return signed_in["option"]["google"]

    async def link(self, option: str, **more: Any) -> Any:
        """Links an option that has signed in to Anna's calendar: its connection."""
        wanted = {"optionId": option, "calendarId": ANNAS, **more}
        linked = await self.shop.served.do("LinkGoogleCalendar", "admin", input=wanted)
        assert linked["errors"] == []
        return linked["option"]["google"]

    def put(self, start: str, end: str, **more: Any) -> None:
        """An event that Anna puts into her calendar."""
        self.google.insert_event(ANNAS, {"start": {"dateTime": start}, "end": {"dateTime": end}, **more})
