"""The page in a real Chromium: it sorts, its links lead somewhere, nothing leaves it, it fits a phone."""

from __future__ import annotations

import http.server
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from benchbox.cli import page_studies, report
from tests.engines import browser
from tests.engines.browser import Browser
from tests.gates import made
from tests.page.made import HOSTILE
from tests.report.made_up import spelt

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "all there"),
]
TITLE = 'Never trained <script>alert(1)</script> "><img src=x onerror=alert(2)>'
# A point of one pixel; whoever draws the persons is tested elsewhere.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)
NAMES = [text for text in HOSTILE if "\ud800" not in text]
ARMS = ["baseline", "stage 1", *NAMES]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.started() as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The whole page of a study whose names are hostile and of which some arms are done."""
    folder = tmp_path_factory.mktemp("page")
    text = made.STUDY.replace('"Never trained"', spelt(TITLE))
    for place, name in enumerate(NAMES):
        text += f"\n[[variants]]\nname = {spelt(name)}\nmodel.attend.stages = [{1 + place % 3}]\n"
        text += f"model.attend.sub_networks = [{1 + place // 3}]\n"
    (folder / "ablations").mkdir()
    (folder / "study.toml").write_text(text, encoding="utf-8")
    for error, arm in ((0.3, "baseline"), (0.4, "stage 1"), (0.1, NAMES[0]), (0.25, NAMES[1])):
        made.write(folder, made.near(error), arm=arm, seeds=[0, 1])
    (folder / "study.toml").rename(folder / "ablations/study.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BENCHBOX_CACHE", str(cache))
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.delenv("BENCHBOX_DATA", raising=False)
        patch.setattr(
            page_studies.pictures, "persons", lambda results, job, numbers, data: dict.fromkeys(numbers, PIXEL)
        )
        studies = [Path("ablations/study.toml")]
        asked = report.Asked(studies, "mrn-attention", "tiny", Path("results"), Path("report.html"), True)
        assert report.report(asked) == 0
    return folder / "report.html"


def first_cells(one: Browser, table: str, place: int = 0) -> list[str]:
    code = (
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].map(r => r.cells[arguments[1]].textContent)"
    )
    return list(one.run(code, table, place))


def heading(one: Browser, table: str, text: str) -> tuple[int, object]:
    """Return a heading's place and its button."""
    buttons = one.driver.find_elements("css selector", f"#{table} thead button")
    place = next(index for index, button in enumerate(buttons) if button.text == text)
    return place, buttons[place]


def numbers(texts: list[str]) -> list[float | None]:
    found = [re.match(r"[+-]?[\d.]+", text) for text in texts]
    return [float(one[0]) if one else None for one in found]


def is_sorted(values: list[float | None], *, down: bool) -> bool:
    """Tell whether numbers are in order and what has none comes last."""
    there = [value for value in values if value is not None]
    return there == sorted(there, reverse=down) and values[: len(there)] == there


def test_a_heading_sorts_by_click_and_by_keyboard(chromium: Browser, page: Path) -> None:
    chromium.show(page)
    before = first_cells(chromium, "study-1-scores")
    assert len(before) == len(ARMS)
    place, button = heading(chromium, "study-1-scores", "PCKh@0.5")
    orders = []
    for press in ("click", "\n", " "):
        button.click() if press == "click" else button.send_keys(press)
        values = numbers(first_cells(chromium, "study-1-scores", place))
        said = button.find_element("xpath", "..").get_attribute("aria-sort")
        orders.append((said, is_sorted(values, down=False), is_sorted(values, down=True), values.count(None)))
    waiting = len(ARMS) - 4
    assert orders[0] == ("ascending", True, False, waiting)
    assert orders[1] == ("descending", False, True, waiting)
    assert orders[2][0] is None
    assert first_cells(chromium, "study-1-scores") == before


def test_words_are_sorted_as_words_and_one_column_at_a_time(chromium: Browser, page: Path) -> None:
    chromium.show(page)
    _, state = heading(chromium, "study-1-jobs", "State")
    place, arm = heading(chromium, "study-1-jobs", "Arm")
    state.click()
    arm.click()
    names = first_cells(chromium, "study-1-jobs", place)
    code = "return [...arguments[0]].sort(new Intl.Collator('en', {numeric: true}).compare)"
    assert names == chromium.run(code, names)
    assert len(chromium.driver.find_elements("css selector", "#study-1-jobs [aria-sort]")) == 1


def test_links_stay_in_the_page_and_have_targets(chromium: Browser, page: Path) -> None:
    chromium.show(page)
    links = chromium.run("return [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert len(links) >= 6
    assert all(link.startswith("#") for link in links)
    assert chromium.run("return arguments[0].every(link => document.getElementById(link.slice(1)))", links)
    assert chromium.run("return document.querySelectorAll('form, iframe, object, link, base').length") == 0


def test_the_console_is_silent_and_nothing_is_asked_for(chromium: Browser, page: Path) -> None:
    chromium.show(page)
    for button in chromium.driver.find_elements("css selector", "#study-1-scores button"):
        button.click()
    assert chromium.run("return [...document.images].every(image => image.complete && image.naturalWidth)")
    assert {address.partition(":")[0] for address in chromium.requests()} <= {"file", "data"}
    assert chromium.console() == []


class Listener(http.server.BaseHTTPRequestHandler):
    """Counts who asks."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_even_what_would_be_smuggled_in_cannot_call_out(chromium: Browser, page: Path, tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        bad = f'<img src="{address}/WHO"/><script>document.title = "run"; fetch("{address}/script-WHO")</script>'
        text = page.read_text(encoding="utf-8").replace("</main>", bad + "</main>")
        policed, free = tmp_path / "policed.html", tmp_path / "free.html"
        policed.write_text(text.replace("WHO", "policed"), encoding="utf-8")
        free.write_text(re.sub("<meta http-equiv[^>]*>", "", text).replace("WHO", "free"), encoding="utf-8")
        titles = []
        for file in (policed, free):
            chromium.show(file)
            titles.append(chromium.driver.title)
        server.shutdown()
    assert titles[1] == "run"
    assert titles[0] != "run"
    assert any("free" in path for path in Listener.asked)
    assert not any("policed" in path for path in Listener.asked)


def test_hostile_names_are_read_as_they_were_written(chromium: Browser, page: Path) -> None:
    chromium.show(page)
    shown = set(first_cells(chromium, "study-1-scores"))
    assert {"<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', r"\input{x} $x$", "=cmd()"} <= shown
    assert chromium.run("return document.getElementById('study-1-title').textContent") == TITLE
    assert chromium.run("return document.querySelectorAll('script').length") == 1
    assert chromium.run("return document.querySelectorAll('[onerror], [onload], img[src=x]').length") == 0


def test_a_phone_scrolls_tables_not_the_page(chromium: Browser, page: Path) -> None:
    chromium.show(page, width=360)
    assert chromium.run("return [document.documentElement.scrollWidth, window.innerWidth]") == [360, 360]
    boxes = "[...document.querySelectorAll('.box')].filter(box => box.scrollWidth > box.clientWidth).length"
    assert chromium.run(f"return {boxes}") >= 1


def test_on_a_phone_plots_and_commands_are_as_wide_as_it(chromium: Browser, page: Path) -> None:
    chromium.show(page, width=360)
    wide = "[...document.querySelectorAll(arguments[0])].filter(one => one.scrollWidth > one.clientWidth).length"
    found = "document.querySelectorAll(arguments[0]).length"
    for which in ("pre", ".plot .box"):
        assert chromium.run(f"return {found}", which) >= 3
        assert chromium.run(f"return {wide}", which) == 0
    shapes = "[...document.querySelectorAll('.plot svg')].map(one => {"
    shapes += "const box = one.getBoundingClientRect(), own = one.viewBox.baseVal;"
    shapes += "return [box.width, box.width / box.height, own.width / own.height]})"
    for width, shown, drawn in chromium.run(f"return {shapes}"):
        assert 320 <= width <= 360
        assert shown == pytest.approx(drawn, rel=0.01)
    # A line ends between words, not behind the hyphens of an option; what is copied is the command.
    words = "[...document.querySelectorAll('pre span')].filter(one => one.textContent.startsWith('--'))"
    heights = chromium.run(f"return {words}.map(one => one.getBoundingClientRect().height)")
    assert heights
    assert max(heights) < 30
    copied = "const one = document.querySelector('pre'); getSelection().selectAllChildren(one); "
    copied += "return [getSelection().toString().trim(), one.textContent]"
    shown, text = chromium.run(copied)
    assert shown == text
    assert text.startswith("benchbox run ablations/study.toml ")
    # Who touches a plot gets it large, in its own frame.
    chromium.run("document.querySelector('.plot .box').focus()")
    assert chromium.run("return document.querySelector('.plot svg').getBoundingClientRect().width") == 768
    assert chromium.run(f"return {wide}", ".plot .box") == 1
    assert chromium.run("return document.documentElement.scrollWidth") == 360


def test_dark_and_light_differ(chromium: Browser, page: Path) -> None:
    colours = []
    for dark in (False, True):
        chromium.show(page, dark=dark)
        code = "const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]"
        colours.append([sum(map(int, re.findall(r"\d+", text)[:3])) for text in chromium.run(code)])
    (light_ink, light_paper), (dark_ink, dark_paper) = colours
    assert light_ink < light_paper
    assert dark_ink > dark_paper


def test_pictures_of_the_page(chromium: Browser, page: Path, tmp_path: Path) -> None:
    folder = Path(os.environ.get("BENCHBOX_ARTEFACTS") or tmp_path)
    for name, width, dark in (("desktop", 1200, False), ("dark", 1200, True), ("phone", 360, False)):
        chromium.show(page, width=width, dark=dark)
        chromium.picture(folder / f"page-{name}.png")
        content = (folder / f"page-{name}.png").read_bytes()
        assert content.startswith(b"\x89PNG")
        assert int.from_bytes(content[16:20], "big") == width
