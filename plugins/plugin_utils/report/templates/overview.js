/* Copyright: (c) 2026, essms.hardening contributors. SPDX-License-Identifier: GPL-3.0-or-later */
"use strict";
(() => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const body = document.querySelector("#matrix tbody");
  const headers = [...document.querySelectorAll("#matrix th[data-k]")];
  const folded = (text) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();
  const rows = [...body.rows].map((element) => ({ element, text: folded(element.cells[0].textContent) }));
  const has = {
    urgent: (data) => data.urgent !== "0",
    waivers: (data) => data.waivers !== "0",
    unseen: (data) => data.unseen !== "0",
    problem: (data) => "problem" in data,
  };

  const apply = () => {
    const words = folded(form.elements.q.value).split(/\s+/).filter(Boolean);
    const wanted = [...form.querySelectorAll("[name=w]:checked")].map((box) => has[box.value]);
    let count = 0;
    for (const { element, text } of rows) {
      const visible = words.every((word) => text.includes(word)) && wanted.every((test) => test(element.dataset));
      element.hidden = !visible;
      count += visible;
    }
    shown.textContent = count
      ? form.dataset.shown.replace("{}", count).replace("{}", rows.length)
      : form.dataset.none;
  };

  const textual = new Set(["name", "when"]);
  const sort = (header) => {
    const key = header.dataset.k.toLowerCase();
    // What there is to worry about comes first: low shares, high counts, old runs.
    const first = key === "name" || key === "when" || key === "score" || /^m\d/.test(key) ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = header.getAttribute("aria-sort") === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    const value = ({ element }) => element.dataset[key];
    rows.sort((one, two) => sign * (textual.has(key)
      ? value(one).localeCompare(value(two), document.documentElement.lang, { numeric: true })
      : value(one) - value(two)));
    body.append(...rows.map(({ element }) => element));
    for (const each of headers) each.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
  };

  for (const header of headers) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(header));
    header.append(button);
  }
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  form.hidden = false;
  apply();
})();
