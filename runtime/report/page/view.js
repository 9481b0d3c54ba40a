/**
 * @file Zoom and pan of a figure: zoom makes the picture wider, panning is scrolling. Buttons, + − 0, Ctrl and wheel,
 * dragging. Tells the figure by the event "zoomed" with the new zoom.
 */
for (const figure of document.querySelectorAll("figure.view")) {
  const STEP = 1.5;
  const MOST = 4096;
  const LEAST_MODEL = 0.05;
  /** Smallest zoom at which names can be read. */
  const READABLE = 0.5;
  const scroller = figure.querySelector(".scroller");
  const isTimeline = figure.classList.contains("timeline");
  let zoom = 1;

  const content = () => figure.querySelector(".sizer") ?? scroller.querySelector("svg");
  const natural = () => Number(content().dataset.width ?? content().getAttribute("width"));
  const fit = () => (isTimeline ? 1 : Math.min(1, scroller.clientWidth / natural()));

  /** The whole name of an action where it fits, else its microbatch, else nothing. */
  const letters = [...scroller.querySelectorAll(".bar text")].map((text) => {
    const name = text.parentElement.dataset.name;
    return { text, share: parseFloat(text.parentElement.querySelector("rect").getAttribute("width")) / 100, name };
  });
  const fitLetters = () => {
    const width = scroller.clientWidth * zoom;
    for (const { text, share, name } of letters) {
      const bar = share * width;
      const fits = (shown) => bar >= shown.length * 7 + 4;
      const shown = fits(name) ? name : name.match(/\d+$/)[0];
      if (text.textContent !== shown) text.textContent = shown;
      text.classList.toggle("hide", !fits(shown));
    }
  };

  const zoomTo = (next, x = scroller.clientWidth / 2, y = scroller.clientHeight / 2) => {
    const before = zoom;
    zoom = Math.min(MOST, Math.max(isTimeline ? 1 : LEAST_MODEL, next));
    const [left, top] = [(scroller.scrollLeft + x) / before, (scroller.scrollTop + y) / before];
    const { style } = content();
    if (isTimeline) style.width = `${zoom * 100}%`;
    else {
      style.width = `${natural() * zoom}px`;
      style.height = content().classList.contains("sizer") ? `${Number(content().dataset.height) * zoom}px` : "auto";
    }
    scroller.scrollLeft = left * zoom - x;
    if (!isTimeline) scroller.scrollTop = top * zoom - y;
    figure.classList.toggle("zoomed", zoom > 4);
    fitLetters();
    figure.dispatchEvent(new CustomEvent("zoomed", { detail: zoom }));
  };

  for (const button of figure.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const { zoom: how } = button.dataset;
      zoomTo(how === "in" ? zoom * STEP : how === "out" ? zoom / STEP : fit());
    });
  }
  scroller.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    if (event.key === "+" || event.key === "=") zoomTo(zoom * STEP);
    else if (event.key === "-") zoomTo(zoom / STEP);
    else if (event.key === "0") zoomTo(fit());
    else return;
    event.preventDefault();
  });
  scroller.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { left, top } = scroller.getBoundingClientRect();
      zoomTo(zoom * Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
    },
    { passive: false },
  );
  scroller.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    scroller.classList.add("moving");
    const move = ({ movementX, movementY }) => scroller.scrollBy(-movementX, -movementY);
    const stop = () => {
      scroller.classList.remove("moving");
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", stop);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop);
  });
  addEventListener("resize", fitLetters);
  addEventListener("load", () => zoomTo(Math.max(READABLE, fit()), 0, 0));
}
