"""A page with something in every place, made from one text; and its elements as a browser's parser reads them."""

from __future__ import annotations

from html.parser import HTMLParser

from benchbox.page.content import Cell, Column, Command, Note, Page, Persons, Picture, Plot, Section, Table

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><g id="study-1-pareto-a"/><text>AP</text></svg>'
PNG = b"\x89PNG\r\n\x1a\n made up"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    r"\input{x} $x$",
    "=cmd()",
    "{{ 7 * 7 }}{% raw %}",
    "</style></script><!-- ]]>",
    "&lt;b&gt; &amp;amp; &#60;",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m \x07\x00 \u202eback",
    "half a pair \ud800",
    "two\nlines\ttab",
)


def table(id: str, text: str) -> Table:
    """Return a table that says one text wherever it can, beside some numbers."""
    rows = [
        [Cell(text), Cell("74.4", mark="best"), Cell("pending", title=text, verdict=text)],
        [Cell("b"), Cell("9.5 ± 0.3 (n 3)", mark="second", raised="1"), Cell("", code=text)],
        [Cell("c"), Cell("–"), Cell(text)],
    ]
    columns = [Column(text), Column("AP", number=True), Column("State")]
    return Table(id, text, columns, [rows[:2], rows[2:]], [Note(text, text), Note("a note")])


def page(text: str) -> Page:
    """Return a page that says one text in every place."""
    persons = Persons(text, [Picture([text, "OKS 1.0"], PNG), Picture([text])])
    study = Section(
        id="study-1",
        title=text,
        facts=[("Study", text), (text, "x")],
        commands=[Command(text, text)],
        tables=[table("study-1-scores", text)],
        plots=[Plot(text, SVG)],
        persons=persons,
        notes=[text],
    )
    paper = Section("paper-1", text, tables=[table("paper-1-table-1", text)])
    return Page(text, [study], [paper], [table("made-by", text)], [Command("again", text)], "0.1.0")


class Elements(HTMLParser):
    """Every element with its attributes, and the text between them, as HTML is read."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def values(self, *names: str) -> list[str]:
        """Return what stands in some attributes."""
        return [value for _, attributes in self.tags for name, value in attributes.items() if name in names]
