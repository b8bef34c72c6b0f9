"""Tables for Google: accounts that signed in, their calendars, the links of options to them, sign-ins, push channels
and request budgets. `sync` and the actions read and write them.
"""

from uuid import UUID

from tortoise import fields
from tortoise.expressions import Subquery
from tortoise.indexes import Index
from tortoise.models import Model

from models.enums import EventDetail
from models.storage import db
from models.storage.columns import Instant, belongs_to, new_id
from models.storage.secrets import Secrets


class GoogleAccount(Model):
    """One Google identity that consented: one row for each (business, Google `sub`), which several options may share.

    `sealed` is encrypted JSON: refresh_token, access_token. `state` is a GoogleAccountState name. `leaving_at` is when
    staff disconnected it: from then on clients do not see it, and the row stays until our events are off its calendars.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    sub = fields.CharField(max_length=255)
    email = fields.CharField(max_length=320)
    state = fields.CharField(max_length=24)
    scopes = fields.JSONField[list[str]](default=list)
    sealed = fields.TextField()
    access_expires_at = Instant(null=True)
    refresh_lease_until = Instant(null=True)
    listed_at = Instant(null=True)
    list_due_at = Instant(null=True)
    error_code = fields.CharField(max_length=64, null=True)
    error_message = fields.TextField(null=True)
    error_at = Instant(null=True)
    leaving_at = Instant(null=True)
    created_at = Instant()

    class Meta:
        table = "google_account"
        unique_together = (("business", "sub"),)
        indexes = (Index(fields=("sub",)), Index(fields=("leaving_at",)))


class GoogleCalendar(Model):
    """One calendar of an account. Staff can choose it for an option; once an option is linked to it, we follow it.

    Pull and push have a lease each, because writing to a calendar must not wait for a long listing of it. `sync_token`
    counts only for the `query_version` it came with; `generation` marks the rows that a full listing had. `listed` is
    false once the account's calendar list no longer has it. `..._prescribed` means that Google demanded the pause, so
    nothing may cut it short.

    `reroute`, when not null, asks the next pull to recompute which options each event blocks, because links or their
    rules changed; it lists the options that were linked or unlinked. `sweep_allowed` means that a person has approved
    a listing that would delete suspiciously many events.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    account = belongs_to("GoogleAccount")
    account_id: UUID
    google_id = fields.CharField(max_length=1024)
    summary = fields.TextField()
    time_zone = fields.CharField(max_length=64)
    access_role = fields.CharField(max_length=32)
    is_primary = fields.BooleanField(default=False)
    listed = fields.BooleanField(default=True)
    unrouted_events = fields.CharField(max_length=16, default="BLOCK_ALL")

    sync_token = fields.TextField(null=True)
    query_version = fields.IntField(default=0)
    generation = fields.IntField(default=0)
    sweep_allowed = fields.BooleanField(default=False)
    reroute = fields.JSONField[list[str] | None](null=True)
    snapshot_at = Instant(null=True)
    pull_due_at = Instant(null=True)
    pull_lease = fields.UUIDField(null=True)
    pull_lease_until = Instant(null=True)
    pull_attempts = fields.IntField(default=0)
    pull_not_before = Instant(null=True)
    pull_prescribed = fields.BooleanField(default=False)
    pulled_at = Instant(null=True)
    pull_error_code = fields.CharField(max_length=64, null=True)
    pull_error_message = fields.TextField(null=True)
    pull_error_at = Instant(null=True)
    pull_action_required = fields.BooleanField(default=False)

    push_due_at = Instant(null=True)
    push_lease = fields.UUIDField(null=True)
    push_lease_until = Instant(null=True)
    push_attempts = fields.IntField(default=0)
    push_not_before = Instant(null=True)
    push_prescribed = fields.BooleanField(default=False)
    pushed_at = Instant(null=True)
    push_error_code = fields.CharField(max_length=64, null=True)
    push_error_message = fields.TextField(null=True)
    push_error_at = Instant(null=True)
    push_action_required = fields.BooleanField(default=False)

    watch_due_at = Instant(null=True)
    watch_refused_until = Instant(null=True)
    created_at = Instant()

    class Meta:
        table = "google_calendar"
        unique_together = (("account", "google_id"),)
        indexes = (Index(fields=("business_id",)), Index(fields=("pull_due_at",)), Index(fields=("push_due_at",)))


class GoogleLink(Model):
    """The tie between an option and Google: the account that signed in for it and, once chosen, its calendar and rules.

    Unlinking sets the calendar to null and keeps the row, so that linking again finds the earlier choices. `matchers`
    is a list of {"field": MatcherField, "value": str}.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option", alone=True)
    option_id: UUID
    account = belongs_to("GoogleAccount")
    account_id: UUID
    calendar = belongs_to("GoogleCalendar", null=True)
    calendar_id: UUID | None
    blocking = fields.CharField(max_length=16, default="ALL_EVENTS")
    matchers = fields.JSONField[list[dict[str, str]]](default=list)
    all_day_events = fields.CharField(max_length=16, default="AS_MARKED")
    detail = fields.CharField(max_length=16, default="FULL")
    mirror_as = fields.CharField(max_length=8, default="BUSY")
    created_at = Instant()

    class Meta:
        table = "google_link"
        indexes = (Index(fields=("calendar_id",)), Index(fields=("account_id",)))


class GoogleSignIn(Model):
    """One round trip to the consent page: single use, ten minutes. It has only digests of state and ticket."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option")
    option_id: UUID
    state_digest = fields.CharField(max_length=64, unique=True)
    verifier = fields.TextField()
    return_to = fields.TextField()
    expires_at = Instant()
    used_at = Instant(null=True)
    ticket_digest = fields.CharField(max_length=64, null=True, unique=True)
    account = belongs_to("GoogleAccount", null=True)
    account_id: UUID | None
    redeemed_at = Instant(null=True)

    class Meta:
        table = "google_sign_in"


class GoogleChannel(Model):
    """A push channel. We store it before we ask Google to open it. `token_digest` is of the channel's own secret."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    calendar = belongs_to("GoogleCalendar")
    calendar_id: UUID
    token_digest = fields.CharField(max_length=64)
    resource_id = fields.TextField(null=True)
    expires_at = Instant(null=True)
    stopping = fields.BooleanField(default=False)
    created_at = Instant()

    class Meta:
        table = "google_channel"
        indexes = (Index(fields=("calendar_id",)),)


class GoogleBudget(Model):
    """How much of Google's request quota is used up, by one Google user (`scope` is the `sub`) or by the whole project.

    Every request moves `paid_until` ahead of the clock; `sync.google_api.budget` says how far ahead it may be. The rows
    belong to no business, since Google's quota spans them.
    """

    scope = fields.CharField(primary_key=True, max_length=255)
    paid_until = Instant()

    class Meta:
        table = "google_budget"


async def rotate(secrets: Secrets) -> tuple[int, int]:
    """Encrypts every account's tokens anew with the first secret key. Returns how many, and how many no key can
    decrypt, which stay as they are. `timebok secrets rotate` calls it; other processes may write meanwhile.

    Calendars of links that store no texts are listed anew, since their keyed hashes were made with an earlier key.
    """
    sparing = GoogleLink.filter(detail=EventDetail.BUSY_ONLY, calendar_id__not_isnull=True)
    await GoogleCalendar.filter(id__in=Subquery(sparing.values("calendar_id"))).update(query_version=0)
    rotated = lost = 0
    for row in await db.select(GoogleAccount.all(), ("id", "sealed")):
        try:
            sealed = secrets.rotate(row["sealed"])
        except ValueError:
            lost += 1
            continue
        # Updates only an unchanged row: a token refreshed meanwhile is encrypted with the first key already.
        rotated += await GoogleAccount.filter(id=row["id"], sealed=row["sealed"]).update(sealed=sealed)
    return rotated, lost
