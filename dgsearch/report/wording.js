"use strict";
// Numbers and names as the page writes them: `dgsearch/report/words.py` for what is computed here.
const wording = (() => {
  const DIGITS = 90; // of the decimal expansion: enough to see whether a number lies halfway

  // Python rounds what lies halfway to the even digit, JavaScript away from zero.
  function halfEven(rounded, full, kept) {
    if (!/^50*$/.test(full.slice(kept))) return rounded;
    const down = full.slice(0, kept).replace(/\.$/, "");
    return Number(down.at(-1)) % 2 ? rounded : down;
  }

  const minus = (value, text) => (value < 0 && /[1-9]/.test(text) ? `-${text}` : text); // never -0.0

  function fixed(value, digits) {
    const size = Math.abs(value), full = size.toFixed(DIGITS);
    return minus(value, halfEven(size.toFixed(digits), full, full.indexOf(".") + 1 + digits));
  }

  // As Python's format "g" writes it.
  function general(value, digits) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    const [full, power] = size.toExponential(DIGITS).split("e");
    let [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    if (exponent === power) mantissa = halfEven(mantissa, full, digits > 1 ? digits + 1 : 2);
    exponent = Number(exponent);
    const stripped = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (exponent < -4 || exponent >= digits) {
      const places = String(Math.abs(exponent)).padStart(2, "0");
      return minus(value, `${stripped(mantissa)}e${exponent < 0 ? "-" : "+"}${places}`);
    }
    return minus(value, stripped(Number(`${mantissa}e${exponent}`).toFixed(Math.max(digits - 1 - exponent, 0))));
  }

  function short(value) {
    const full = general(value, 7);
    return Number(full) === value ? full : general(value, 4);
  }

  const plus = (text) => (text.startsWith("-") ? text : `+${text}`);
  const given = (value) => value !== null && !Number.isNaN(value);

  // How the outcome of a study is written; `unit` is that of the study's numbers.
  function writer(unit) {
    const shown = (value) => value * unit.scale;
    const text = (value) => !given(value) ? "–"
      : unit.digits === null ? short(shown(value)) : fixed(shown(value), unit.digits);
    const signed = (value) => !given(value) ? "–"
      : plus(unit.digits === null ? general(shown(value), 3) : fixed(shown(value), unit.digits));
    const inside = (value) => Math.min(Math.max(value, unit.bounds[0]), unit.bounds[1]);
    function between(low, high, isSigned = false) {
      if (!given(low)) return "–";
      const ends = unit.bounds && !isSigned ? [inside(low), inside(high)] : [low, high];
      return ends.map(isSigned ? signed : text).join(" to ");
    }
    const cell = (value, isSigned = false) => ({
      text: (isSigned ? signed : text)(value), number: given(value) ? shown(value) : null,
    });
    return { text, signed, between, cell };
  }

  const pText = (value) => !given(value) ? "–" : value < 0.001 ? "< 0.001" : general(value, 2);
  const pCell = (value) => ({ text: pText(value), number: given(value) ? value : null });
  const countCell = (value) => ({ text: String(value), number: value });

  function numberCell(value) {
    if (!given(value)) return { text: "–", number: null };
    return { text: value === Infinity ? "∞" : fixed(value, 1), number: value };
  }

  const plural = (count, noun) => (count === 1 ? `${count} ${noun}` : `${count} ${noun}s`);

  function listed(items, most = 6) {
    if (items.length > most) return `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
    if (items.length < 2) return items.join("");
    return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
  }

  return { countCell, fixed, general, listed, numberCell, pCell, pText, plural, short, writer };
})();
