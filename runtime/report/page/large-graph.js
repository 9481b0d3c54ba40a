/** @file Draws a graph of very many blocks on a canvas that stays in view while its sizer scrolls. */
for (const figure of document.querySelectorAll("figure.model")) {
  const source = figure.querySelector("script.numbers");
  if (!source) continue;
  const { width, height, box, columns, blocks, names, ms, edges, labels } = JSON.parse(source.textContent);
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
    for (const isCut of [0, 1]) {
      paper.strokeStyle = isCut ? ink : soft;
      paper.globalAlpha = 0.5;
      paper.lineWidth = isCut ? 2 : 1;
      paper.beginPath();
      for (let at = 0; at < edges.length; at += 5) {
        const [x1, y1, x2, y2] = [edges[at], edges[at + 1], edges[at + 2], edges[at + 3]];
        if (edges[at + 4] !== isCut || Math.max(y1, y2) < top || Math.min(y1, y2) > bottom) continue;
        if (Math.max(x1, x2) < left || Math.min(x1, x2) > right) continue;
        paper.moveTo(x1, y1);
        paper.lineTo(x2, y2);
      }
      paper.stroke();
    }
    paper.font = "11px system-ui, sans-serif";
    blocks.forEach(([x, y, stage], at) => {
      if (x > right || x + box[0] < left || y > bottom || y + box[1] < top) return;
      const isMatch = wanted === "" || names[at].toLowerCase().includes(wanted);
      paper.globalAlpha = isMatch ? 1 : 0.25;
      paper.fillStyle = page;
      paper.fillRect(x, y, box[0], box[1]);
      paper.globalAlpha *= 0.35;
      paper.fillStyle = stages[stage % COLOURS];
      paper.fillRect(x, y, box[0], box[1]);
      paper.globalAlpha = isMatch ? 1 : 0.25;
      if (zoom > 0.4) {
        paper.fillStyle = ink;
        paper.fillText(names[at].length > 19 ? `…${names[at].slice(-18)}` : names[at], x + box[0] / 2, y + 17);
      }
    });
    paper.globalAlpha = 1;
    paper.font = "600 11px system-ui, sans-serif";
    paper.fillStyle = ink;
    if (zoom > 0.3) for (const [x, y, text] of labels) paper.fillText(text, x, y);
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
    const x = (scroller.scrollLeft + offsetX) / zoom;
    const y = (scroller.scrollTop + offsetY) / zoom;
    const at = blocks.findIndex(([left, top]) => x >= left && x < left + box[0] && y >= top && y < top + box[1]);
    if (at >= 0) figure.querySelector(".readout").textContent = `${names[at]}, stage ${blocks[at][2]}: ${ms[at]} ms`;
  });
  figure.addEventListener("search", ({ detail }) => {
    wanted = detail;
    const count = names.filter((name) => name.toLowerCase().includes(wanted)).length;
    figure.querySelector(".found").textContent = wanted === "" ? "" : `${count} found`;
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
