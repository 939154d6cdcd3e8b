# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The overview in a browser: forty establishments, sorted, filtered, by keyboard, on paper, hostile names and all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.overview import Overview, Standing
from ansible_collections.essms.hardening.plugins.plugin_utils.report import printing
from ansible_collections.essms.hardening.plugins.plugin_utils.report.overview import render
from playwright.sync_api import Page, expect

from tests.pages import overview_samples, samples
from tests.pages.witness import Reports, Show, violations

pytestmark = pytest.mark.pages

ROWS = "#matrix tbody tr:visible"


def names(page: Page) -> list[str]:
    return page.locator(ROWS).evaluate_all("all => all.map(row => row.dataset.name)")


def figures(page: Page, key: str) -> list[int]:
    return page.locator(ROWS).evaluate_all(f"all => all.map(row => Number(row.dataset.{key}))")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(show: Show, overview: Reports, language: str, scheme: str) -> None:
    page = show(overview[language], color_scheme=scheme)
    assert page.locator("html").get_attribute("lang") == language
    assert violations(page) == []


def test_every_establishment_is_there_the_worst_first(show: Show, overview: Reports) -> None:
    page = show(overview["fr"])
    found = overview_samples.overview().establishments
    assert names(page) == [standing.name or standing.slug for standing in found]
    broken, worst = page.locator(ROWS).nth(0), page.locator(ROWS).nth(1)
    expect(broken.locator("th")).to_contain_text("problème")
    expect(broken.locator("td").first).to_contain_text("–")
    expect(page.locator("#problemes")).to_contain_text("fichier abîmé")
    assert found[1].last is not None
    expect(worst.locator("td").first).to_contain_text(f"{found[1].last.score.proven_percent}\xa0%")
    for measure, cell in zip(sorted(load().measures), worst.locator(".cell").all(), strict=True):
        score = found[1].last.measures.get(measure)
        assert cell.text_content() == ("" if score is None else str(score.proven_percent))
        sign = cell.locator("svg").get_attribute("aria-label")
        assert sign == ("non encore couverte par cet outil" if score is None else "à corriger")


def test_a_click_or_a_key_on_a_title_sorts(show: Show, overview: Reports) -> None:
    page = show(overview["fr"])
    page.get_by_role("button", name="Écarts prioritaires").click()
    assert figures(page, "urgent") == sorted(figures(page, "urgent"), reverse=True)
    header = page.locator("th[data-k=urgent]")
    expect(header).to_have_attribute("aria-sort", "descending")
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    assert figures(page, "urgent") == sorted(figures(page, "urgent"))
    page.locator("th[data-k=M05] button").focus()
    page.keyboard.press("Space")
    assert figures(page, "m05") == sorted(figures(page, "m05"))
    page.get_by_role("button", name="Établissement", exact=True).click()
    assert names(page)[0] == "EHPAD Exemple 01"


def test_filters_show_what_they_say(show: Show, overview: Reports) -> None:
    page = show(overview["fr"])
    found = overview_samples.overview().establishments
    page.get_by_label("dérogations à revoir").check()
    wanted = [standing.name for standing in found if standing.waivers]
    assert 0 < len(wanted) < 40
    assert names(page) == wanted
    expect(page.locator("#shown")).to_have_text(f"Établissements affichés\xa0: {len(wanted)} sur 40.")
    page.get_by_role("button", name="Tout afficher").click()
    expect(page.locator(ROWS)).to_have_count(40)
    page.locator("#f-q").fill("EXEMPLÉ 34")
    assert names(page) == ["EHPAD Exemple 34"]
    page.locator("#f-q").fill("990000034")
    assert names(page) == ["EHPAD Exemple 34"]


def test_a_name_leads_to_the_latest_report(show: Show, overview: Reports) -> None:
    page = show(overview["fr"])
    page.get_by_role("link", name="EHPAD Exemple 34").click()
    expect(page.locator("h1")).to_have_text("EHPAD Les Tilleuls")


def test_without_script_everything_is_there(show: Show, overview: Reports) -> None:
    page = show(overview["fr"], java_script_enabled=False)
    expect(page.locator(ROWS)).to_have_count(40)
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator("#matrix thead")).to_contain_text("M12")


def test_a_phone_only_scrolls_the_matrix(show: Show, overview: Reports) -> None:
    page = show(overview["fr"], viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.locator(".scroll").evaluate("it => it.scrollWidth > it.clientWidth")


def test_paper_names_the_columns_on_every_page(overview: Reports, tmp_path: Path) -> None:
    target = tmp_path / "overview.pdf"
    printing.pdf(overview["fr"], target)
    text = subprocess.run(["pdftotext", "-layout", target, "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")
    assert "Vue d’ensemble des établissements" in pages[0]
    assert "EHPAD Exemple 34" in pages[0]
    assert "M08" in pages[0]
    assert "M08" in pages[1]


def test_hostile_names_stay_text(show: Show, tmp_path: Path) -> None:
    texts = (
        "<script>window.__x = 1</script>",
        '"><img src=x onerror=window.__x=1>',
        "\u202eexe\ud800",
        "x" * 1_000_000,
    )
    standings = [
        Standing(
            slug=f"{number}-{text[:50]}",
            name=text,
            finess=text,
            waivers=[samples.waiver(text, "expired", "2026-10-31", "host", text)],
            unseen=[Sighting(text, None)],
            hosts=1,
            problem=text,
            notes=[text] * 3,
        )
        for number, text in enumerate(texts)
    ]
    links = {standing.slug: f"{standing.slug}/latest/report.html" for standing in standings}
    links[standings[0].slug] = "javascript:window.__x=1"
    file = tmp_path / "overview.html"
    html = render(Overview(samples.NOW.date(), standings), load(), "fr", links)
    file.write_bytes(html.encode("utf-8"))
    assert len(html) < 200_000
    assert "\u202e" not in html
    page = show(file)
    page.get_by_role("button", name="Établissement", exact=True).click()
    assert set(page.locator("#matrix a").evaluate_all("all => all.map(link => link.protocol)")) == {"file:"}
    assert page.evaluate("window.__x") is None
    assert page.locator("img").count() == 0
