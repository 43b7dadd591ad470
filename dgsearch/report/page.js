"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function themed(layout) {
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), zerolinecolor: colour("--grid"), automargin: true };
    const narrow = window.innerWidth < 700;
    const merged = {
      ...layout,
      font: { color: colour("--ink"), family: "inherit", size: 13 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: narrow ? 44 : 60, r: 12, t: 52, b: 44 },
      legend: { orientation: "h", y: -0.2, yanchor: "top" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--ink") },
      hoverlabel: { bgcolor: colour("--panel"), font: { color: colour("--ink") } },
    };
    for (const key of Object.keys(layout).concat(["xaxis", "yaxis"])) {
      if (/^[xy]axis\d*$/.test(key)) merged[key] = { ...axis, ...(layout[key] || {}) };
    }
    return merged;
  }

  const plots = [...document.querySelectorAll(".plot")].map((element) => {
    const source = element.parentElement.querySelector(".plot-data");
    return { element, ...JSON.parse(source.textContent) };
  });

  function draw() {
    for (const { element, data, layout } of plots) {
      Plotly.react(element, data, themed(layout), {
        responsive: true, displaylogo: false,
        modeBarButtonsToRemove: ["lasso2d", "select2d"],
        toImageButtonOptions: { format: "svg", filename: element.dataset.name },
      });
    }
  }

  function use(theme) {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(theme === "dark"));
    draw();
  }

  button.addEventListener("click", () => use(root.dataset.theme === "dark" ? "light" : "dark"));
  use(window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
})();
