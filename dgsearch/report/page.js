"use strict";
const page = (() => {
  const root = document.documentElement;
  const themeButton = document.getElementById("theme");
  const NARROW = 700, PAPER = 680;
  const SHEET = 860; // height of a figure that fits on one sheet with its caption
  const REST_MS = 300; // without another change of the settings
  const ROUND = 200; // height of what stands around a figure on the full screen
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const escaped = (text) => symbols.inFigure(text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"));
  const isAxis = (key) => /^[xy]axis\d*$/.test(key);

  // Figures: what the file holds, in the colours and the width of the moment.

  const plots = [...document.querySelectorAll(".plot")].map((element) => ({
    element, source: element.parentElement.querySelector(".plot-data"), drawn: false,
  }));

  function stacked(layout) {
    // Panels beside each other become panels below each other where the page is narrow.
    const numbers = Object.keys(layout).filter((key) => /^xaxis\d*$/.test(key)).map((key) => key.slice(5));
    const titles = (layout.annotations || []).filter((note) => note.xref === "paper" && note.yref === "paper" && note.yanchor === "bottom");
    const count = numbers.length, gap = 0.34 / count;
    numbers.forEach((number, place) => {
      const top = 1 - place / count, bottom = top - 1 / count + (place < count - 1 ? gap : 0);
      layout["xaxis" + number] = { ...layout["xaxis" + number], domain: [0, 1] };
      layout["yaxis" + number] = { ...layout["yaxis" + number], domain: [bottom, top] };
      if (titles[place]) Object.assign(titles[place], { x: 0.5, y: top });
    });
    return count;
  }

  // Long names of rows are broken into lines where the page is narrow. Texts are escaped already.
  const seen = (text) => text.replace(/<.*?>/g, "");
  function wrapped(text) {
    const lines = [""];
    for (const word of String(text).split(" ")) {
      const last = lines[lines.length - 1];
      if (last && seen(last).length + seen(word).length > 15) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines.length > 3 ? `${lines.slice(0, 3).join("<br>")} …` : lines.join("<br>");
  }

  function wrapRows(layout, data) {
    const axis = layout.yaxis;
    if (axis.ticktext) axis.ticktext = axis.ticktext.map(wrapped);
    else if (axis.type === "category") {
      const names = new Set(data.flatMap((trace) => (Array.isArray(trace.y) ? trace.y : [])));
      axis.tickvals = [...names];
      axis.ticktext = axis.tickvals.map(wrapped);
    }
  }

  function styled(raw, width, isPaper = false) {
    const layout = structuredClone(raw);
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), zerolinecolor: colour("--line"), automargin: true, exponentformat: "power" };
    const narrow = width < NARROW;
    const panels = narrow && !isPaper && layout.xaxis2 ? stacked(layout) : 1;
    Object.assign(layout, {
      font: { color: colour("--ink"), family: "inherit", size: narrow ? 11 : 13 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: narrow ? 44 : 60, r: 12, t: layout.annotations?.length ? 34 : 14, b: 44 },
      hoverlabel: { bgcolor: colour("--panel"), font: { color: colour("--ink") } },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    });
    for (const key of new Set([...Object.keys(layout).filter(isAxis), "xaxis", "yaxis"])) {
      layout[key] = { ...axis, ...(layout[key] || {}) };
      if (layout[key].title?.text) layout[key].title = { standoff: 6, ...layout[key].title };
      if (narrow && key[0] === "x") layout[key].nticks = layout[key].nticks || 6;
    }
    return { layout, panels };
  }

  // The legend stands below the figure, in pixels, so that it never covers an axis title.
  function arrange(layout, data, width, height) {
    const named = data.filter((trace) => trace.showlegend !== false && trace.name);
    const shown = new Set(named.map((trace) => trace.legendgroup || trace.name));
    const letters = [...shown].reduce((sum, name) => sum + seen(name).length + 7, 0);
    const rows = shown.size > 1 ? Math.ceil((letters * 7.5) / Math.max(width - 60, 200)) : 0;
    const room = (rows ? 62 : 50) + 22 * Math.min(rows, 14);
    layout.showlegend = shown.size > 1;
    layout.margin.b = room;
    const inner = Math.max(height - room - layout.margin.t, 80);
    layout.legend = { orientation: "h", x: 0, y: -52 / inner, yanchor: "top", font: { size: layout.font.size - 1 } };
  }

  function draw(plot, width = plot.element.clientWidth, isPaper = false) {
    const { element, source } = plot;
    plot.spec = plot.spec || JSON.parse(source.textContent);
    const { layout, panels } = styled(plot.spec.layout, width, isPaper);
    const declared = Number(element.dataset.height);
    const isFull = document.fullscreenElement?.contains(element);
    const usual = panels > 1 ? 120 + 260 * panels : declared;
    const fitting = isPaper ? Math.min(usual, SHEET) : usual;
    const height = isFull ? Math.max(usual, innerHeight - ROUND) : fitting;
    element.style.height = `${height}px`;
    if (width < NARROW) wrapRows(layout, plot.spec.data);
    arrange(layout, plot.spec.data, width, height);
    Object.assign(layout, { width, height });
    Plotly.react(element, plot.spec.data, layout, { displayModeBar: false, responsive: false });
    if (!plot.drawn && !plot.isHeard) listen(element);
    plot.isHeard = true;
    plot.drawn = true;
    plot.width = width;
  }

  // A mark that is chosen is told to the page (trials.js).
  function listen(element) {
    element.on("plotly_click", ({ points }) => element.dispatchEvent(new CustomEvent("mark", { bubbles: true, detail: points[0] })));
  }

  // A small figure without a place in the file.
  function sketch(element, data, [x, y]) {
    const width = element.clientWidth, height = 240;
    const { layout } = styled({ xaxis: { title: { text: escaped(x) } }, yaxis: { title: { text: escaped(y) } } }, width);
    arrange(layout, data, width, height);
    Plotly.react(element, data, { ...layout, width, height }, { displayModeBar: false, responsive: false });
  }

  // Those in view first, the others while the page is idle.
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const plot = plots.find((item) => item.element === entry.target);
      if (entry.isIntersecting && !plot.drawn) draw(plot);
    }
  }, { rootMargin: "400px" });
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 60));
  function drawRest() {
    const next = plots.find((plot) => !plot.drawn);
    if (!next) return;
    draw(next);
    idle(drawRest);
  }
  // A figure of other numbers, or that of the file again; below and above the view once readers rest.
  let resting = 0;
  function show(element, change) {
    const plot = plots.find((item) => item.element === element);
    const box = element.getBoundingClientRect(), isInView = box.bottom > 0 && box.top < innerHeight;
    plot.spec = JSON.parse(plot.source.textContent);
    if (change) change(plot.spec);
    plot.drawn = false;
    if (isInView) return draw(plot);
    clearTimeout(resting);
    resting = setTimeout(() => idle(drawRest), REST_MS);
  }
  const redraw = () => plots.filter((plot) => plot.drawn).forEach((plot) => draw(plot));

  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => plots.forEach((plot) => {
      if (plot.drawn && plot.width !== plot.element.clientWidth) draw(plot);
    }), 120);
  });

  const drawIn = (figure) => draw(plots.find((item) => item.element === figure.querySelector(".plot")));
  let isOnFullScreen = null;
  document.addEventListener("fullscreenchange", () => {
    const figure = document.fullscreenElement || isOnFullScreen;
    isOnFullScreen = document.fullscreenElement;
    if (figure) drawIn(figure);
  });

  // Light, dark, paper.

  function use(theme) {
    root.dataset.theme = theme;
    themeButton.textContent = theme === "dark" ? "Light" : "Dark";
    themeButton.setAttribute("aria-pressed", String(theme === "dark"));
    redraw();
  }
  themeButton.addEventListener("click", () => use(root.dataset.theme === "dark" ? "light" : "dark"));

  let before = null;
  window.addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    plots.forEach((plot) => draw(plot, PAPER, true));
  });
  window.addEventListener("afterprint", () => { if (before) use(before); before = null; });

  // Downloads and copies.

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 5000);
  }

  function csv(table) {
    const cell = (item) => {
      if (item.dataset.v !== undefined) return item.dataset.v;
      const text = item.textContent;
      const kept = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
      return /[",\n\r]/.test(kept) ? `"${kept.replaceAll('"', '""')}"` : kept;
    };
    return [...table.rows].map((row) => [...row.cells].map(cell).join(",")).join("\r\n") + "\r\n";
  }

  function copy(button, text) {
    const said = (word) => { const old = button.textContent; button.textContent = word; setTimeout(() => { button.textContent = old; }, 1500); };
    const pre = button.closest(".copy").querySelector("pre");
    const select = () => { getSelection().selectAllChildren(pre); said("Selected"); };
    if (!navigator.clipboard) return select();
    navigator.clipboard.writeText(text).then(() => said("Copied"), select);
  }

  async function picture(figure, format) {
    const plot = plots.find((item) => item.element === figure.querySelector(".plot"));
    if (!plot.drawn) draw(plot);
    const { element } = plot;
    const layout = { ...element.layout, paper_bgcolor: colour("--ground"), font: { ...element.layout.font, family: "Helvetica, Arial, sans-serif" } };
    const url = await Plotly.toImage({ data: plot.spec.data, layout }, {
      format, width: element.clientWidth, height: element.clientHeight, scale: format === "png" ? 2 : 1,
    });
    const [head, body] = [url.slice(0, url.indexOf(",")), url.slice(url.indexOf(",") + 1)];
    const bytes = head.includes("base64") ? Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0)) : decodeURIComponent(body);
    save(new Blob([bytes], { type: format === "png" ? "image/png" : "image/svg+xml" }), `${element.dataset.name}.${format}`);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (!button) return;
    const task = button.dataset.do, figure = button.closest("figure");
    if (task === "csv") {
      const table = button.closest("figure, .standing").querySelector("table");
      const name = figure ? figure.querySelector(".plot").dataset.name : table.dataset.name;
      save(new Blob([csv(table)], { type: "text/csv" }), `${name}.csv`);
    } else if (task === "copy") copy(button, button.closest(".copy").querySelector("pre").textContent);
    else if (task === "reset") drawIn(figure);
    else if (task === "full") document.fullscreenElement ? document.exitFullscreen() : figure.requestFullscreen();
    else picture(figure, task);
  });

  // Contents: closed on a phone, and the section in view is marked.

  const contents = document.getElementById("contents");
  const phone = matchMedia("(max-width: 60rem)");
  const fold = () => { contents.open = !phone.matches; };
  phone.addEventListener("change", fold);
  fold();
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const marker = new IntersectionObserver((entries) => {
    const shown = entries.find((entry) => entry.isIntersecting);
    if (!shown) return;
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(shown.target.id)?.setAttribute("aria-current", "true");
  }, { rootMargin: "-10% 0px -80% 0px" });
  document.querySelectorAll("section[id]").forEach((section) => marker.observe(section));

  use(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  plots.forEach((plot) => watcher.observe(plot.element));
  idle(drawRest);
  return { escaped, show, sketch };
})();
