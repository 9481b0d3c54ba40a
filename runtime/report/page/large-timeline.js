/** @file Draws a timeline of very many bars on a canvas that stays in view while its sizer scrolls. */
for (const figure of document.querySelectorAll("figure.timeline")) {
  const source = figure.querySelector("script.numbers");
  if (!source) continue;
  const { unitMs, end, height, laneHeight, rows } = JSON.parse(source.textContent);
  const scroller = figure.querySelector(".scroller");
  const sizer = document.createElement("div");
  sizer.className = "sizer";
  sizer.dataset.width = scroller.clientWidth;
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", scroller.querySelector("svg").getAttribute("aria-label"));
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
  const colour = (name) => getComputedStyle(figure).getPropertyValue(name).trim();
  const ms = (time) => `${Number((time * unitMs).toPrecision(4))} ms`;

  const draw = () => {
    const width = scroller.clientWidth;
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const paper = canvas.getContext("2d");
    paper.scale(scale, scale);
    const perPx = end / sizer.clientWidth;
    const from = scroller.scrollLeft * perPx;
    const to = from + width * perPx;
    const fill = { F: colour("--forward"), B: colour("--input"), I: colour("--input"), W: colour("--weight") };
    const idle = colour("--idle");
    paper.font = "11px system-ui, sans-serif";
    paper.textAlign = "center";
    for (const row of rows) {
      paper.fillStyle = idle;
      paper.fillRect(0, row.y, width, laneHeight);
      let drawnTo = -1;
      for (let at = firstAt(row, from); at < row.starts.length && row.starts[at] <= to; at++) {
        const left = (row.starts[at] - from) / perPx;
        const wide = row.lengths[at] / perPx;
        if (left + wide < drawnTo + 0.5) continue;
        drawnTo = left + wide;
        paper.fillStyle = fill[row.phases[at]];
        paper.fillRect(left, row.y, Math.max(0.5, wide - (wide > 3 ? 0.75 : 0)), laneHeight);
        const name = `${row.stages[at]}${row.phases[at]}${row.microbatches[at]}`;
        if (wide > name.length * 7 + 4) {
          paper.fillStyle = "#fff";
          paper.fillText(name, left + wide / 2, row.y + 16);
        }
      }
    }
    paper.fillStyle = colour("--soft");
    for (let tick = 0; tick <= 8; tick++) {
      paper.textAlign = tick === 0 ? "left" : tick === 8 ? "right" : "center";
      paper.fillText(ms(from + ((to - from) * tick) / 8), (width * tick) / 8, height - 6);
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
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const row = rows.find(({ y }) => offsetY >= y && offsetY < y + laneHeight);
    if (!row) return;
    const time = ((scroller.scrollLeft + offsetX) / sizer.clientWidth) * end;
    const at = firstAt(row, time);
    if (at >= row.starts.length || row.starts[at] > time) return;
    const name = `${row.stages[at]}${row.phases[at]}${row.microbatches[at]}`;
    figure.querySelector(".readout").textContent =
      `${name}, ${row.group}: ${ms(row.starts[at])} to ${ms(row.starts[at] + row.lengths[at])}, takes ${ms(row.lengths[at])}`;
  });
  figure.addEventListener("zoomed", redraw);
  scroller.addEventListener("scroll", redraw);
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
