"""The table of what is covered, as `docs/clients.md` shows it; made from the rows alone."""

from collections.abc import Iterator

from agent.catalog.rows import SYSTEMS, Catalog, ClientRow, Templates

_HEAD = """# MCP clients that are known

Made from `agent/catalog/clients/*.toml`; `python -m agent.catalog.table > docs/clients.md` writes it anew.
`<project>` is a project folder, `<config>`, `<dotconfig>` and `<editors>` stand in `agent/catalog/folders.toml`, `*` for any
characters of a name, `**` for folders a few levels deep. How sure a place is: *observed* (a real client wrote or read it),
*vendor* (documentation), *vendor-source*, *tool-source* (another tool's source), *community*, *memory* (not checked).
L, M, W: Linux, macOS, Windows.
"""


def coverage_table(catalog: Catalog) -> str:
    """Return the whole page."""
    known = [row for row in catalog.rows if row.file]
    lines = [_HEAD, f"{len(catalog.rows)} clients, {len(known)} of them with files that are read.\n"]
    for row in catalog.rows:
        lines += _section(row)
    return "\n".join(lines)


def _section(row: ClientRow) -> Iterator[str]:
    enforces = " Enforces the organisation's policy itself." if row.enforces else ""
    yield f"## {row.title} (`{row.id}`)\n"
    if row.note or enforces:
        yield f"{row.note}{enforces}".strip() + "\n"
    if row.file or row.unread:
        yield "| place | on | scope | format | shape | sure | source |"
        yield "| --- | --- | --- | --- | --- | --- | --- |"
    for file in row.file:
        form = "sqlite" if file.query else file.wrap.format if file.wrap else file.format
        shape = file.shape or file.document or ""
        yield from (
            f"| `{place}` | {on} | {file.scope} | {form} | {shape} | {file.confidence} | {_cell(file.source)} |"
            for place, on in _places(file.path)
        )
    for unread in row.unread:
        yield from (
            f"| `{place}` | {on} | | | not read | {unread.confidence} | {_cell(f'{unread.why}; {unread.source}')} |"
            for place, on in _places(unread.path)
        )
    if row.file or row.unread:
        yield ""
    if row.projects:
        places = ", ".join(f"`{place}`" for known in row.projects for place, _ in _places(known.path))
        yield f"Projects are remembered in {places}.\n"


def _places(path: Templates) -> list[tuple[str, str]]:
    """Return each template once, with the initials of the systems that have it."""
    found: dict[str, str] = {}
    for os in SYSTEMS:
        for template in path.get(os, ()):
            found[template] = found.get(template, "") + os[0].upper()
    return list(found.items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    from agent.catalog.rows import catalog

    print(coverage_table(catalog()), end="")  # noqa: T201 - a program when it is run by itself
