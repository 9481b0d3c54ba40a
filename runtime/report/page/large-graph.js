/** @file Draws a graph of very many blocks on a canvas that stays in view while its sizer scrolls. */
for (const figure of document.querySelectorAll("figure.model")) {
  const source = figure.querySelector("script.numbers");
  if (!source) continue;
  const { width, height, box, columns, blocks, names, costs, edges, cuts, labels } = JSON.parse(source.textContent);
  const COLOURS = 8;
  const scroller = figure.querySelector(".scroller");
  const sizer = document.createElement("div");
  sizer.className = "sizer";
  sizer.dataset.width = width;
  sizer.dataset.height = height;
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${blocks.length} blocks on ${columns.length} stages`);
  sizer.append(canvas);
  scroller.replaceChildren(sizer);
  let zoom = 1;
  let wanted = "";
  let marked;
  let matches = [];
  let at = -1;
  const readout = figure.querySelector(".readout");
  const about = (block) => {
    const [forward, input, weight] = costs[block];
    return `${names[block]}, stage ${blocks[block][2]}: F ${forward} ms, I ${input} ms, W ${weight} ms`;
  };
  const colour = (name) => getComputedStyle(figure).getPropertyValue(name).trim();

  const draw = () => {
    const [wide, high] = [scroller.clientWidth, Math.min(height * zoom, innerHeight * 0.75)];
    const scale = devicePixelRatio || 1;
    canvas.width = wide * scale;
    canvas.height = high * scale;
    canvas.style.width = `${wide}px`;
    canvas.style.height = `${high}px`;
    const paper = canvas.getContext("2d");
    paper.scale(scale * zoom, scale * zoom);
    const [left, top] = [scroller.scrollLeft / zoom, scroller.scrollTop / zoom];
    const [right, bottom] = [left + wide / zoom, top + high / zoom];
    paper.translate(-left, -top);
    const stages = Array.from({ length: COLOURS }, (_, stage) => colour(`--s${stage}`));
    const [ink, soft, page] = [colour("--ink"), colour("--soft"), colour("--paper")];
    paper.textAlign = "center";
    for (const [stage, x, across] of columns) {
      paper.globalAlpha = 0.07;
      paper.fillStyle = stages[stage % COLOURS];
      paper.fillRect(x - 8, 4, across + 16, height - 8);
      paper.globalAlpha = 1;
      paper.font = "600 14px system-ui, sans-serif";
      paper.fillText(`stage ${stage}`, x + across / 2, 24);
    }
    paper.strokeStyle = soft;
    paper.globalAlpha = 0.5;
    paper.lineWidth = 1;
    paper.beginPath();
    for (let edge = 0; edge < edges.length; edge += 4) {
      const [x1, y1, x2, y2] = [edges[edge], edges[edge + 1], edges[edge + 2], edges[edge + 3]];
      if (Math.max(y1, y2) < top || Math.min(y1, y2) > bottom) continue;
      if (Math.max(x1, x2) < left || Math.min(x1, x2) > right) continue;
      paper.moveTo(x1, y1);
      paper.lineTo(x2, y2);
    }
    paper.stroke();
    paper.globalAlpha = 1;
    paper.lineWidth = 1.75;
    for (const { stage, back, ways } of cuts) {
      paper.strokeStyle = stages[stage % COLOURS];
      paper.setLineDash(back ? [4, 4] : []);
      paper.beginPath();
      for (const way of ways) {
        paper.moveTo(way[0], way[1]);
        for (let corner = 2; corner < way.length; corner += 2) paper.lineTo(way[corner], way[corner + 1]);
      }
      paper.stroke();
    }
    paper.setLineDash([]);
    paper.font = "11px system-ui, sans-serif";
    blocks.forEach(([x, y, stage], block) => {
      if (x > right || x + box[0] < left || y > bottom || y + box[1] < top) return;
      const isMatch =
        (wanted === "" || names[block].toLowerCase().includes(wanted)) && (marked === undefined || stage === marked);
      paper.globalAlpha = isMatch ? 1 : 0.25;
      paper.fillStyle = page;
      paper.fillRect(x, y, box[0], box[1]);
      paper.globalAlpha *= 0.35;
      paper.fillStyle = stages[stage % COLOURS];
      paper.fillRect(x, y, box[0], box[1]);
      paper.globalAlpha = isMatch ? 1 : 0.25;
      if (block === matches[at]) {
        paper.strokeStyle = colour("--warn");
        paper.lineWidth = 3;
        paper.strokeRect(x, y, box[0], box[1]);
      }
      if (zoom > 0.4) {
        paper.fillStyle = ink;
        paper.fillText(names[block].length > 18 ? `…${names[block].slice(-17)}` : names[block], x + box[0] / 2, y + 17);
      }
    });
    paper.globalAlpha = 1;
    paper.font = "600 11px system-ui, sans-serif";
    paper.fillStyle = ink;
    paper.strokeStyle = page;
    paper.lineWidth = 8;
    for (const [x, y, text] of zoom > 0.3 ? labels : []) {
      paper.strokeText(text, x, y + 4);
      paper.fillText(text, x, y + 4);
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
  const blockAt = ({ offsetX, offsetY }) => {
    const x = (scroller.scrollLeft + offsetX) / zoom;
    const y = (scroller.scrollTop + offsetY) / zoom;
    return blocks.findIndex(([left, top]) => x >= left && x < left + box[0] && y >= top && y < top + box[1]);
  };
  canvas.addEventListener("pointermove", (event) => {
    const block = blockAt(event);
    if (block >= 0) readout.textContent = about(block);
  });
  canvas.addEventListener("click", (event) => {
    const block = blockAt(event);
    if (block >= 0) figure.dispatchEvent(new CustomEvent("stage-chosen", { detail: String(blocks[block][2]) }));
  });
  figure.addEventListener("search", ({ detail }) => {
    wanted = detail;
    at = -1;
    matches = names.flatMap((name, block) => (wanted !== "" && name.toLowerCase().includes(wanted) ? [block] : []));
    figure.querySelector(".found").textContent = wanted === "" ? "" : `${matches.length} found`;
    redraw();
  });
  figure.addEventListener("next", () => {
    if (matches.length === 0) return;
    at = (at + 1) % matches.length;
    const [x, y] = blocks[matches[at]];
    scroller.scrollLeft = x * zoom - scroller.clientWidth / 2;
    scroller.scrollTop = y * zoom - scroller.clientHeight / 2;
    readout.textContent = about(matches[at]);
    redraw();
  });
  document.addEventListener("stage", ({ detail: { stage, blocks: isMarking } }) => {
    marked = isMarking && stage !== undefined ? Number(stage) : undefined;
    redraw();
  });
  figure.addEventListener("zoomed", ({ detail }) => {
    zoom = detail;
    redraw();
  });
  scroller.addEventListener("scroll", redraw);
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
