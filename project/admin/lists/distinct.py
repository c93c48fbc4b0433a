"""What values a column has, without reading a whole table."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import String, Subquery, column, func, literal, literal_column, null, select, table

from project.admin.lists.paths import Path, leads_an_index

if TYPE_CHECKING:
    from project.admin.views import ModelAdmin
    from project.web.principal import Principal

FIRST_ROWS = 10_000
"""Rows that are looked through if no index begins with the column."""

PG_STATS = table(
    "pg_stats", column("schemaname"), column("tablename"), column("attname"), schema="pg_catalog"
)


def distinct_values(view: "ModelAdmin", principal: "Principal", path: Path, size: int) -> Subquery:
    """Select up to `size` values, as `value` and `label`, of the rows that somebody may see.

    An index gives them one after the other. Without one, and for whoever does not see all rows,
    the first rows stand for all, together with the most common values that PostgreSQL knows of.
    """
    model = path.relations[-1].property.mapper.class_ if path.relations else view.model
    rows = view.references_for(principal, model)
    sees_all = rows.compare(select(model))
    source: Any = path.column.property.columns[0]
    if sees_all and leads_an_index(source):
        values = _walk(source)
    else:
        first = rows.with_only_columns(path.column.label("value")).limit(FIRST_ROWS).subquery()
        found = select(first.c.value).where(first.c.value.is_not(None))
        values = (found.union(_most_common(source)) if sees_all else found.distinct()).subquery()
    named = select(values.c.value, literal(None, String).label("label"))
    return named.where(values.c.value != "").limit(size).subquery()


def _walk(source: Any) -> Any:
    """Step from each value to the next through an index, which PostgreSQL does not do itself."""
    lowest = select(source.label("value")).where(source.is_not(None)).order_by(source).limit(1)
    start = lowest.subquery()
    steps = select(start.c.value).cte("steps", recursive=True)
    following = (
        select(source)
        .where(source > steps.c.value)
        .order_by(source)
        .limit(1)
        .correlate(steps)
        .scalar_subquery()
    )
    return steps.union_all(select(following).where(steps.c.value.is_not(null())))


def _most_common(source: Any) -> Any:
    values: Any = literal_column("most_common_vals::text::text[]")
    common = func.unnest(values, type_=String).label("value")
    return (
        select(common)
        .where(
            PG_STATS.c.tablename == source.table.name,
            PG_STATS.c.attname == source.name,
            PG_STATS.c.schemaname == (source.table.schema or func.current_schema()),
        )
        .select_from(PG_STATS)
    )
