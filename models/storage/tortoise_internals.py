"""What Tortoise ORM does not promise to keep and is used all the same, each with its reason. Its only place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import LambdaType
from typing import Any, NamedTuple, cast

from tortoise.context import TortoiseContext
from tortoise.fields.base import Field
from tortoise.fields.relational import ForeignKeyFieldInstance, OneToOneFieldInstance
from tortoise.indexes import Index
from tortoise.models import Model
from tortoise.queryset import ValuesQuery


class ValuesStatement(NamedTuple):
    """A query as the database takes it, and by column how its values are read; what is missing comes as it is."""

    sql: str
    parameters: list[Any]
    converts: Mapping[str, Callable[[Any], Any]]


async def init_for_every_task(context: TortoiseContext, config: dict[str, Any]) -> None:
    """Opens the database for every task of the process.

    Tortoise finds its connections in a context variable, which the tasks of requests do not inherit from whoever
    opened the database: they fall back on what is global.
    """
    await context.init(config=config, _enable_global_fallback=True)


def table_name(table: type[Model]) -> str:
    """The name of a table in the database: SQL that is written by hand needs it."""
    return table._meta.db_table


def field_of(table: type[Model], column: str) -> Field[object]:
    """The field behind a column: how its values are read depends on its type. Raises KeyError."""
    return table._meta.fields_map[column]


def referred_table(table: type[Model], relation: str) -> type[Model]:
    """The table that a foreign key points at: SQL that is written by hand joins it. Raises KeyError."""
    return cast("ForeignKeyFieldInstance[Model]", table._meta.fields_map[relation]).related_model


def indexes_of(table: type[Model]) -> Iterator[tuple[Sequence[str], bool]]:
    """The columns of each index that a table asks for, primary keys aside, and whether it is unique.

    Migrations make tables anew on SQLite, and forget these.
    """
    meta = table._meta
    alone = [(name,) for name, field in meta.fields_map.items() if _is_unique(field)]
    plain = [index.fields for index in meta.indexes if isinstance(index, Index)]
    for unique, groups in ((True, [*alone, *meta.unique_together]), (False, plain)):
        for names in groups:
            yield [meta.fields_map[name].source_field or name for name in names], unique


def _is_unique(field: Field[Any]) -> bool:
    """Whether a column is unique by itself. A reference is two fields, of which one has the column."""
    return field.unique and not field.pk and not isinstance(field, OneToOneFieldInstance)


def statement_of(query: ValuesQuery[Any]) -> ValuesStatement:
    """What a query would ask. To await the query itself reads all rows at one go, however many there are."""
    query.sql()
    sql, parameters = query.query.get_parameterized_sql()
    sources: Mapping[str, str] = query._fields_for_select
    converts = {name: query.resolve_to_python_value(query.model, source) for name, source in sources.items()}
    # Tortoise has functions without a name for what stays as it is.
    return ValuesStatement(
        sql, parameters, {name: each for name, each in converts.items() if not isinstance(each, LambdaType)}
    )
