/* Copyright: (c) 2026, essms.hardening contributors. SPDX-License-Identifier: GPL-3.0-or-later */
"use strict";
(() => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const unfold = document.getElementById("unfold");
  const folded = (text) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();
  const controls = [...document.querySelectorAll(".control")].map((element) => ({
    element,
    measure: element.parentElement.dataset.m,
    text: null,
    outcomes: [...element.querySelectorAll(".outcome")].map((outcome) => ({
      element: outcome,
      verdict: outcome.dataset.v,
      hosts: outcome.dataset.h.split(" "),
    })),
  }));
  const groups = [...document.querySelectorAll(".group")];

  const prepare = () => controls.forEach((control) => (control.text ??= folded(control.element.textContent)));

  const hostsOf = (select) => {
    const option = select && select.selectedOptions[0];
    return option && option.dataset.h !== undefined ? new Set(option.dataset.h.split(" ")) : null;
  };

  const wanted = () => ({
    words: folded(form.elements.q.value).split(/\s+/).filter(Boolean),
    measure: form.elements.m.value,
    host: hostsOf(form.elements.h),
    group: hostsOf(form.elements.g),
    verdicts: new Set([...form.querySelectorAll("[name=v]:checked")].map((box) => box.value)),
  });

  const apply = () => {
    const want = wanted();
    if (want.words.length) prepare();
    let count = 0;
    const narrowed = want.host || want.group || want.verdicts.size;
    for (const { element, measure, text, outcomes } of controls) {
      let found = !narrowed || (!outcomes.length && !want.host && !want.group && want.verdicts.has("not_verified"));
      for (const outcome of outcomes) {
        const here = (!want.verdicts.size || want.verdicts.has(outcome.verdict))
          && outcome.hosts.some((host) => (!want.host || want.host.has(host)) && (!want.group || want.group.has(host)));
        outcome.element.hidden = !here;
        found ||= here;
      }
      const visible = found && (!want.measure || want.measure === measure)
        && want.words.every((word) => text.includes(word));
      element.hidden = !visible;
      count += visible;
    }
    for (const group of groups) group.hidden = !group.querySelector(".control:not([hidden])");
    shown.textContent = count
      ? form.dataset.shown.replace("{}", count).replace("{}", controls.length)
      : form.dataset.none;
  };

  const remember = () => {
    const fields = [...new FormData(form)].filter(([, value]) => value);
    const hash = fields.length ? "#?" + new URLSearchParams(fields) : location.pathname + location.search;
    history.replaceState(null, "", hash);
  };

  const restore = () => {
    const fields = new URLSearchParams(location.hash.slice(2));
    for (const name of ["q", "m", "h", "g"]) if (form.elements[name]) form.elements[name].value = fields.get(name) ?? "";
    for (const name of ["m", "h", "g"]) {
      const select = form.elements[name];
      if (select && select.selectedIndex < 0) select.selectedIndex = 0;
    }
    const verdicts = fields.getAll("v");
    for (const box of form.querySelectorAll("[name=v]")) box.checked = verdicts.includes(box.value);
    apply();
  };

  const reveal = () => {
    if (location.hash.startsWith("#?")) return restore();
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const control = target && target.closest(".control");
    if (!control) return;
    if (control.hidden) { form.reset(); apply(); }
    control.open = true;
    // Twice: what comes into view above it only then takes its real height.
    control.scrollIntoView({ behavior: "instant" });
    requestAnimationFrame(() => control.scrollIntoView({ behavior: "instant" }));
    control.querySelector("summary").focus({ preventScroll: true });
  };

  let waiting = 0;
  const soon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => { apply(); remember(); });
  };

  form.addEventListener("input", soon);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(soon));
  const openLabel = unfold.textContent;
  unfold.addEventListener("click", () => {
    const open = unfold.textContent === openLabel;
    for (const { element } of controls) element.open = open;
    unfold.textContent = open ? unfold.dataset.close : openLabel;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select")) return;
    event.preventDefault();
    form.elements.q.focus();
  });
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const element of opened) element.open = true;
  });
  addEventListener("afterprint", () => { for (const element of opened) element.open = false; });
  addEventListener("hashchange", reveal);

  form.hidden = false;
  apply();
  reveal();
  (globalThis.requestIdleCallback ?? setTimeout)(prepare);
})();
