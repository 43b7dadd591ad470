"use strict";
// A trial in full, beside the page: from its row in the table of trials and what the page holds of
// it besides. The address names it, `#s1-trial-7`, and two that are compared, `#s1-trial-7-9`.
(() => {
  const ADDRESS = /^(s\d+)-trial-(\d+)(?:-(\d+))?$/;
  const HINT = "Choose a trial here, or its mark in a figure, to see it in full and beside another; the mark of a mean lists its trials.";
  const COLOURS = ["#6355c4", "#d55e00"];

  function made(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  const studies = new Map();
  for (const script of document.querySelectorAll("script.trials-data")) {
    const article = script.closest("article"), table = article.querySelector("table[data-name='trials']");
    if (!table) continue;
    const { trials, axis } = JSON.parse(script.textContent), rows = new Map();
    const study = { id: article.id, article, table, axis, rows, details: new Map(Object.entries(trials).map(([number, each]) => [Number(number), each])) };
    for (const row of table.tBodies[0].rows) {
      const cell = row.cells[0], number = Number(cell.textContent);
      rows.set(number, row);
      cell.replaceChildren(link(study, number, String(number)));
    }
    table.closest("section").querySelector("h2").after(made("p", { class: "hint" }, HINT));
    studies.set(article.id, study);
  }
  if (!studies.size) return;

  function link(study, number, text) {
    return made("a", { href: `#${study.id}-trial-${number}`, "data-trial": number, "aria-label": `Trial ${number} in full` }, text);
  }

  // The panel.

  const title = made("h2", { tabindex: "-1" }), body = made("div"), plot = made("div", { class: "sketch" });
  const compare = made("button", { type: "button", "aria-pressed": "false" }, "Compare");
  const close = made("button", { type: "button" }, "Close");
  const panel = made("aside", { class: "trial", "aria-label": "Trial", hidden: "" },
    title, made("p", { class: "tools" }, compare, close), body, plot);
  document.body.append(panel);

  // What is known of a trial, as rows of a name and nodes: first its row of the table.
  function known(study, number) {
    const row = study.rows.get(number), detail = study.details.get(number) || {};
    if (!row) return null;
    const headings = [...study.table.tHead.rows[0].cells];
    const found = headings.map((heading, place) => [heading, row.cells[place]]).slice(1);
    const extra = (detail.facts || []).map(([name, text]) => [made("span", {}, name), made("span", {}, ...symbols.nodes(text))]);
    return [...found, ...extra];
  }

  const copied = (element) => [...element.childNodes].map((node) => node.cloneNode(true));
  const line = (name, ...cells) => made("tr", {}, made("th", { scope: "row" }, ...copied(name)), ...cells.map((cell) => made("td", {}, ...(cell ? copied(cell) : ["–"]))));
  const table = (...rows) => made("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table: trial" }, made("table", {}, made("tbody", {}, ...rows)));

  function alone(study, number) {
    const found = known(study, number), own = study.details.get(number);
    if (!found) return [absent(number)];
    const others = own ? [...study.details].filter(([other, each]) => other !== number && each.id === own.id) : [];
    const links = others.flatMap(([other, each], place) => [place ? ", " : "", link(study, other, each.seed === null ? `trial ${other}` : `seed ${each.seed}`)]);
    const same = links.length ? [made("p", {}, "The same configuration: ", ...links, ".")] : [];
    return [table(...found.map(([name, cell]) => line(name, cell))), ...same];
  }

  function beside(study, first, second) {
    const [left, right] = [known(study, first), known(study, second)];
    if (!left || !right) return [absent(left ? second : first)];
    const names = new Map([...left, ...right].map(([name]) => [name.textContent, name]));
    const of = (list, name) => (list.find(([each]) => each.textContent === name) || [])[1];
    const equal = [], rows = [];
    for (const [text, name] of names) {
      const cells = [of(left, text), of(right, text)];
      if (cells[0]?.textContent === cells[1]?.textContent) equal.push(name);
      else rows.push(line(name, ...cells));
    }
    const head = made("tr", {}, made("td"), ...[first, second].map((number) => made("th", { scope: "col" }, link(study, number, `trial ${number}`))));
    const alike = equal.flatMap((name, place) => [place ? ", " : "", ...copied(name)]);
    return [table(head, ...rows), ...(equal.length ? [made("p", {}, "Equal: ", ...alike, ".")] : [])];
  }

  const absent = (number) => made("p", {}, `Trial ${number} is not listed on this page. All trials: dgsearch export.`);

  function sketch(study, numbers) {
    const traces = numbers.map((number, place) => ({ number, place, curve: study.details.get(number)?.curve })).filter(({ curve }) => curve?.length)
      .map(({ number, place, curve }) => ({
        x: curve.map(([epoch]) => epoch), y: curve.map(([, value]) => value), type: "scatter", mode: "lines+markers", name: `trial ${number}`,
        line: { color: COLOURS[place], dash: place ? "dash" : "solid" }, marker: { size: 4 }, hovertemplate: "%{x}: %{y:.4~g}",
      }));
    plot.hidden = !traces.length;
    if (traces.length) page.sketch(plot, traces, study.axis);
  }

  // The trials that a mean is over: [how many there are, the numbers that the page lists].
  function several(study, count, numbers) {
    const links = numbers.flatMap((number, place) => {
      const own = study.details.get(number) || {}, seed = own.seed === null || own.seed === undefined ? "" : ` (seed ${own.seed})`;
      return [place ? ", " : "", link(study, number, `trial ${number}`), seed];
    });
    const rest = count > numbers.length ? [`${numbers.length ? "and " : ""}${count - numbers.length} ${numbers.length ? "more" : "that this page does not list"}. All trials: dgsearch export`] : [];
    shown = null;
    pinned = null;
    before = document.activeElement;
    title.textContent = `The ${count} trials of this mean`;
    body.replaceChildren(made("p", {}, ...links, ...(links.length && rest.length ? [" "] : []), ...rest, "."));
    compare.hidden = true;
    plot.hidden = true;
    panel.hidden = false;
    title.focus({ preventScroll: true });
  }

  let shown = null, pinned = null, before = null;
  function render() {
    if (!shown) return;
    const { study, numbers } = shown;
    title.textContent = numbers.length > 1 ? `Trials ${numbers[0]} and ${numbers[1]}` : `Trial ${numbers[0]}`;
    body.replaceChildren(...(numbers.length > 1 ? beside(study, ...numbers) : alone(study, numbers[0])));
    if (pinned !== null) body.prepend(made("p", { role: "status" }, `Choose the trial to set beside trial ${pinned}.`));
    compare.setAttribute("aria-pressed", String(pinned !== null));
    compare.hidden = numbers.length > 1;
    panel.hidden = false;
    sketch(study, numbers);
  }

  function choose(study, number) {
    const both = pinned !== null && shown?.study === study && pinned !== number ? [pinned, number] : [number];
    pinned = null;
    const settings = location.hash.slice(1).split("&").filter((part) => part.includes("="));
    const address = `#${[`${study.id}-trial-${both.join("-")}`, ...settings].join("&")}`;
    if (location.hash === address) follow(); // shown before, and left for a mean
    else location.hash = address;
  }

  function follow() {
    const found = ADDRESS.exec(location.hash.slice(1).split("&")[0]), study = found && studies.get(found[1]);
    if (!study) { panel.hidden = true; shown = null; pinned = null; return; }
    const isNew = !shown;
    shown = { study, numbers: found.slice(2).filter(Boolean).map(Number) };
    if (isNew) before = document.activeElement;
    render();
    if (isNew) title.focus({ preventScroll: true });
  }

  function leave() {
    if (!shown) { panel.hidden = true; before?.focus?.({ preventScroll: true }); return; }
    const settings = location.hash.slice(1).split("&").filter((part) => part.includes("="));
    history.replaceState(null, "", `#${[`${shown.study.id}-trials`, ...settings].join("&")}`);
    follow();
    before?.focus?.({ preventScroll: true });
  }

  compare.addEventListener("click", () => { pinned = pinned === null ? shown.numbers[0] : null; render(); });
  close.addEventListener("click", leave);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !panel.hidden && !document.fullscreenElement) leave(); });
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("a[data-trial]");
    if (!chosen) return;
    event.preventDefault();
    choose(studies.get(/^#(s\d+)-/.exec(chosen.getAttribute("href"))[1]), Number(chosen.dataset.trial));
  });
  document.getElementById("theme").addEventListener("click", render);

  // A mark of a figure: of a trial, or of a configuration at one seed.
  function numberOf(study, { customdata, y, data: { meta } }) {
    const given = customdata === undefined ? [] : Array.isArray(customdata) || ArrayBuffer.isView(customdata) ? customdata : [customdata];
    if (meta?.trial !== undefined) return given[meta.trial] >= 0 ? Number(given[meta.trial]) : null;
    if (!meta?.seed) return null;
    const found = [...study.details].find(([, each]) => each.seed === Number(given[0]) && page.escaped(each.name) === y);
    return found ? found[0] : null;
  }

  // A mean: by its place in the trace, in a map by row and column, or by the name of its row.
  function meanOf({ customdata, y, pointNumber, data: { meta } }) {
    if (!meta?.means) return null;
    if (!meta.keys) return [].concat(pointNumber).reduce((found, place) => found?.[place], meta.means);
    const names = [y, customdata?.[0]];
    return meta.means[meta.keys.findIndex((key) => names.includes(key))];
  }

  document.addEventListener("mark", ({ target, detail }) => {
    const study = studies.get(target.closest("article")?.id);
    if (!study) return;
    const [count, numbers] = meanOf(detail) || [0, []];
    if (count > 1) return several(study, count, numbers);
    const number = count ? numbers[0] ?? null : numberOf(study, detail);
    if (number !== null) choose(study, number);
  });

  window.addEventListener("hashchange", follow);
  follow();
})();
