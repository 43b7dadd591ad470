"use strict";
// What a study's page compares, from its block of numbers and the settings that a reader chose:
// the rows of `sections/domains.py`, `sections/ablation.py` and `sections/family.py` and the
// sentences of `sentences.py`, with Python's numbers (tests/report/test_browser_controls.py).
const recomputing = (() => {
  const { known, mean, meanInterval } = statistics;
  const { countCell, general, listed, numberCell, pCell, pText, plural } = wording;
  const DASH = { text: "–", number: null };
  const MOST_COMPARED = 40;
  const range = (count) => [...Array(count).keys()];
  const alphaOf = (state) => (100 - state.level) / 100;

  // The block as it stands in the page, with its numbers looked up: NaN where none is.
  function opened(raw) {
    const looked = (places) => places.map((place) => (place < 0 ? NaN : raw.numbers[place]));
    const rules = raw.rules.map((rule) => ({
      ...rule, value: looked(rule.value), targets: rule.targets.map(looked),
    }));
    return { ...raw, rules };
  }

  const published = (block) => ({
    targets: range(block.targets.length), rule: block.rules[0].name, seeds: range(block.seeds.length),
    level: 95, reference: block.reference, without: [],
  });

  // The trials that count, each with its value, its accuracies and their mean over the targets.
  function trialsOf(block, state) {
    const rule = block.rules.find((each) => each.name === state.rule);
    const seeds = new Set(state.seeds), without = new Set(state.without), best = new Map();
    const trials = [];
    rule.trial.forEach((trial, place) => {
      const configuration = block.trials.configuration[trial], seed = block.trials.seed[trial];
      if (!seeds.has(seed) || without.has(block.configurations[configuration].group)) return;
      const accuracies = state.targets.map((target) => rule.targets[target][place]);
      const outcome = mean(accuracies), oracle = state.rule === "oracle";
      const made = { trial, configuration, seed, accuracies, outcome, value: oracle ? outcome : rule.value[place] };
      if (Number.isNaN(outcome) || Number.isNaN(made.value)) return;
      if (!oracle) trials.push(made);
      else if (!best.has(trial) || isBetter(block, outcome, best.get(trial).outcome)) best.set(trial, made);
    });
    return state.rule === "oracle" ? [...best.values()] : trials;
  }

  const isBetter = (block, value, other) => (block.maximise ? value > other : value < other);

  // One array of numbers a key, one number a seed of the settings.
  function wide(state, trials, keyOf, numberOf) {
    const place = new Map(state.seeds.map((seed, index) => [seed, index])), columns = new Map();
    for (const trial of trials) {
      const key = keyOf(trial);
      if (!columns.has(key)) columns.set(key, state.seeds.map(() => NaN));
      columns.get(key)[place.get(trial.seed)] = numberOf(trial);
    }
    return columns;
  }

  const byText = (first, second) => (first < second ? -1 : first > second ? 1 : 0);

  function bestOf(block, columns) {
    const keys = [...columns.keys()];
    return keys[statistics.bestColumn([...columns.values()], block.maximise)] ?? null;
  }

  const configurationOf = (trial) => trial.configuration;
  const valueOf = (trial) => trial.value;

  // The configuration of the best mean value over the seeds that some configurations share, as
  // `analysis/chosen.py` chooses it; with that mean, and of how many it was chosen.
  function choose(block, columns) {
    const sorted = [...columns.keys()].sort((a, b) => byText(block.configurations[a].id, block.configurations[b].id));
    const { groups, seeds } = statistics.balanced(sorted.map((key) => columns.get(key)));
    const shared = new Set(groups.map((group) => sorted[group]));
    let found = null;
    for (const [configuration, column] of columns) {
      if (!shared.has(configuration)) continue;
      const value = mean(seeds.map((seed) => column[seed]));
      if (!found || isBetter(block, value, found.value)) found = { configuration, value, of: shared.size };
    }
    return found;
  }

  // Among the design's points; where some of a search are confirmed at further seeds, one of these.
  function chosenOf(block, state, trials) {
    const alike = block.alike && new Set(block.alike);
    const points = trials.filter((trial) => block.configurations[trial.configuration].role === "point"
      && (!alike || alike.has(trial.seed)));
    let columns = wide(state, points, configurationOf, valueOf);
    const confirmed = block.confirmed ? [...columns].filter(([, column]) => known(column).length > 1) : [];
    if (confirmed.length) columns = new Map(confirmed);
    return choose(block, columns)?.configuration ?? null;
  }

  // Of a family: the configuration of each method that counts.
  function familyOf(block, state, trials) {
    const methods = new Map();
    for (const trial of trials) {
      const { method } = block.configurations[trial.configuration];
      if (!methods.has(method)) methods.set(method, []);
      methods.get(method).push(trial);
    }
    return [...methods].map(([method, own]) => ({ method, ...choose(block, wide(state, own, configurationOf, valueOf)) }));
  }

  // The rows of the table of domains, with their trials.
  function rowsShown(block, state, trials, chosen, family) {
    const counted = family && new Set(family.map((each) => each.configuration));
    const rows = new Map(), by = state.rule === "oracle" ? "the targets" : "validation";
    const add = (name, own) => {
      if (!own.length) return;
      if (!rows.has(name)) rows.set(name, []);
      rows.get(name).push(...own);
    };
    const of = (configuration) => trials.filter((trial) => trial.configuration === configuration);
    if (!family && chosen !== null && chosen !== block.centre) add(`${block.configurations[chosen].row}, chosen by ${by}`, of(chosen));
    if (!family && block.centre !== null && block.configurations[block.centre].role === "point") {
      add(`${block.configurations[block.centre].row}, at the centre`, of(block.centre));
    }
    for (const trial of trials) {
      const { role, row } = block.configurations[trial.configuration];
      if (role !== "point" && (!counted || counted.has(trial.configuration))) add(row, [trial]);
    }
    return rows;
  }

  function domains(block, state, rows, write) {
    const alpha = alphaOf(state), names = [...state.targets.map((target) => block.targets[target]), "mean of targets"];
    const numberOf = (place) => (trial) => (place < state.targets.length ? trial.accuracies[place] : trial.outcome);
    const labels = [...rows.keys()].sort(byText);
    const flat = labels.flatMap((row) => rows.get(row).map((trial) => ({ ...trial, row })));
    const perDomain = names.map((_, place) => {
      const columns = wide(state, flat, (trial) => trial.row, numberOf(place));
      const tied = statistics.tiedWithBest(labels.map((row) => columns.get(row)), block.maximise, alpha);
      return new Map(labels.map((row, index) => [row, {
        ...tied[index], ...meanInterval(rows.get(row).map(numberOf(place)), state.level / 100),
      }]));
    });
    const order = [...rows.keys()];
    const shown = ({ n, mean: middle, deviation, elsewhere }) => write.text(middle) + (elsewhere ? "†" : "")
      + (n > 1 ? ` ± ${write.text(deviation / Math.sqrt(n))}` : "");
    const table = order.map((row) => [row, countCell(perDomain[0].get(row).n), ...perDomain.map((own) => (
      { text: shown(own.get(row)), number: own.get(row).mean * block.unit.scale, bold: own.get(row).tied }))]);
    const numbers = names.flatMap((domain, place) => order.map((row) => {
      const own = perDomain[place].get(row);
      return [row, domain, countCell(own.n), write.cell(own.mean), write.cell(own.deviation), write.between(own.low, own.high)];
    }));
    return {
      domains: { headings: ["group", "n", ...names.slice(0, -1), "average"], text: 1, rows: table },
      "domains-numbers": { headings: ["group", "domain", "n", block.unit.mean, "deviation", `${state.level}% interval`], text: 2, rows: numbers },
      drawn: { rows: order, domains: names.map((name, place) => ({ name, cells: order.map((row) => perDomain[place].get(row)) })) },
    };
  }

  // Every configuration, or every method of a family, against the reference.
  function comparison(block, state, trials, family) {
    const columns = wide(state, trials, configurationOf, (trial) => trial.outcome);
    const reference = family
      ? (family.find((each) => each.method === block.groups[state.reference]?.label) || {}).configuration
      : block.groups[state.reference]?.configuration;
    if (reference === undefined || !columns.has(reference)) return null;
    let keys = [...columns.keys()];
    if (family) keys = family.map((each) => each.configuration);
    else {
      const points = keys.filter((key) => block.configurations[key].role === "point");
      const values = wide(state, trials, configurationOf, valueOf);
      const sign = block.maximise ? -1 : 1, height = new Map(points.map((key) => [key, sign * mean(known(values.get(key)))]));
      const kept = new Set([reference, ...points.sort((a, b) => height.get(a) - height.get(b)).slice(0, MOST_COMPARED)]);
      keys = keys.filter((key) => kept.has(key) || block.configurations[key].role !== "point");
    }
    const compared = statistics.compareColumns(
      keys.map((key) => columns.get(key)), keys.indexOf(reference), state.level / 100, block.factors[state.level]);
    const verdicts = statistics.verdicts(compared, block.rope, block.maximise, alphaOf(state));
    const count = known(columns.get(reference)).length;
    return keys.map((key, place) => ({
      ...compared[place], verdict: verdicts[place], configuration: key, itself: key === reference,
      elsewhere: key !== reference && (compared[place].pairs !== compared[place].n || compared[place].n !== count), role: block.configurations[key].role,
      label: family ? block.configurations[key].method : block.configurations[key].label,
      family: family && family[place],
      dots: columns.get(key).map((value, seed) => [block.seeds[state.seeds[seed]], value - columns.get(reference)[seed]])
        .filter(([, difference]) => !Number.isNaN(difference)),
    }));
  }

  // A mean, marked where it is over other seeds than those that are compared.
  function marked(row, write) {
    const cell = write.cell(row.mean);
    return { ...cell, text: cell.text + (row.elsewhere ? "†" : "") };
  }

  function differenceCells(block, row, write) {
    if (row.itself) return [{ text: "reference", number: null }, ...range(7).map(() => DASH)];
    return [
      countCell(row.pairs), write.cell(row.difference, true), write.between(row.low, row.high, true),
      pCell(row.p), pCell(row.p_holm), row.verdict, pCell(row.smallest_p), numberCell(row.detectable * block.unit.scale),
    ];
  }

  function comparisonTable(block, state, compared, write) {
    const rest = ["pairs", "difference", `${state.level}% interval`, "p", "Holm p", "verdict", "smallest p", "detectable"];
    if (!block.family) {
      // What the paper reports is a difference to its own full method.
      const isReported = compared.some((row) => row.label in block.reported) && state.reference === block.reference;
      const reported = (row) => (!isReported ? [] : row.label in block.reported ? [write.cell(block.reported[row.label], true)] : [DASH]);
      const rows = compared.map((row) => [
        row.label, countCell(row.n), marked(row, write), write.cell(row.deviation),
        ...differenceCells(block, row, write), ...reported(row)]);
      const last = isReported ? ["reported difference"] : [];
      return { headings: ["group", "n", block.unit.mean, "deviation", ...rest, ...last], text: 1, rows };
    }
    const percent = block.unit.mean.replace("mean", "");
    const rows = compared.map((row) => [
      row.label, block.configurations[row.configuration].settings, countCell(row.family.of), write.cell(row.family.value),
      countCell(row.n), marked(row, write), write.cell(row.deviation / Math.sqrt(row.n)), ...differenceCells(block, row, write)]);
    const value = state.rule === "oracle" ? "targets" : "validation";
    return { headings: ["method", "chosen configuration", "of", `${value}${percent}`, "n", block.unit.mean, "standard error", ...rest], text: 2, rows };
  }

  // The sentences of the answer.
  function sentences(block, state, trials, chosen, family, compared, write) {
    const unit = block.unit, alpha = alphaOf(state), step = unit.step ? ` ${unit.step}` : " ";
    const targets = state.targets.map((target) => block.targets[target]);
    const numbersOf = (configuration) => trials.filter((trial) => trial.configuration === configuration);
    function reached(configuration, what) {
      const found = meanInterval(numbersOf(configuration).map((trial) => trial.outcome), state.level / 100);
      const doubt = Number.isNaN(found.low) ? "" : `, ${state.level}% interval ${write.between(found.low, found.high)}`;
      return `${what} reaches ${write.text(found.mean)}${unit.sign} mean ${unit.name} over ${listed(targets)} (${plural(found.n, "seed")}${doubt}).`;
    }
    const effects = (rows, p) => [...rows].sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference)).map((row) => (
      `${row.label} ${write.signed(row.difference)}${step} (${write.between(row.low, row.high, true)}, p = ${pText(row[p])})`));
    function counted(others) {
      if (block.family) return plural(others.length, "other method");
      if (state.reference !== block.reference) return plural(others.length, "other group");
      return others.some((row) => row.role === "baseline") ? `${others.length} variants and baselines` : plural(others.length, "variant");
    }
    function outOfReach(others) {
      const pairs = Math.max(...others.map((row) => row.pairs)), least = statistics.smallestP(pairs) * others.length;
      if (least <= alpha) return "";
      return ` With ${others.length} comparisons, ${plural(pairs, "pair")} cannot bring the corrected p below `
        + `${general(Math.min(least, 1), 2)}; that takes ${statistics.fewestPairs(alpha / others.length)} seeds.`;
    }
    function variants() {
      const others = compared.filter((row) => !row.itself);
      if (!others.length) return [];
      const told = others.filter((row) => row.p_holm <= alpha), rest = others.filter((row) => !told.includes(row));
      const found = told.length
        ? [`Of ${counted(others)}, ${told.length} ${told.length === 1 ? "differs" : "differ"} from it after Holm's correction: ${listed(effects(told, "p_holm"), 5)}.`]
        : [`None of ${counted(others)} differs significantly from it after Holm's correction.${outOfReach(others)}`];
      const alone = rest.filter((row) => row.p <= alpha);
      if (alone.length) found.push(`Without the correction, p is below ${general(alpha, 2)} for: ${listed(effects(alone, "p"), 5)}.`);
      const alike = others.filter((row) => row.verdict === "equivalent").map((row) => row.label);
      if (alike.length) {
        const within = `${general(block.rope * unit.scale, 3)} ${unit.step}`.trim();
        found.push(`Practically equal to it, within ±${within} after Holm's correction: ${listed(alike)}.`);
      }
      const finite = rest.map((row) => row.detectable).filter(Number.isFinite);
      if (finite.length) {
        found.push("No significant difference does not mean equality: even one uncorrected test "
          + `would often miss true differences of up to ${write.text(Math.min(...finite))} to ${write.text(Math.max(...finite))} `
          + `${unit.step}, depending on the ${block.comparedAs}.`);
      }
      return found;
    }
    function baselines(reference, subject) {
      const own = trials.filter((trial) => trial.configuration === reference || block.configurations[trial.configuration].role === "baseline");
      const columns = wide(state, own, configurationOf, (trial) => trial.outcome);
      if (!columns.has(reference)) return [];
      return [...columns.keys()].filter((key) => key !== reference).map((key) => {
        const differences = known(columns.get(key).map((value, seed) => value - columns.get(reference)[seed]));
        const row = meanInterval(differences, state.level / 100), p = statistics.signFlipP(differences);
        const head = `${subject} is ${write.text(Math.abs(row.mean))} ${unit.step} ${row.mean < 0 ? "above" : "below"} `
          + `${block.configurations[key].method}, paired over ${plural(row.n, "seed")}`;
        if (Number.isNaN(row.low)) return `${head}; one pair gives no interval, so nothing can be concluded.`;
        const interval = `${state.level}% interval ${write.between(-row.high, -row.low, true)}, sign-flip p = ${pText(p)}`;
        const open = (row.low <= 0 && row.high >= 0) || !(p <= alpha);
        return `${head} (${interval})${open ? ": these seeds do not establish a difference." : "."}`;
      });
    }
    const asPublished = state.reference === block.reference;
    const own = compared && compared.find((row) => row.itself);
    if (block.family) {
      if (!compared) return ["The reference has no finished trial under these settings, so nothing can be compared."];
      const outcomes = wide(state, trials.filter((trial) => compared.some((row) => row.configuration === trial.configuration)), configurationOf, (trial) => trial.outcome);
      const highest = compared.find((row) => row.configuration === bestOf(block, outcomes));
      const by = state.rule === "oracle" ? "the targets" : "the validation split";
      const what = `Of ${plural(compared.length, "method")}, each at the one of ${plural(block.each, "configuration")} that ${by} chose, `
        + `${highest.label} lies ${unit.lower ? "lowest" : "highest"}; it`;
      const found = [reached(highest.configuration, what)];
      if (highest !== own) found.push(reached(own.configuration, `${own.label}, which the others are compared with,`));
      return [...found, ...variants()];
    }
    if (block.variants) {
      if (!compared) return ["The reference has no finished trial under these settings, so nothing can be compared."];
      return [reached(own.configuration, asPublished ? "The full method" : own.label), ...variants()];
    }
    const found = [];
    if (own) found.push(reached(own.configuration, asPublished ? `${block.method} at its centre` : own.label));
    if (block.crossed && chosen !== null && chosen !== (own ? own.configuration : null)) {
      const count = new Set(trials.filter((trial) => block.configurations[trial.configuration].role === "point").map(configurationOf)).size;
      const by = state.rule === "oracle" ? "the targets" : "validation";
      found.push(reached(chosen, `Of ${plural(count, "configuration")}, the one chosen by ${by} is ${block.configurations[chosen].label}; it`));
    }
    const subject = found.length > 1 ? (asPublished ? "The centre" : own.label) : "It";
    const reference = own ? own.configuration : chosen;
    return reference === null ? found : [...found, ...baselines(reference, subject)];
  }

  // Tables by name, what the figures show, and the sentences of the answer.
  function computed(block, state) {
    const write = wording.writer(block.unit), trials = trialsOf(block, state);
    const family = block.family ? familyOf(block, state, trials) : null;
    const chosen = family ? null : chosenOf(block, state, trials);
    const { drawn, ...tables } = domains(block, state, rowsShown(block, state, trials, chosen, family), write);
    const compared = comparison(block, state, trials, family);
    if (compared) tables[block.family ? "family" : "comparison"] = comparisonTable(block, state, compared, write);
    const answer = block.answers ? sentences(block, state, trials, chosen, family, compared, write) : null;
    return { tables, drawn, compared, sentences: answer };
  }

  // What the first change would wait for, in steps of a few milliseconds: the random signs, then
  // the p values of the published settings, which another level of confidence keeps.
  function* ahead(block) {
    while (statistics.drawAhead(block.seeds.length)) yield;
    const state = published(block), columns = wide(state, trialsOf(block, state), configurationOf, (trial) => trial.outcome);
    const reference = columns.get(block.groups[state.reference]?.configuration);
    for (const column of reference ? [...columns.values()].slice(0, MOST_COMPARED) : []) {
      yield;
      statistics.signFlipP(column.map((value, seed) => value - reference[seed]));
    }
    yield;
    computed(block, state);
  }

  return { ahead, computed, opened, published };
})();
