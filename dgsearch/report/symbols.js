"use strict";
// Symbols as papers print them, for texts that scripts of the page make: `dgsearch/report/symbols.py`.
const symbols = (() => {
  const names = JSON.parse(document.documentElement.dataset.symbols);
  const found = names.length ? new RegExp(`(?<![\\p{L}\\p{N}_])(?:${names.join("|")})(?![\\p{L}\\p{N}_])`, "gu") : null;
  const parted = (name) => { const at = name.indexOf("_"); return [name.slice(0, at), name.slice(at + 1)]; };

  // Of an escaped text in a figure.
  const inFigure = (text) => (found ? text.replace(found, (name) => { const [base, low] = parted(name); return `${base}<sub>${low}</sub>`; }) : text);

  // As the nodes of a text on the page; the underscore stays in it, unseen.
  function nodes(text) {
    const made = [];
    let last = 0;
    for (const match of found ? String(text).matchAll(found) : []) {
      const [base, low] = parted(match[0]), sub = document.createElement("sub"), bare = document.createElement("span");
      bare.className = "bare";
      bare.textContent = "_";
      sub.append(bare, low);
      made.push(text.slice(last, match.index) + base, sub);
      last = match.index + match[0].length;
    }
    return [...made, String(text).slice(last)];
  }

  return { inFigure, into: (element, text) => element.replaceChildren(...nodes(text)), nodes };
})();
