"""Rows for Google: who signed in, which calendars we follow, which option is tied to which calendar.

Owns the tables and the plain reads on them. May not call Google: that is `sync`.
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
    """One Google identity that consented: one row per (business, Google `sub`), never one per option.

    `sealed` is encrypted JSON: refresh_token, access_token. `state` is a GoogleAccountState name. `leaving_at` is when
    it was disconnected: the row stays until what we wrote to its calendars is gone, and no client sees it any more.
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
    """One calendar of an account: a choice of the drop-down, and, once an option is linked, what we follow.

    Two leases, because writing to a calendar must not wait for a long listing of it. `sync_token` belongs to
    `query_version`, `generation` marks the rows a full listing has seen. `listed` is false once the account's
    calendar list no longer has it. `..._prescribed`: Google named the pause, nothing may cut it short.

    `reroute`, when not null, says that links or their rules changed and what is blocked must be decided anew; it
    lists the options that joined or left. `sweep_allowed`: a person looked at a suspicious sweep and said yes.
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
    """Option ↔ Google: the account it signed in with and, once chosen, its calendar and blocking rule.

    The row outlives an unlink (calendar null), so that linking again keeps the earlier choices. `matchers` is a
    list of {"field": MatcherField, "value": str}.
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
    """One round trip to the consent page: single use, ten minutes. State and ticket are stored as digests."""

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
    """A push channel, stored before Google is asked for it. `token` is the channel's own secret, as a digest."""

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
    """How far requests to Google are paid for: of one Google user by `sub`, or of the whole project. Of no business.

    `paid_until` moves ahead of the clock with every request; how far ahead it may be stands in
    `sync.google_api.budget`.
    """

    scope = fields.CharField(primary_key=True, max_length=255)
    paid_until = Instant()

    class Meta:
        table = "google_budget"


async def rotate(secrets: Secrets) -> tuple[int, int]:
    """Encrypts every account's tokens anew with the first secret key: how many, and how many no key opens, which stay
    as they are. Safe while others write.

    What was veiled with an earlier key is of no use any more: those calendars are listed anew.
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
        # Compared when written: a token that was refreshed meanwhile is sealed with the first key already.
        rotated += await GoogleAccount.filter(id=row["id"], sealed=row["sealed"]).update(sealed=sealed)
    return rotated, lost
