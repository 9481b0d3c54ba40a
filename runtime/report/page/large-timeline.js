/**
 * @file Draws a timeline of very many bars on a canvas that stays in view while its sizer scrolls. With the focus on it,
 * the arrow keys go from action to action.
 */
for (const figure of document.querySelectorAll("figure.timeline")) {
  const source = figure.querySelector("script.numbers");
  if (!source) continue;
  const { unitMs, end, height, laneHeight, isStaged, groups, rows } = JSON.parse(source.textContent);
  const AXIS = 26;
  const COLOURS = 8;
  const scroller = figure.querySelector(".scroller");
  const readout = figure.querySelector(".readout");
  const sizer = document.createElement("div");
  sizer.className = "sizer";
  sizer.dataset.width = scroller.clientWidth;
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute(
    "aria-label",
    `${scroller.querySelector("svg").getAttribute("aria-label")}; arrow keys go from action to action`,
  );
  canvas.tabIndex = 0;
  sizer.append(canvas);
  scroller.replaceChildren(sizer);

  for (const row of rows) {
    let time = 0;
    row.starts = row.gaps.map((gap, at) => {
      const start = time + gap;
      time = start + row.lengths[at];
      return start;
    });
  }
  let shown = groups.map(() => true);
  let marked;
  let current;
  const keyOf = (row, at) => `${row.stages[at]}${row.phases[at]}${row.microbatches[at]}`;
  /** By group: length of every action. */
  const lengthOf = groups.map(
    (_, group) =>
      new Map(
        rows.flatMap((row) => (row.group === group ? row.lengths.map((length, at) => [keyOf(row, at), length]) : [])),
      ),
  );
  /** First bar of a row that ends at or after a time. */
  const firstAt = ({ starts, lengths }, time) => {
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] + lengths[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  /** First wait of a row whose bar is `bar` or later. */
  const firstWait = ({ waits }, bar) => {
    let [low, high] = [0, waits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (waits[middle][0] < bar) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const colour = (name) => getComputedStyle(figure).getPropertyValue(name).trim();
  const ms = (time) => {
    const number = time * unitMs;
    return number < 1000 ? `${Number(number.toPrecision(4))} ms` : `${Number((number / 1000).toPrecision(5))} s`;
  };
  const nameOf = (row, at) => `${isStaged ? row.stages[at] : ""}${row.phases[at]}${row.microbatches[at]}`;
  const hiddenAbove = (group) => groups.reduce((sum, one, at) => sum + (at < group && !shown[at] ? one.height : 0), 0);
  const topOf = (row) => row.y - hiddenAbove(row.group);
  const visibleRows = () => rows.filter(({ group }) => shown[group]);

  const draw = () => {
    const width = scroller.clientWidth;
    const high = height - groups.reduce((sum, one, at) => sum + (shown[at] ? 0 : one.height), 0);
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = high * scale;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${high}px`;
    const paper = canvas.getContext("2d");
    paper.scale(scale, scale);
    const perPx = end / sizer.clientWidth;
    const from = scroller.scrollLeft * perPx;
    const to = from + width * perPx;
    const x = (time) => (time - from) / perPx;
    const fill = { F: colour("--forward"), B: colour("--input"), I: colour("--input"), W: colour("--weight") };
    const stages = Array.from({ length: COLOURS }, (_, stage) => colour(`--s${stage}`));
    const strips = [colour("--s5"), colour("--soft"), colour("--s3")];
    const [idle, wait, handover, update] = ["--idle", "--wait", "--handover", "--update"].map(colour);
    const box = (style, start, stop, y, tall) => {
      const [left, right] = [Math.max(-1, x(start)), Math.min(width + 1, x(stop))];
      if (right <= left) return;
      paper.fillStyle = style;
      paper.fillRect(left, y, right - left, tall);
    };
    paper.font = "11px system-ui, sans-serif";
    paper.textAlign = "center";
    for (const row of visibleRows()) {
      const y = topOf(row);
      const [steady, cool, last, updated] = row.marks;
      box(idle, 0, row.span, y, laneHeight);
      box(update, row.span, updated, y, laneHeight);
      [0, steady, cool].forEach((start, at) => box(strips[at], start, [steady, cool, last][at], y + laneHeight + 2, 3));
      const first = firstAt(row, from);
      for (let at = firstWait(row, first), until = -1; at < row.waits.length; at++) {
        const [bar, waited, handed] = row.waits[at];
        const start = row.starts[bar];
        if (start - waited - handed > to) break;
        if (x(start) < until + 0.5) continue;
        until = x(start);
        box(wait, start - waited - handed, start - handed, y + 8, laneHeight - 16);
        box(handover, start - handed, start, y + 8, laneHeight - 16);
      }
      for (let at = first, drawnTo = -1; at < row.starts.length && row.starts[at] <= to; at++) {
        const left = x(row.starts[at]);
        const wide = row.lengths[at] / perPx;
        if (left + wide < drawnTo + 0.5) continue;
        drawnTo = left + wide;
        const seen = Math.max(0.5, wide - (wide > 3 ? 0.75 : 0));
        paper.globalAlpha = marked === undefined || row.stages[at] === marked ? 1 : 0.25;
        paper.fillStyle = fill[row.phases[at]];
        paper.fillRect(left, y, seen, laneHeight);
        if (isStaged) {
          paper.fillStyle = stages[row.stages[at] % COLOURS];
          paper.fillRect(left, y - 5, seen, 3);
        }
        const name = nameOf(row, at);
        const text = wide > name.length * 7 + 4 ? name : String(row.microbatches[at]);
        if (wide > text.length * 7 + 4) {
          paper.fillStyle = "#fff";
          paper.fillText(text, left + wide / 2, y + 16);
        }
        paper.globalAlpha = 1;
      }
    }
    if (current && shown[current.row.group]) {
      const { row, at } = current;
      paper.strokeStyle = colour("--ink");
      paper.lineWidth = 2;
      paper.strokeRect(x(row.starts[at]) - 1, topOf(row) - 1, row.lengths[at] / perPx + 2, laneHeight + 2);
    }
    paper.fillStyle = colour("--soft");
    const rough = (to - from) / 8;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
      const at = x(tick);
      paper.textAlign = at < 30 ? "left" : at > width - 30 ? "right" : "center";
      paper.fillText(ms(tick), at, high - AXIS + 20);
    }
    canvas.dataset.drawn = "true";
  };
  let waiting = false;
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
  const say = (row, at) => {
    current = { row, at };
    const start = row.starts[at];
    const other = groups.length === 2 ? 1 - row.group : undefined;
    const elsewhere = other === undefined ? "" : `; ${groups[other].title}: ${ms(lengthOf[other].get(keyOf(row, at)))}`;
    readout.textContent = `${nameOf(row, at)}, stage ${row.stages[at]}, ${groups[row.group].title}: ${ms(start)} to ${ms(start + row.lengths[at])}, takes ${ms(row.lengths[at])}${elsewhere}`;
    redraw();
  };
  const barAt = ({ offsetX, offsetY }) => {
    const row = visibleRows().find((one) => offsetY >= topOf(one) && offsetY < topOf(one) + laneHeight);
    if (!row) return undefined;
    const time = ((scroller.scrollLeft + offsetX) / sizer.clientWidth) * end;
    const at = firstAt(row, time);
    return at < row.starts.length && row.starts[at] <= time ? { row, at } : undefined;
  };
  canvas.addEventListener("pointermove", (event) => {
    const bar = barAt(event);
    if (bar) say(bar.row, bar.at);
  });
  canvas.addEventListener("click", (event) => {
    const bar = barAt(event);
    if (bar) figure.dispatchEvent(new CustomEvent("stage-chosen", { detail: String(bar.row.stages[bar.at]) }));
  });
  canvas.addEventListener("keydown", (event) => {
    const all = visibleRows();
    const { row, at } = current && shown[current.row.group] ? current : { row: all[0], at: -1 };
    const across = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const down = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (across === undefined && down === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (across !== undefined) {
      if (row.starts[at + across] === undefined) return;
      say(row, at + across);
    } else {
      const next = all[all.indexOf(row) + down];
      if (next) say(next, Math.min(next.starts.length - 1, firstAt(next, row.starts[Math.max(0, at)])));
    }
    const left = (current.row.starts[current.at] / end) * sizer.clientWidth;
    if (left < scroller.scrollLeft || left > scroller.scrollLeft + scroller.clientWidth * 0.9)
      scroller.scrollLeft = left - scroller.clientWidth / 2;
  });
  figure.addEventListener("groups", ({ detail }) => {
    shown = detail;
    redraw();
  });
  document.addEventListener("stage", ({ detail: { stage, bars } }) => {
    marked = bars && stage !== undefined ? Number(stage) : undefined;
    redraw();
  });
  figure.addEventListener("zoomed", redraw);
  scroller.addEventListener("scroll", redraw);
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
