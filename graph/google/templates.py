"""The templates of bookings in Google Calendar: the queries for them and a preview, and the mutation to save."""

from typing import Annotated

import strawberry

from graph.errors import UserError, forbidden_error, user_errors
from graph.fields.resolvers import attribute
from graph.relay.nodes import decode_id_if_given
from graph.relay.payloads import Payload, given_values, optional
from graph.request.context import Info, admin
from models.enums import Role
from models.refusals import Refused
from sync import service as door

_FIELDS = ("title_template", "description_template", "location_template")


@strawberry.type(description="A keyword that templates may use in braces, such as `{customer_name}`.")
class Placeholder:
    value: strawberry.Private[door.Placeholder]
    keyword: str = attribute("keyword", "What to write between braces.")
    label: str = attribute("label", "What to call it, in the reader's language.")
    example: str = attribute("example", "What it may become.")


@strawberry.type(description="How bookings are written into Google Calendar.")
class GoogleCalendarSettings:
    value: strawberry.Private[door.Templates]
    title_template: str = attribute("title_template", "The event's title, with placeholders.")
    description_template: str = attribute("description_template", "The event's description, with placeholders.")
    location_template: str = attribute("location_template", "The event's location, with placeholders.")

    @strawberry.field(description="The keywords that templates may use.")
    def placeholders(self) -> list[Placeholder]:
        return [Placeholder(value=each) for each in self.value.placeholders]


@strawberry.type(description="What templates make of a booking.")
class GoogleCalendarPreview:
    title: str | None = strawberry.field(description="The event's title; null when a template is wrong.", default=None)
    description: str | None = strawberry.field(description="The event's description.", default=None)
    location: str | None = strawberry.field(description="The event's location.", default=None)
    errors: list[UserError] = strawberry.field(
        description="What is wrong with the templates, each with its place.", default_factory=list
    )


@strawberry.type
class TemplateQuery:
    @strawberry.field(description="How bookings are written into Google Calendar. Admin.")
    async def google_calendar_settings(self, info: Info) -> GoogleCalendarSettings:
        found = await info.context.state.google.wording(admin(info).business_id, info.context.language)
        return GoogleCalendarSettings(value=found)

    @strawberry.field(description="What templates would make of a booking, or of an example. Admin.")
    async def google_calendar_preview(
        self,
        info: Info,
        title_template: Annotated[str, strawberry.argument(description="The title, with placeholders.")],
        description_template: Annotated[str, strawberry.argument(description="The description.")],
        location_template: Annotated[str, strawberry.argument(description="The location.")],
        booking_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="A booking to show; left out: an example.")
        ] = strawberry.UNSET,
    ) -> GoogleCalendarPreview:
        templates = dict(zip(_FIELDS, (title_template, description_template, location_template), strict=True))
        found = await info.context.state.google.preview(
            admin(info).business_id, templates, decode_id_if_given("Booking", booking_id)
        )
        if isinstance(found, Refused):
            return GoogleCalendarPreview(errors=user_errors(info, found))
        return GoogleCalendarPreview(title=found.title, description=found.description, location=found.location)


@strawberry.input(description="New texts for bookings in Google Calendar. Left out: stays; null: the default again.")
class UpdateGoogleCalendarSettingsInput:
    title_template: str | None = optional("The event's title, with placeholders.")
    description_template: str | None = optional("The event's description, with placeholders.")
    location_template: str | None = optional("The event's location, with placeholders.")


@strawberry.type(description="The settings as they are now.")
class UpdateGoogleCalendarSettingsPayload(Payload):
    settings: GoogleCalendarSettings | None = strawberry.field(
        description="The settings; null when they were refused.", default=None
    )


@strawberry.type
class TemplateMutation:
    @strawberry.mutation(description="Changes how bookings are written; all future ones are written anew. Admin.")
    async def update_google_calendar_settings(
        self,
        info: Info,
        input: Annotated[UpdateGoogleCalendarSettingsInput, strawberry.argument(description="The new texts.")],
    ) -> UpdateGoogleCalendarSettingsPayload | None:
        caller, google = info.context.caller, info.context.state.google
        if caller.role is not Role.ADMIN:
            return UpdateGoogleCalendarSettingsPayload(errors=forbidden_error(info, Role.ADMIN))
        refused = await google.save_wording(caller.business_id, given_values(input, *_FIELDS))
        if refused:
            return UpdateGoogleCalendarSettingsPayload(errors=user_errors(info, refused))
        found = await google.wording(caller.business_id, info.context.language)
        return UpdateGoogleCalendarSettingsPayload(settings=GoogleCalendarSettings(value=found))
