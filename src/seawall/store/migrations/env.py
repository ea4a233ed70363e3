"""Run by Alembic: takes the connection that `store.migrate` has opened and moves it forward."""

from alembic import context

from seawall.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can alter little in place; batches copy the table.
    render_as_batch=True,
    # All or nothing, also on SQLite: `store.migrate` begins a real transaction there.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
