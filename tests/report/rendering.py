"""Reports as readers see them: pages in headless Chromium, LaTeX through pdflatex. Run by `make rendering`.

Not collected with the other tests, because it needs both programs (Debian: chromium, texlive-latex-base). Where one is
missing the test fails and says so.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from report.test_pages import HOSTILE, PLANS, hostile_plan

from opcompiler.report import explain_html, explain_latex, explain_text

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail(f"none of {', '.join(names)} is installed (on Debian: apt install chromium texlive-latex-base)")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = program(*CHROMIUM)
    with sync_playwright() as playwright:
        # Without a sandbox of its own, which containers do not allow; only our own pages are opened.
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


def shown(browser: Browser, path: Path, html: str, scheme: str = "light") -> Page:
    """Open a page; anything that it would fetch, run or complain about fails the test."""
    path.write_text(html, "utf-8")
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1000, "height": 800})
    page.on("request", lambda request: pytest.fail(request.url) if request.url != path.as_uri() else None)
    page.on("console", lambda message: pytest.fail(message.text))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("name", PLANS)
def test_a_page_shows_every_section_of_the_report(browser: Browser, tmp_path: Path, name: str):
    planned = PLANS[name]
    page = shown(browser, tmp_path / "plan.html", explain_html(planned))
    headings = [line for line in explain_text(planned).splitlines() if line and not line.startswith(" ")]
    assert page.locator("h2").all_inner_texts() == headings
    for heading in page.locator("h2").all():
        assert heading.is_visible()
    body = page.inner_text("body")
    for alternative in planned.alternatives:
        assert alternative.strategy in body
        assert alternative.reason in body
    # Wide tables and drawings scroll by themselves; the page never does.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("name", ["mixed", "biharmonic", "fields", "a million coordinates"])
def test_the_names_in_the_diagram_fit_into_their_boxes(browser: Browser, tmp_path: Path, name: str):
    page = shown(browser, tmp_path / "plan.html", explain_html(PLANS[name]))
    inside = page.evaluate(
        """() => [...document.querySelectorAll('.node')].map(node => {
             const box = [...node.querySelectorAll('rect')].at(-1).getBBox();
             return [...node.querySelectorAll('text')].every(text => {
               const own = text.getBBox();
               return own.width > 0 && own.x >= box.x && own.x + own.width <= box.x + box.width;
             });
           })"""
    )
    assert len(inside) == len(PLANS[name].joint.algebra.elements)
    assert all(inside)


def test_light_and_dark_are_readable(browser: Browser, tmp_path: Path):
    html = explain_html(PLANS["biharmonic"])
    for scheme, is_dark in (("light", False), ("dark", True)):
        page = shown(browser, tmp_path / "plan.html", html, scheme)
        brightness = [
            sum(
                page.evaluate(
                    f"getComputedStyle(document.querySelector('{place}')).{what}.match(/[0-9]+/g).map(Number)"
                )
            )
            for place, what in ((".opcompiler", "backgroundColor"), (".opcompiler", "color"), (".oc text", "fill"))
        ]
        background, *inks = (total > 3 * 128 for total in brightness)
        assert background == (not is_dark)
        assert inks == [is_dark, is_dark]


def test_hostile_text_is_shown_as_it_is(browser: Browser, tmp_path: Path):
    page = shown(browser, tmp_path / "plan.html", explain_html(hostile_plan(), [HOSTILE]))
    assert page.inner_text("h1") == HOSTILE
    assert page.inner_text("code") == HOSTILE


DOCUMENT = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\begin{document}
%s
\end{document}
"""


@pytest.mark.parametrize("name", [*PLANS, "hostile"])
def test_pdflatex_takes_the_latex(tmp_path: Path, name: str):
    planned = hostile_plan() if name == "hostile" else PLANS[name]
    (tmp_path / "plan.tex").write_text(DOCUMENT % explain_latex(planned, [HOSTILE, "u_t - ν Δu"]), "utf-8")
    command = [program("pdflatex"), "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "plan.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout.decode("utf-8", "replace")[-1500:]
    assert (tmp_path / "plan.pdf").stat().st_size > 10_000
