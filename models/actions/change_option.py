"""The verb that changes an option, and records a change of the calendar entries that show it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from models import checks
from models.actions import affected_entries
from models.catalog import option, service_option
from models.catalog.option import Option
from models.enums import ChangeAction, ChangeKind
from models.log.change_log import LoggedTransaction, write
from models.refusals import Refused
from models.storage import queries


async def change_option(business_id: UUID, option_id: UUID, values: Mapping[str, Any]) -> UUID | Refused:
    """Changes the given columns of an option; `service_ids`, when given, replaces the services it offers."""
    values = checks.tidy_catalog_texts(values)
    if refusals := [
        *checks.required(values, ("name", "kind", "time_zone", "active", "service_ids")),
        *option.validate(values),
    ]:
        return Refused(refusals)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        row = {key: value for key, value in values.items() if key != "service_ids"}
        known = await queries.row(Option, business_id, option_id, {"id", *row})
        if known is None:
            return option.not_found()
        if "service_ids" in values:
            if missing := await service_option.missing("Service", business_id, values["service_ids"], "serviceIds"):
                return missing
            await service_option.replace_services(work, option_id, values["service_ids"])
        if row:
            await Option.filter(id=option_id).update(**row)
        work.record(ChangeKind.OPTION, option_id, ChangeAction.UPSERTED, [option_id])
        await affected_entries.record_for_option(work, option_id, affected_entries.changed_columns(known, row))
        return option_id

    return await write(business_id, body)
