"""Pages in a browser: both ways between fields and bytes, by keyboard, and nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pages import browser
from tests.stream_files import captured, codecs_of
from tests.test_view import PAYLOADS, RISCV, hostile, node, page_of, sections
from vmgen.stream import Stream
from vmgen.stream.compare import compare
from vmgen.stream.objections import Explanation, Objection
from vmgen.view.parts import viewed
from vmgen.view.stream import stream_page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def shown(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a page; at the end the browser has complained about nothing."""

    def opened(text: str) -> Any:
        file = tmp_path / "page.html"
        file.write_text(text)
        chromium.get(file.as_uri())
        return chromium

    chromium.get_log("browser")
    yield opened
    assert chromium.get_log("browser") == []


def pages(*streams: bytes, **more: Any) -> str:
    opened = [Stream(data, codecs_of(RISCV)) for data in streams]
    changes = list(compare(*opened)) if len(opened) == 2 else []
    made = [viewed(f"{n}.mig", one) for n, one in enumerate(opened)]
    return stream_page(made, changes, **more)


def details(driver: Any) -> dict[str, str]:
    return dict(
        driver.execute_script(
            "return [...document.querySelectorAll('#details dt')].map("
            "name => [name.textContent, name.nextSibling.textContent])"
        )
    )


def keys(driver: Any, selector: str, *text: str) -> None:
    driver.find_element("css selector", selector).send_keys(*text)


def test_a_search_leads_to_the_field_and_the_field_to_its_bytes(shown: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    driver = shown(pages(captured(RISCV)))
    keys(driver, "#query", "env.pc", Keys.ENTER)
    pc = node(sections(page_of(captured(RISCV), codecs_of(RISCV)))["cpu/0"], "env.pc")
    assert details(driver)["bytes"] == f"8 at {pc['o']:#x}"
    marked = driver.execute_script(
        "return [...document.querySelectorAll('.hex b.sel')].map(one => Number(one.dataset.at))"
    )
    assert marked == list(range(pc["o"], pc["o"] + 8))


def test_a_byte_leads_to_its_field(shown: Any) -> None:
    driver = shown(pages(captured(RISCV)))
    gpr = node(sections(page_of(captured(RISCV), codecs_of(RISCV)))["cpu/0"], "env.gpr")
    keys(driver, "#query", f"{gpr['o']:#x}", "\n")
    at = gpr["o"] + 8 * 3 + 1
    driver.find_element("css selector", f".hex b[data-at='{at}']").click()
    said = details(driver)
    assert said["field"] == "cpu/0.env.gpr[3]"
    data = captured(RISCV)[gpr["o"] + 24 : gpr["o"] + 32]
    assert int(said["value"], 0) == int.from_bytes(data, "big")
    assert said["byte"] == f"{at:#x}"


def test_the_tree_is_used_by_keyboard_and_says_where_it_is(shown: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    driver = shown(pages(captured(RISCV)))
    keys(driver, "#query", "cpu/0", "\n")
    tree = "[role=tree]"
    keys(driver, tree, Keys.ARROW_LEFT)
    first = details(driver)["field"]
    keys(driver, tree, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    active = driver.execute_script(
        "const id = document.querySelector('[role=tree]').getAttribute('aria-activedescendant');"
        "const row = document.getElementById(id);"
        "return ['role', 'aria-level', 'aria-selected', 'aria-posinset'].map(n => row.getAttribute(n))"
    )
    assert active[:3] == ["treeitem", "2", "true"]
    assert details(driver)["field"].startswith(first)
    keys(driver, tree, Keys.ARROW_LEFT)
    assert details(driver)["field"] == first
    names = driver.execute_script(
        "return [...document.querySelectorAll('[role=tree],[role=tab],[role=application],input')]"
        ".map(one => one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent)"
    )
    assert all(names)


def test_two_streams_show_both_values_and_only_what_differs(shown: Any) -> None:
    data = captured(RISCV)
    pc = node(sections(page_of(data, codecs_of(RISCV)))["cpu/0"], "env.pc")["o"]
    driver = shown(pages(data, data[: pc + 7] + b"\x77" + data[pc + 8 :]))
    driver.find_element("id", "only").click()
    rows = driver.execute_script(
        "return [...document.querySelectorAll('[role=treeitem] .name')].map(one => one.textContent)"
    )
    assert [one.strip("▸▾") for one in rows] == ["cpu/0differs"]
    keys(driver, "#query", "env.pc", "\n")
    said = details(driver)
    assert int(said["value in the new"], 0) & 0xFF == 0x77
    assert int(said["value in the old"], 0) & 0xFF == data[pc + 7]
    differs = driver.execute_script(
        "return [...document.querySelectorAll('.hex b.differs')].map(one => Number(one.dataset.at))"
    )
    assert differs == [pc + 7, pc + 7]


def test_the_guilty_field_is_selected_when_the_page_opens(shown: Any) -> None:
    one = Objection("value", "cpu/0", "env.pc", None, "no such value")
    found = Explanation("1.0", "riscv64", "virt", (one,), 3, ())
    driver = shown(pages(captured(RISCV), explanation=found))
    assert details(driver)["refused"] == "no such value [value]"
    tab = driver.find_element("css selector", "[role=tab][aria-selected=true]")
    assert tab.text == "Verdict: refused"


def test_nothing_of_a_stream_runs(shown: Any) -> None:
    """The policy would say so in the browser's log, which stays empty: nothing even tries."""
    for payload in PAYLOADS:
        with Stream(hostile(payload)) as stream:
            found = viewed(payload, stream, failure=payload)
            one = Objection("value", payload, payload, 30, payload, payload)
            verdict = Explanation("1", payload, payload, (one,), 1, (payload,))
            text = stream_page([found, found], (), verdict)
        driver = shown(text)
        for row in driver.find_elements("css selector", "[role=tab]"):
            row.click()
        keys(driver, "#query", payload if payload.isascii() else "npg", "\n")
        assert driver.execute_script("return window.ran === undefined")
        elements = driver.execute_script(
            "return [document.scripts.length, document.querySelectorAll('img,svg,b>b,a').length]"
        )
        assert elements == [2, 0], payload


def test_the_policy_stops_what_would_run(shown: Any, chromium: Any) -> None:
    """The policy itself: a page that somebody changed runs nothing new."""
    text = pages(captured(RISCV)).replace(
        "<main>",
        "<main><script>window.ran = true</script><img src='x:y' onerror='ran=1'>",
    )
    driver = shown(text)
    assert driver.execute_script("return window.ran === undefined")
    said = [one["message"] for one in chromium.get_log("browser")]
    assert any("Content Security Policy" in one for one in said)


def test_a_large_stream_keeps_the_page_small(shown: Any) -> None:
    """Rows are there while they are in sight."""
    driver = shown(pages(captured("x86_64-q35-bare--10.0.2")))
    driver.execute_script(
        "for (const one of document.querySelectorAll('[role=treeitem]')) one.click()"
    )
    count = driver.execute_script("return document.querySelectorAll('*').length")
    assert count < 5000


def test_a_phone_shows_all_of_its_width(shown: Any, chromium: Any) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver = shown(pages(captured(RISCV), captured(RISCV)))
    widths = "return [document.documentElement.scrollWidth, innerWidth]"
    assert driver.execute_script(widths) == [390, 390]
    wide = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", wide)
