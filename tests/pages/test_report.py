# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in a browser: read by a director, searched by a technician, by keyboard, on a phone, on paper."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Action, Change, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.unlooked import completed
from ansible_collections.essms.hardening.plugins.plugin_utils.report import printing
from ansible_collections.essms.hardening.plugins.plugin_utils.report.page import render
from playwright.sync_api import Page, expect

from tests.pages import samples
from tests.pages.witness import Reports, Show, violations

pytestmark = pytest.mark.pages

SHOWN = ".control:visible"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(show: Show, report: Reports, language: str, scheme: str) -> None:
    page = show(report[language], color_scheme=scheme)
    assert page.locator("html").get_attribute("lang") == language
    assert violations(page) == []
    page.locator("#unfold").click()
    assert violations(page) == []


def test_the_first_page_says_where_the_establishment_stands(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    score = results.score(samples.material().document["results"])
    first = page.locator("#synthese")
    expect(page.locator("h1")).to_have_text("EHPAD Les Tilleuls")
    expect(page.locator(".facts")).to_contain_text("990000017")
    assert first.locator(".ring").get_attribute("aria-label").startswith(f"{score.proven_percent}\xa0% de conformité")
    expect(first.locator(".meaning")).to_contain_text(
        f"Sur {score.due} points de contrôle exigibles, {score.compliant}"
    )
    expect(first.locator(".share")).to_have_text(f"Part vérifiée\xa0: {score.verified_percent}\xa0%")
    expect(first.locator(".urgent li .what")).to_have_count(3)
    expect(first.locator(".measure")).to_have_count(12)
    expect(first.locator(".caution")).to_contain_text("ni certification ni attestation de conformité")


def test_every_link_of_the_contents_leads_somewhere(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    targets = page.locator("a[href^='#']").evaluate_all("all => all.map(link => link.getAttribute('href').slice(1))")
    assert {"plan", "evolution", "controles", "ecarts", "derogations", "machines", "etablissement"} <= set(targets)
    assert [target for target in targets if page.locator(f"[id='{target}']").count() != 1] == []


def test_a_measure_without_control_is_never_green(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    for measure in ("M01", "M03", "M09", "M10", "M11", "M12"):
        card = page.locator(".measure", has_text=measure)
        expect(card).to_have_class(re.compile("s-uncovered"))
        expect(card).to_contain_text("non encore couverte par cet outil")
        expect(card.locator(".bar")).to_have_count(0)


def test_the_charts_show_the_figures_of_the_tables(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    trend = samples.material().trend
    chart = page.locator(".trend[role=img]")
    expect(chart.locator("title")).to_have_text("Évolution de la conformité prouvée")
    expect(chart.locator("desc")).to_contain_text(f"{trend[0].score.proven_percent}\xa0%")
    expect(chart.locator(".dot")).to_have_count(len(trend))
    expect(chart.locator(".applied")).to_have_count(sum(point.mode == "apply" for point in trend))
    expect(chart.locator(".last")).to_have_text(f"{trend[-1].score.proven_percent}\xa0%")
    heights = [float(dot.get_attribute("cy")) for dot in chart.locator(".dot").all()]
    scale = [float(line.get_attribute("d").split()[1].split("H")[0]) for line in chart.locator(".grid").all()]
    drawn = [round(100 * (scale[0] - height) / (scale[0] - scale[-1])) for height in heights]
    assert drawn == [point.score.proven_percent for point in trend]
    page.locator("#evolution summary").click()
    told = page.locator("#evolution .figures tbody tr td:nth-child(3)").all_text_contents()
    assert told == [f"{point.score.proven_percent}\xa0%" for point in reversed(trend)]
    bars = [float(bar.get_attribute("width")) / 3.2 for bar in page.locator(".two-bars rect:not(.track)").all()]
    assert trend[-2].effect is not None
    assert [round(bar) for bar in bars] == [score.proven_percent for score in trend[-2].effect]
    expect(page.locator(".by-measure .spark")).to_have_count(6)


BROKEN = """tables => tables.flatMap(table => {
  const broken = [], walker = document.createTreeWalker(table, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());)
    for (const word of node.data.matchAll(/[\\p{L}\\p{N}_]+/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].filter(box => box.width > 0).map(box => Math.round(box.top)));
      if (lines.size > 1 && !node.parentElement.closest("code, .hidden")) broken.push(word[0]);
    }
  return broken;
})"""
"""Words of tables that stand on more than one line; the names of parameters may."""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_word_of_a_printed_table_is_broken(show: Show, report: Reports, language: str) -> None:
    page = show(report[language], viewport={"width": 688, "height": 1000})
    page.emulate_media(media="print")
    assert page.locator("table.stack").evaluate_all(BROKEN) == []
    wide = page.locator("table.stack tr > *").evaluate_all(
        "all => all.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.textContent)"
    )
    assert wide == []


def shown(page: Page) -> list[str]:
    return page.locator(SHOWN).evaluate_all("all => all.map(each => each.id)")


def controls_where(**wanted: set[str]) -> list[str]:
    found = {
        item["control"]
        for item in samples.material().document["results"]
        if all(item[k] in v for k, v in wanted.items())
    }
    return sorted(found)


def test_filters_show_what_they_say(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    everything = shown(page)
    assert len(everything) == 53
    page.get_by_label("non conforme", exact=True).check()
    failing = controls_where(verdict={verdicts.NON_COMPLIANT})
    expect(page.locator("#shown")).to_have_text(f"Contrôles affichés\xa0: {len(failing)} sur 53.")
    assert shown(page) == failing
    page.locator("#f-h").select_option("dossiers")
    failing_there = controls_where(verdict={verdicts.NON_COMPLIANT}, host={"dossiers"})
    assert 1 < len(failing_there) < len(failing)
    expect(page.locator("#shown")).to_have_text(f"Contrôles affichés\xa0: {len(failing_there)} sur 53.")
    assert shown(page) == failing_there
    page.get_by_role("button", name="Tout déplier").click()
    outcomes = page.locator(".outcome:visible")
    assert set(outcomes.evaluate_all("all => all.map(each => each.dataset.v)")) == {verdicts.NON_COMPLIANT}
    page.get_by_role("button", name="Tout afficher").click()
    expect(page.locator(SHOWN)).to_have_count(53)
    page.locator("#f-g").select_option("kiosques")
    page.get_by_label("dérogation", exact=True).check()
    expect(page.locator(SHOWN)).to_have_count(2)
    assert shown(page) == ["M07-02", "M07-05"]
    page.locator("#f-m").select_option("M02")
    expect(page.locator("#shown")).to_have_text("Aucun contrôle ne correspond à ces filtres.")


def test_search_ignores_accents_and_case(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    for words in ("clés usb", "CLES USB", "usb cle"):
        page.locator("#f-q").fill(words)
        expect(page.locator("#M06-04")).to_be_visible()
        expect(page.locator("#M08-01")).to_be_hidden()
    page.locator("#f-q").fill("zzz-introuvable")
    expect(page.locator(SHOWN)).to_have_count(0)


def test_filters_are_in_the_address(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    page.locator("#f-q").fill("pare-feu")
    page.get_by_label("non conforme", exact=True).check()
    expect(page.locator("#M02-06")).to_be_visible()
    page.wait_for_function("location.hash.includes('v=non_compliant')")
    before, address = shown(page), page.url
    again = show(report["fr"], address[address.index("#") :])
    assert shown(again) == before
    assert len(before) < 53
    expect(again.locator("#f-q")).to_have_value("pare-feu")


def test_the_keyboard_is_enough(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    outline = page.locator("#f-q").evaluate("it => getComputedStyle(it).outlineStyle")
    assert outline == "solid"
    page.keyboard.type("pare-feu")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.locator("[value=non_compliant]")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#M02-06")).to_be_visible()
    expect(page.locator("#M07-03")).to_be_hidden()
    page.locator("#M02-06 summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#M02-06 .body")).to_be_visible()


def test_a_link_to_a_control_opens_it_even_when_it_is_filtered_out(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    page.locator("#f-q").fill("sauvegarde-introuvable")
    expect(page.locator(SHOWN)).to_have_count(0)
    page.locator(".urgent .what a").first.click()
    expect(page.locator("#M02-05")).to_have_attribute("open", "")
    expect(page.locator("#M02-05 summary")).to_be_in_viewport()


def test_without_script_everything_is_there(show: Show, report: Reports) -> None:
    page = show(report["fr"], java_script_enabled=False)
    expect(page.locator(SHOWN)).to_have_count(53)
    expect(page.locator("#filters")).to_be_hidden()
    page.locator("#M02-06 summary").click()
    expect(page.locator("#M02-06 .body")).to_be_visible()


def test_a_phone_shows_it_without_sideways_scrolling(show: Show, report: Reports) -> None:
    page = show(report["fr"], viewport={"width": 320, "height": 640})
    page.locator("#unfold").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert violations(page) == []


@pytest.mark.parametrize("script", [True, False])
def test_paper_shows_everything_but_the_filters(show: Show, report: Reports, script: bool) -> None:
    page = show(report["fr"], java_script_enabled=script)
    page.emulate_media(media="print")
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator(".contents")).to_be_hidden()
    for body in page.locator(".control .body").all():
        box = body.bounding_box()
        assert box is not None
        assert box["height"] > 40


def test_the_caution_stands_on_the_first_printed_page_of_a_fleet_that_gives_trouble(tmp_path: Path) -> None:
    whole = samples.material()
    seen = [item for item in whole.document["results"] if (item["measure"], item["host"]) != ("M02", "admin-1")]
    groups = {host["name"]: host["groups"] for host in whole.document["hosts"]}
    fleet: results.Fleet = {"hosts": groups, "groups": [], "controls": sorted({item["control"] for item in seen})}
    partial = replace(whole, document=completed({**whole.document, "results": seen, "fleet": fleet}))
    page, target = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render(partial, "fr"), encoding="utf-8")
    printing.pdf(page, target)
    command = ["pdftotext", "-l", "1", "-layout", target, "-"]
    first = " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert "contrôles jamais vérifiés sur 1 machine" in first
    assert "ni certification ni attestation de conformité" in first


def test_the_pdf_has_all_pages_and_words(report: Reports, tmp_path: Path) -> None:
    target = tmp_path / "report.pdf"
    printing.pdf(report["fr"], target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert b"/Outlines" in target.read_bytes()
    assert b"/StructTreeRoot" in target.read_bytes()
    text = subprocess.run(["pdftotext", "-layout", target, "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")
    assert len(pages) > 5
    assert "Conformité prouvée" in pages[0]
    assert "M12" in pages[0]
    assert "ni certification ni attestation" in pages[0].replace("\n", " ")
    for words in ("Plan d’action", "Supports amovibles", "usage des disques et clés USB", "Comment lire ce rapport"):
        assert words in text
    assert re.search(r"\b2 / \d+", pages[1])
    assert list(tmp_path.iterdir()) == [target]


HOSTILE = (
    "<script>window.__x = 1</script>",
    "</script><script>window.__x = 1</script>",
    "\"><img src=x onerror='window.__x=1'>",
    "{{ 7 * 7 }} javascript:window.__x=1",
    "\u202eexe.tpircs\u2066",
    "lone \ud800 surrogate",
    "\x1b[31m\x00\x07",
    "x" * 1_000_000,
)


def test_hostile_values_stay_text(show: Show, tmp_path: Path) -> None:
    material = samples.material({f"h{number}-{text}": (f"g{text}",) for number, text in enumerate(HOSTILE)}, months=3)
    document = material.document
    for number, item in enumerate(document["results"]):
        text = HOSTILE[number % len(HOSTILE)]
        item["reason"] = text
        for row in item["settings"]:
            row.update(observed=text, name=text, reason=text, expected=[text, {text: [text]}])
        for value in item["parameters"].values():
            value.update(
                value=[text],
                source=text,
                layer="group",
                layer_name=text,
                deviation={"reason": text, "author": text, "date": "2026-01-01"},
            )
    for waiver, text in zip(document["waivers"], HOSTILE, strict=False):
        waiver.update(reason=text, owner=text, name=text, orphan=text)
    material = replace(
        material,
        actions=[
            Action(text, (text,) * 3, "non_compliant", text, text, text, 9, text, decided=True, overdue=True)
            for text in HOSTILE
        ],
        drift=[Change(text, text, text, text) for text in HOSTILE],
        sightings=[Sighting(text, None) for text in HOSTILE],
        trend=[*material.trend, replace(material.trend[-1], run=HOSTILE[0], mode=HOSTILE[0])],
        missing=HOSTILE[2],
        establishment={
            "contacts": [{"role": text, "mail": text} for text in HOSTILE],
            "sensitivities": [{"what": text, "why": text} for text in HOSTILE],
        },
    )
    document["identity"] = {"name": HOSTILE[1], "finess": HOSTILE[0], "category": HOSTILE[2]}
    document["establishment"] = HOSTILE[2]
    document["profile"] = HOSTILE[0]
    file = tmp_path / "hostile.html"
    html = render(material, "fr")
    file.write_bytes(html.encode("utf-8"))
    assert len(html) < 8_000_000
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "x" * 500 not in html
    page = show(file)
    page.locator("#unfold").click()
    page.locator("#f-q").fill("script")
    expect(page.locator(".control").first).to_be_visible()
    assert page.evaluate("window.__x") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert "49" not in page.locator("h1").text_content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_may_load_and_run_nothing_else(show: Show, report: Reports) -> None:
    page = show(report["fr"])
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    html = report["fr"].read_text(encoding="utf-8")
    assert not re.search(r"\s(style|on\w+)=", html)
    assert not re.search(r"(src|href)=\"(?!#|data:,)", html)
