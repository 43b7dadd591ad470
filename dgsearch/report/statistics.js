"use strict";
// Intervals and tests for few paired numbers: `dgsearch/analysis/statistics.py` and what of
// `comparison.py` and `shared_seeds.py` is asked on the page. The numbers are Python's own;
// tests/report/test_browser_statistics.py holds the two together. NaN stands for "unknown".
const statistics = (() => {
  const EXACT_PAIRS = 16, SAMPLES = 100000, BEST_PAIRS = 12, BEST_SAMPLES = 10000, ROUNDING = 1e-12, LEAST_PAIRS = 3, TIED = 1e-14;
  const MOST_TABLES = 6; // of random signs that are kept: a few hundred kilobytes each
  const MOST_BITS = 12; // of a number in such a table: the sums of so many signs stay in the cache

  const known = (values) => values.filter((value) => !Number.isNaN(value));
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const mean = (values) => (values.length ? sum(values) / values.length : NaN);

  function deviation(values) {
    if (values.length < 2) return NaN;
    const middle = mean(values);
    return Math.sqrt(sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1));
  }

  // Student's t: P(|T| <= sqrt(freedom) tan(angle)) is a finite sum for whole degrees of freedom
  // (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).
  function inside(angle, freedom) {
    const sine = Math.sin(angle), cosine = Math.cos(angle), odd = freedom % 2 === 1;
    let term = odd ? cosine : 1, series = freedom > 1 ? term : 0;
    for (let place = odd ? 3 : 2; place < freedom; place += 2) {
      term *= cosine * cosine * ((place - 1) / place);
      series += term;
    }
    return odd ? (2 / Math.PI) * (angle + sine * series) : sine * series;
  }

  const quantiles = new Map();
  // The t that |T| stays below with probability `level`.
  function tQuantile(level, freedom) {
    const key = `${level} ${freedom}`;
    if (!quantiles.has(key)) {
      let low = 0, high = Math.PI / 2;
      for (let step = 0; step < 80; step += 1) {
        const middle = (low + high) / 2;
        if (inside(middle, freedom) < level) low = middle;
        else high = middle;
      }
      quantiles.set(key, Math.sqrt(freedom) * Math.tan((low + high) / 2));
    }
    return quantiles.get(key);
  }

  // P(T <= t) of Student's t.
  const tBelow = (t, freedom) => (1 + Math.sign(t) * inside(Math.atan(Math.abs(t) / Math.sqrt(freedom)), freedom)) / 2;

  function meanInterval(values, level = 0.95) {
    const numbers = known(values), n = numbers.length;
    const middle = mean(numbers), spread = deviation(numbers);
    const half = n > 1 ? (tQuantile(level, n - 1) * spread) / Math.sqrt(n) : NaN;
    return { n, mean: middle, deviation: spread, low: middle - half, high: middle + half };
  }

  // The stream of numpy's default_rng(0): PCG64 (O'Neill 2014), eight limbs of 16 bits, the lowest first.
  const limbs = (text) => Float64Array.from(text.match(/.{4}/g).reverse(), (part) => Number.parseInt(part, 16));
  const MULTIPLIER = limbs("2360ed051fc65da44385df649fccf645");
  const INCREMENT = limbs("418ddadb3af71a82588133bc447873a9");
  const SEEDED = limbs("1aa1b5345996452d09585eb7a69561e3");

  // Bits as default_rng(0).integers(0, 2) draws them, kept eight to a byte, however many at a time:
  // the top bit of each half of a draw of 64 bits, the lower half first.
  const stream = { bits: new Uint8Array(0), count: 0, state: Float64Array.from(SEEDED), next: new Float64Array(8) };

  function step() {
    const { state, next } = stream;
    let carry = 0;
    for (let place = 0; place < 8; place += 1) {
      let total = INCREMENT[place] + carry;
      for (let own = 0; own <= place; own += 1) total += state[own] * MULTIPLIER[place - own];
      carry = Math.floor(total / 65536);
      next[place] = total - carry * 65536;
    }
    [stream.state, stream.next] = [next, state];
  }

  function drawUntil(count) {
    if (stream.bits.length * 8 < count) {
      const longer = new Uint8Array(Math.ceil(count / 8));
      longer.set(stream.bits);
      stream.bits = longer;
    }
    const { bits } = stream;
    for (; stream.count < count; stream.count += 2) {
      step();
      const { state, count: at } = stream, turned = state[7] >> 10;
      const low = (31 + turned) & 63, high = (63 + turned) & 63;
      const bit = (place) => ((state[place >> 4] ^ state[(place >> 4) + 4]) >> (place & 15)) & 1;
      bits[at >> 3] |= (bit(low) | (bit(high) << 1)) << (at & 7);
    }
  }

  // Draws some of the signs that tests of so many pairs will ask for; whether more are to come.
  function drawAhead(pairs, rows = 2000) {
    const needed = pairs > EXACT_PAIRS ? SAMPLES * pairs : 0;
    drawUntil(Math.min(stream.count + rows * pairs, needed));
    return stream.count < needed;
  }

  const packed = new Map();
  // The stream as a table of default_rng(0).integers(0, 2, size=(rows, columns)): each row as
  // `width` numbers of `each` bits.
  function randomSigns(rows, columns) {
    const key = `${rows} ${columns}`;
    if (packed.has(key)) return packed.get(key);
    drawUntil(rows * columns);
    const width = Math.ceil(columns / MOST_BITS), each = Math.ceil(columns / width);
    const bits = new Uint16Array(rows * width), source = stream.bits;
    for (let row = 0, place = 0; row < rows; row += 1) {
      for (let start = 0; start < columns; start += each, place += 1) {
        const at = row * columns + start, byte = at >> 3, count = Math.min(each, columns - start);
        const found = source[byte] | ((source[byte + 1] || 0) << 8) | ((source[byte + 2] || 0) << 16);
        bits[place] = (found >> (at & 7)) & ((1 << count) - 1);
      }
    }
    if (packed.size >= MOST_TABLES) packed.delete(packed.keys().next().value);
    packed.set(key, { bits, width, each });
    return packed.get(key);
  }

  // The signed sums of a few numbers, by the bits of their signs.
  function signedSums(numbers) {
    const sums = new Float64Array(2 ** numbers.length);
    numbers.forEach((number, place) => {
      const count = 2 ** place;
      for (let sign = 0; sign < count; sign += 1) {
        sums[count + sign] = sums[sign] - number;
        sums[sign] += number;
      }
    });
    return sums;
  }

  // Two-sided p that paired differences are centred at 0: `sign_flip_p`.
  function signFlipP(differences) {
    const numbers = known(differences), n = numbers.length;
    if (!n) return 1;
    const seen = Math.abs(sum(numbers)) - ROUNDING * sum(numbers.map(Math.abs));
    if (n <= EXACT_PAIRS) {
      let sums = Float64Array.of(numbers[0]);
      for (const number of numbers.slice(1)) {
        const longer = new Float64Array(2 * sums.length);
        for (let place = 0; place < sums.length; place += 1) {
          longer[2 * place] = sums[place] + number;
          longer[2 * place + 1] = sums[place] - number;
        }
        sums = longer;
      }
      return countBeyond(sums, seen) / sums.length;
    }
    const key = numbers.join(" ");
    if (!sampled.has(key)) {
      if (sampled.size > 5000) sampled.clear();
      sampled.set(key, sampledP(numbers, seen));
    }
    return sampled.get(key);
  }

  const sampled = new Map(); // another level of confidence changes no p
  function sampledP(numbers, seen) {
    const { bits, width, each } = randomSigns(SAMPLES, numbers.length), totals = new Float64Array(SAMPLES);
    for (let place = 0; place < width; place += 1) {
      addByBits(totals, signedSums(numbers.slice(each * place, each * (place + 1))), bits, place, width);
    }
    return (1 + countBeyond(totals, seen)) / (1 + SAMPLES);
  }

  // Loops of their own: a browser compiles them once, whatever is added.
  function addByBits(totals, sums, bits, place, width) {
    for (let row = 0, at = place; row < totals.length; row += 1, at += width) totals[row] += sums[bits[at]];
  }

  function countBeyond(totals, seen) {
    let beyond = 0;
    for (let row = 0; row < totals.length; row += 1) if (Math.abs(totals[row]) >= seen) beyond += 1;
    return beyond;
  }

  const smallestP = (pairs) => (pairs > 0 ? Math.min(1, 2 / 2 ** pairs) : 1);

  function fewestPairs(level) {
    let pairs = 1;
    while (smallestP(pairs) > level) pairs += 1;
    return pairs;
  }

  // Holm's step-down adjustment (1979); NaN stays NaN and is not counted.
  function holm(values) {
    const order = [...values.keys()].filter((place) => !Number.isNaN(values[place]));
    order.sort((first, second) => values[first] - values[second] || first - second);
    const adjusted = values.map(() => NaN);
    let largest = 0;
    order.forEach((place, rank) => {
      largest = Math.max(largest, values[place] * (order.length - rank));
      adjusted[place] = Math.min(largest, 1);
    });
    return adjusted;
  }

  // The sums of each group's numbers under every pattern of signs, as `_flips(seeds) @ numbers`.
  function flippedSums(numbers) {
    const seeds = numbers.length, groups = numbers[0].length;
    const patterns = seeds <= BEST_PAIRS ? 2 ** seeds : BEST_SAMPLES;
    const random = seeds <= BEST_PAIRS ? null : randomSigns(BEST_SAMPLES, seeds);
    const minus = (pattern, seed) => (random
      ? pattern > 0 && (random.bits[pattern * random.width + Math.floor(seed / random.each)] >> (seed % random.each)) & 1
      : (pattern >> seed) & 1);
    const sums = new Float64Array(patterns * groups);
    for (let pattern = 0; pattern < patterns; pattern += 1) {
      for (let seed = 0; seed < seeds; seed += 1) {
        const row = numbers[seed], sign = minus(pattern, seed) ? -1 : 1;
        for (let group = 0; group < groups; group += 1) sums[pattern * groups + group] += sign * row[group];
      }
    }
    return { sums, patterns };
  }

  // For each group a p against "no other group is truly better": `best_p_values`.
  // `numbers` holds one row a seed and one number a group, none missing; higher is better.
  function bestPValues(numbers) {
    if (!numbers.length) return [];
    const seeds = numbers.length, groups = numbers[0].length;
    const centred = numbers.map((row) => { const middle = mean(row); return row.map((value) => value - middle); });
    const { sums, patterns } = flippedSums(centred);
    return centred[0].map((_, group) => {
      const others = [];
      let seen = -Infinity;
      for (let other = 0; other < groups; other += 1) {
        const differences = numbers.map((row) => row[other] - row[group]);
        const size = Math.sqrt(sum(differences.map((value) => value ** 2)));
        if (!size) continue;
        others.push([other, 1 / size]);
        seen = Math.max(seen, sum(differences) / size);
      }
      if (!others.length || seen <= 0) return 1;
      const bound = seen - ROUNDING * seeds;
      let beyond = 0;
      for (let pattern = 0; pattern < patterns; pattern += 1) {
        const start = pattern * groups, own = sums[start + group];
        if (others.some(([other, scale]) => (sums[start + other] - own) * scale >= bound)) beyond += 1;
      }
      return beyond / patterns;
    });
  }

  // The seeds and groups of a table that can be compared without a gap: `shared_seeds.balanced`.
  // `columns` holds one array a group, one number a seed, NaN where it is missing.
  function balanced(columns) {
    const counts = columns.map((column) => known(column).length);
    const order = [...columns.keys()].sort((first, second) => counts[second] - counts[first] || first - second);
    let shared = [...(columns[0] || []).keys()], best = { size: 0, groups: [], seeds: [] };
    order.forEach((group, place) => {
      shared = shared.filter((seed) => !Number.isNaN(columns[group][seed]));
      const size = shared.length * (place + 1);
      if (size && size >= best.size) best = { size, groups: order.slice(0, place + 1), seeds: shared };
    });
    return { groups: [...best.groups].sort((first, second) => first - second), seeds: best.seeds };
  }

  // The group of the best mean over the shared seeds; -1 where no number is there.
  function bestColumn(columns, maximise) {
    const block = balanced(columns);
    let best = -1, record = NaN;
    for (const group of block.groups) {
      const middle = mean(block.seeds.map((seed) => columns[group][seed]));
      if (best < 0 || (maximise ? middle > record : middle < record)) [best, record] = [group, middle];
    }
    return best;
  }

  // Of one standard deviation in `factors`, by the number of pairs; null where no number is enough.
  const detectable = (paired, factors) => (
    Number.isFinite(factors[paired.n]) ? paired.deviation * factors[paired.n] : Infinity);

  // Better, worse, equivalent within the rope, or open, for each row of `compareColumns`:
  // `with_verdicts` of `analysis/equivalence.py`. `rope` is null where nothing is called equivalent.
  function verdicts(rows, rope, maximise, alpha) {
    const alike = holm(rows.map(({ p, pairs, difference, error }) => (
      rope === null || Number.isNaN(p) || pairs < LEAST_PAIRS || !(error > TIED)
        ? NaN : tBelow((Math.abs(difference) - rope) / error, pairs - 1))));
    return rows.map(({ p, p_holm: corrected, low, high, difference }, place) => {
      if (Number.isNaN(p)) return "";
      if (alike[place] <= alpha) return "equivalent";
      if (!(corrected <= alpha) || (low <= 0 && high >= 0)) return "open";
      return difference > 0 === maximise ? "better" : "worse";
    });
  }

  // Each group against one of them, paired over seeds: `compare_columns`.
  function compareColumns(columns, reference, level, factors) {
    const rows = columns.map((column, group) => {
      const own = meanInterval(column, level);
      const differences = known(column.map((value, seed) => value - columns[reference][seed]));
      const paired = meanInterval(differences, level), itself = group === reference;
      return {
        n: own.n, mean: own.mean, deviation: own.deviation, pairs: paired.n, difference: paired.mean,
        low: paired.low, high: paired.high, error: paired.deviation / Math.sqrt(paired.n), p: itself ? NaN : signFlipP(differences),
        smallest_p: itself ? NaN : smallestP(paired.n),
        detectable: itself || !(paired.deviation > TIED) ? NaN : detectable(paired, factors),
      };
    });
    holm(rows.map((row) => row.p)).forEach((p, place) => { rows[place].p_holm = p; });
    return rows;
  }

  // Which groups cannot be told from the best one, on the seeds that they share: `tied_with_best`.
  function tiedWithBest(columns, maximise, alpha) {
    const block = balanced(columns), best = bestColumn(columns, maximise);
    const sign = maximise ? 1 : -1;
    const p = bestPValues(block.seeds.map((seed) => block.groups.map((group) => sign * columns[group][seed])));
    return columns.map((column, group) => {
      const place = block.groups.indexOf(group), n = known(column).length;
      return {
        seeds: block.seeds.length, best: group === best,
        tied: best >= 0 && (group === best || (place >= 0 && p[place] > alpha)),
        elsewhere: place < 0 || n !== block.seeds.length,
      };
    });
  }

  return {
    balanced, bestColumn, bestPValues, compareColumns, drawAhead, fewestPairs, holm, known, mean, meanInterval,
    signFlipP, smallestP, sum, tQuantile, tiedWithBest, verdicts,
  };
})();
