"use strict";
// The controls of a study's page: other targets, rules, seeds, levels, references and groups. What
// follows them is computed by `recomputing.js`; everything else says that it does not follow.
(() => {
  const LEVELS = [90, 95, 99];
  const KEYS = ["targets", "rule", "seeds", "level", "reference", "without"];
  const TITLE = "Choose targets, seeds, rule, confidence, reference and groups";
  const APART = "This section shows the study as published. It does not follow the controls.";
  const MARK = " † marks a mean over other seeds than the reference's: do not compare it; its difference is over the seeds that both have.";
  const POWER = / The differences of \d+ comparisons? have .*$/; // after the words on verdicts
  const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
  const { escaped } = page;
  const plain = (value) => (Number.isNaN(value) ? null : value);

  function made(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  }

  // Tables.

  function cellOf(item, isNumeric) {
    const cell = made("td", isNumeric ? { class: "n" } : {});
    const { text, number = null, bold = false } = typeof item === "string" ? { text: item } : item;
    if (bold) cell.append(made("strong", {}, ...symbols.nodes(text)));
    else symbols.into(cell, text);
    if (number !== null) cell.dataset.v = number;
    return cell;
  }

  function fill(table, { headings, text, rows }) {
    const head = headings.map((heading, place) => made("th", { scope: "col", ...(place >= text ? { class: "n" } : {}) }, ...symbols.nodes(heading)));
    table.tHead.replaceChildren(made("tr", {}, ...head));
    table.tBodies[0].replaceChildren(...rows.map((row) => made("tr", {}, ...row.map((item, place) => cellOf(item, place >= text)))));
  }

  // Figures: those of the file, with other numbers.

  const bars = (style, low, middle, high, scale) => ({
    ...style, array: high.map((end, place) => plain((end - middle[place]) * scale)),
    arrayminus: low.map((end, place) => plain((middle[place] - end) * scale)), visible: low.some((end) => !Number.isNaN(end)),
  });

  const CUT = / Intervals are cut at .* ends\./;
  const isCut = ({ domains }, bounds) => bounds && domains.some(({ cells }) => cells.some((cell) => cell.low < bounds[0] || cell.high > bounds[1]));

  function domainFigure(spec, { rows, domains }, { scale, bounds }) {
    const [least, most] = bounds || [-Infinity, Infinity];
    const upwards = [...rows].reverse(), count = domains.length;
    spec.data = domains.map(({ name, cells }, place) => {
      const style = spec.data.find((trace) => trace.name === escaped(name));
      const offset = ((place - (count - 1) / 2) * 0.7) / Math.max(count, 1);
      const of = (key) => cells.map((cell) => cell[key]);
      return {
        ...style, x: of("mean").map((value) => plain(value * scale)), y: rows.map((row) => upwards.indexOf(row) - offset),
        error_x: bars(style.error_x, of("low").map((end) => Math.max(end, least)), of("mean"), of("high").map((end) => Math.min(end, most)), scale),
        customdata: rows.map((row, index) => [escaped(row), cells[index].n]),
      };
    });
    const ticks = { tickvals: [...upwards.keys()], ticktext: upwards.map(escaped), range: [-0.6, upwards.length - 0.4] };
    Object.assign(spec.layout.yaxis, ticks);
    return 160 + Math.floor((22 * rows.length * count) / 2);
  }

  function differenceFigure(spec, compared, scale, level, isPublishedReference) {
    const others = (compared || []).filter((row) => !row.itself), upwards = [...others].reverse();
    const [dots, means, reported] = spec.data, of = (key) => upwards.map((row) => row[key]);
    const labels = upwards.map((row) => escaped(row.label)), flat = others.flatMap((row) => row.dots.map((dot) => [row, ...dot]));
    Object.assign(dots, {
      x: flat.map(([, , difference]) => difference * scale), y: flat.map(([row]) => escaped(row.label)),
      customdata: flat.map(([, seed]) => [seed]),
    });
    Object.assign(means, {
      x: of("difference").map((value) => plain(value * scale)), y: labels, name: `mean, ${level}% interval`,
      error_x: bars(means.error_x, of("low"), of("difference"), of("high"), scale),
      customdata: upwards.map((row) => [row.pairs, row.p, row.p_holm]),
    });
    spec.data = [dots, means];
    if (reported && isPublishedReference) {
      const kept = [...reported.y.keys()].filter((place) => labels.includes(reported.y[place]));
      spec.data.push({ ...reported, x: kept.map((place) => reported.x[place]), y: kept.map((place) => reported.y[place]) });
    }
    spec.layout.yaxis.categoryarray = labels;
    return 170 + 30 * others.length;
  }

  // The address: `#anchor&s1.targets=photo,street&s1.level=90`.

  const parts = () => location.hash.slice(1).split("&").filter(Boolean);
  const anchorOf = (all) => (all.length && !all[0].includes("=") ? all[0] : "");

  function study(script) {
    const article = script.closest("article"), id = article.id;
    const block = recomputing.opened(JSON.parse(script.textContent)), original = recomputing.published(block);
    let state = structuredClone(original);
    const names = {
      targets: block.targets, seeds: block.seeds.map(String), without: block.groups.map((group) => group.id),
    };
    const same = (key) => JSON.stringify(state[key]) === JSON.stringify(original[key]);
    const isPublished = () => KEYS.every(same);
    const rule = () => block.rules.find((each) => each.name === state.rule);
    const groupName = (place) => block.groups[place].label;

    // What follows, with the words and the nodes that the file has for it.

    const section = (name) => article.querySelector(`section[id="${id}-${name}"]`);
    const answer = block.answers ? section("answer") : null;
    const tables = new Map(["domains", "domains-numbers", "comparison", "family"].map((name) => (
      [name, article.querySelector(`table[data-name="${name}"]`)])).filter(([, table]) => table));
    const kept = new Map([...tables.values()].map((table) => [table, [[...table.tHead.children], [...table.tBodies[0].children]]]));
    const following = new Set([answer, ...[...tables.values()].map((table) => table.closest("section"))].filter(Boolean));
    const texts = new Map([...following].filter((each) => each !== answer)
      .flatMap((each) => [...each.querySelectorAll(":scope > p:not(.warning), figcaption")]).map((element) => [element, element.textContent]));
    const spoken = answer && answer.querySelector("p:not(.warning)");
    if (spoken) texts.set(spoken, spoken.textContent);
    const plotOf = (name) => tables.get(name)?.closest("figure")?.querySelector(".plot");
    const heights = new Map([...tables.keys()].map(plotOf).filter(Boolean).map((plot) => [plot, plot.dataset.height]));

    const notes = [];
    const noted = (text, className) => { const note = made("div", { class: className, hidden: true }, text); notes.push(note); return note; };
    for (const each of document.querySelectorAll(`#${id} section, #together-studies`)) {
      if (following.has(each)) each.querySelector("h2").after(noted("", "changed"));
      else each.querySelector("h2").after(noted(APART, "apart"));
    }
    const copies = section("domains")?.querySelector(".copy");
    if (copies) copies.before(noted("These texts hold the table as published.", "apart"));
    if (answer) answer.querySelector(".standing")?.before(noted("The warnings and this table are those of the study as published.", "apart"));

    // A sentence of the file for other settings.
    function adapted(text) {
      const level = state.level, alpha = (100 - level) / 100;
      const few = Math.ceil(Math.log2(1 / alpha) - 1e-9), pairs = statistics.fewestPairs(alpha);
      const all = `over ${wording.listed(block.targets)}`, chosen = `over ${wording.listed(state.targets.map((place) => block.targets[place]))}`;
      let made = text.replace(all, chosen);
      if (level !== 95) {
        made = made.replaceAll("95%", `${level}%`).replaceAll("at 5%", `at ${100 - level}%`).replace("at or below 0.05", `at or below ${alpha}`)
          .replace("below 6 pairs", `below ${pairs} pairs`).replace("fewer than five seeds", `fewer than ${NUMBERS[few]} seeds`);
      }
      if (!same("reference")) {
        const before = block.family ? groupName(original.reference) : block.referenceWords;
        made = made.replace(`Difference to ${before}`, `Difference to ${groupName(state.reference)}`);
      }
      if (state.rule === "oracle") made = made.replace(`at the ${block.rules[0].words}`, "at the epoch that the targets choose (oracle: an upper bound, not a result)");
      else if (!same("rule")) made = made.replace(`at the ${block.rules[0].words}`, `at the ${rule().words}`);
      return made;
    }

    function told() {
      const items = [];
      const some = (key, noun, list) => { if (!same(key)) items.push(`${noun} ${list}`); };
      some("targets", "targets", wording.listed(state.targets.map((place) => block.targets[place])));
      some("rule", "rule:", rule().words);
      some("seeds", "seeds", wording.listed(state.seeds.map((place) => String(block.seeds[place])), 20));
      some("level", "confidence", `${state.level}%`);
      some("reference", "reference:", groupName(state.reference));
      some("without", "without", wording.listed(state.without.map(groupName)));
      return items.join("; ");
    }

    // Computing and showing.

    function show(result) {
      tables.forEach((table, name) => fill(table, result.tables[name] || { headings: [], text: 0, rows: [] }));
      const scale = block.unit.scale;
      for (const [plot] of heights) {
        const isDomains = plot === plotOf("domains-numbers");
        page.show(plot, (spec) => {
          const height = isDomains ? domainFigure(spec, result.drawn, block.unit)
            : differenceFigure(spec, result.compared, scale, state.level, same("reference"));
          plot.dataset.height = Math.min(isDomains ? 1200 : 1400, height);
        });
      }
      const { bounds, sign, name } = block.unit;
      const cut = isCut(result.drawn, bounds)
        ? ` Intervals are cut at ${bounds.map((end) => wording.short(end * scale)).join(" and ")}${sign}, where ${name} ends.` : "";
      const mark = (result.compared || []).some((row) => row.elsewhere) ? MARK : "";
      texts.forEach((text, element) => {
        const end = text.includes("pairs it is infinite.") ? mark : text.includes("known more precisely") ? cut : "";
        symbols.into(element, adapted(text.replace(MARK, "").replace(CUT, "").replace(POWER, "")) + end);
      });
      if (spoken) {
        const left = block.ranges ? ["What the published answer says of the values of hyperparameters is left out."] : [];
        symbols.into(spoken, [...block.given, ...result.sentences, ...left].join(" "));
      }
    }

    function restore() {
      kept.forEach(([head, body], table) => { table.tHead.replaceChildren(...head); table.tBodies[0].replaceChildren(...body); });
      heights.forEach((height, plot) => { plot.dataset.height = height; page.show(plot, null); });
      texts.forEach((text, element) => symbols.into(element, text));
    }

    let isShown = true; // what the file holds
    function apply() {
      const started = performance.now();
      state.without = state.without.filter((place) => place !== state.reference);
      if (!isPublished()) show(recomputing.computed(block, state));
      else if (!isShown) restore();
      isShown = isPublished();
      const words = told();
      notes.forEach((note) => {
        note.hidden = isPublished();
        if (note.className !== "changed") return;
        note.replaceChildren(...symbols.nodes(`Shown for other settings than published: ${words}. `), again());
      });
      const oracle = state.rule === "oracle" ? " The oracle selects on the targets that it reports: an upper bound, not a result." : "";
      status.textContent = isPublished() ? "As published." : `Changed: ${words}.${oracle}`;
      reset.disabled = isPublished();
      panel.dataset.ms = performance.now() - started;
      mark();
      write();
    }

    function again() {
      const button = made("button", { type: "button" }, "As published");
      button.addEventListener("click", () => { state = structuredClone(original); apply(); });
      return button;
    }

    // The panel.

    const inputs = [];
    function several(key, legend, labels, isFixed = () => false) {
      const isOut = key === "without"; // these are listed by what is left out
      const boxes = labels.map((label, place) => {
        const box = made("input", { type: "checkbox" });
        box.addEventListener("change", () => {
          const chosen = new Set(state[key]);
          if (box.checked !== isOut) chosen.add(place);
          else chosen.delete(place);
          state[key] = [...chosen].sort((first, second) => first - second);
          apply();
        });
        inputs.push(() => {
          box.checked = state[key].includes(place) !== isOut;
          box.disabled = isFixed(place) || (!isOut && box.checked && state[key].length === 1);
        });
        return made("label", {}, box, " ", ...symbols.nodes(label));
      });
      return made("fieldset", {}, made("legend", {}, legend), made("div", { class: "boxes" }, ...boxes));
    }

    function one(key, label, values, labels) {
      const select = made("select", {}, ...labels.map((text, place) => made("option", { value: place }, text)));
      select.addEventListener("change", () => { state[key] = values[Number(select.value)]; apply(); });
      inputs.push(() => { select.value = values.indexOf(state[key]); });
      return made("label", { class: "one" }, label, select);
    }
    const mark = () => inputs.forEach((input) => input());

    const status = made("p", { role: "status" });
    const reset = again();
    const groups = block.groups.map((group) => group.label), places = [...groups.keys()];
    const rules = block.rules.map((each, place) => (place ? each.words : `as recorded: ${each.words}`));
    const fields = [
      several("targets", "Targets", block.targets),
      several("seeds", "Seeds", block.seeds.map(String)),
      made("div", { class: "ones" },
        one("rule", "Epoch that counts", block.rules.map((each) => each.name), rules),
        one("level", "Confidence", LEVELS, LEVELS.map((level) => `${level}%`)),
        ...(block.reference === null ? [] : [one("reference", "Compared with", places, groups)])),
      ...(groups.length > 1 ? [several("without", "Groups", groups, (place) => place === state.reference)] : []),
    ];
    const panel = made("details", { class: "controls" }, made("summary", {}, TITLE),
      ...fields, made("p", { class: "tools" }, reset), status);
    script.before(panel);

    // The address.

    function write() {
      const written = KEYS.filter((key) => !same(key)).map((key) => {
        const values = key in names ? state[key].map((place) => names[key][place])
          : [key === "reference" ? names.without[state.reference] : String(state[key])];
        return `${id}.${key}=${values.map(encodeURIComponent).join(",")}`;
      });
      const all = parts(), others = all.filter((part) => part.includes("=") && !part.startsWith(`${id}.`));
      const text = [anchorOf(all), ...others, ...written].filter(Boolean).join("&");
      if (text !== location.hash.slice(1)) history.replaceState(null, "", `#${text}`);
    }

    // Settings of the address; names that this study does not have are left out.
    function read() {
      const found = structuredClone(original);
      for (const part of parts().filter((each) => each.startsWith(`${id}.`))) {
        const [key, list = ""] = part.slice(id.length + 1).split("=");
        const values = list.split(",").filter(Boolean).map(decodeURIComponent);
        const place = (value) => (names[key] || names.without).indexOf(value);
        const known = values.map(place).filter((each) => each >= 0).sort((first, second) => first - second);
        if (key in names && (known.length || key === "without")) found[key] = known;
        else if (key === "rule" && block.rules.some((each) => each.name === values[0])) [found.rule] = values;
        else if (key === "level" && LEVELS.includes(Number(values[0]))) found.level = Number(values[0]);
        else if (key === "reference" && original.reference !== null && known.length) [found.reference] = known;
      }
      state = found;
      apply();
      if (!isPublished()) panel.open = true;
    }

    return { read, write, block };
  }

  const scripts = [...document.querySelectorAll("script.study-data")];
  for (const script of scripts.filter((each) => each.dataset.reason)) {
    const button = made("button", { type: "button", disabled: true }, TITLE);
    script.before(made("p", { class: "tools" }, button, script.dataset.reason));
  }
  const studies = scripts.filter((each) => !each.dataset.reason).map(study);
  function follow() {
    const all = parts(), anchor = anchorOf(all);
    if (all.some((part) => part.includes("="))) studies.forEach((each) => each.read());
    else studies.forEach((each) => each.write()); // a link within the page keeps the settings
    if (anchor && all.length > 1) document.getElementById(anchor)?.scrollIntoView();
  }
  studies.forEach((each) => each.read());
  window.addEventListener("hashchange", follow);
  follow();

  // What a first change would wait for is computed before it, a little at a time.
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 30));
  const steps = studies.map((each) => recomputing.ahead(each.block));
  function ahead() {
    if (steps.length && steps[0].next().done) steps.shift();
    if (steps.length) idle(ahead);
  }
  idle(ahead);
})();
