"""A headless Chromium that shows pages, and what it has to say of them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromedriver")


def missing() -> str:
    """Say what a browser would need that is not here; nothing where all is."""
    if importlib.util.find_spec("selenium") is None:
        return "no selenium: pip install 'benchbox[dev]'"
    gone = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"no {' or '.join(gone)}: apt-get install chromium chromium-driver" if gone else ""


class Browser:
    """One window; `driver` is selenium's."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def show(self, page: Path, *, width: int = 1200, dark: bool = False) -> None:
        """Open a page in a window of so many pixels."""
        call = self.driver.execute_cdp_cmd
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        call("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        call("Emulation.setDeviceMetricsOverride", size)
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(page.resolve().as_uri())

    def run(self, code: str, *given: Any) -> Any:
        """Run code in the page as the driver does, past the page's policy."""
        return self.driver.execute_script(code, *given)

    def console(self) -> list[str]:
        """Return what the console says since the page was opened."""
        return [line["message"] for line in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses asked for since the page was opened."""
        events = [json.loads(line["message"])["message"] for line in self.driver.get_log("performance")]
        return [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]

    def picture(self, file: Path, height: int = 4000) -> None:
        """Write a picture of the page, at most so many pixels of it."""
        size = self.run("return [window.innerWidth, document.documentElement.scrollHeight]")
        shown = {"width": size[0], "height": min(size[1], height), "deviceScaleFactor": 1, "mobile": size[0] < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shown)
        file.parent.mkdir(parents=True, exist_ok=True)
        assert self.driver.save_screenshot(str(file))


@contextlib.contextmanager
def started(words: Sequence[str] = ()) -> Iterator[Browser]:
    """Start the browser, and end it."""
    webdriver = importlib.import_module("selenium.webdriver")
    service = importlib.import_module("selenium.webdriver.chrome.service")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which(PROGRAMS[0])
    # Containers have no user namespaces for its sandbox, and little shared memory.
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", *words):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=service.Service(shutil.which(PROGRAMS[1])))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
