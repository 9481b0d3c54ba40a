/**
 * @file Ties the pictures together by stage. Pointing at a block marks the bars of its stage, pointing at a bar marks the
 * blocks; a click, Enter or the button of a stage keeps the mark on both, Escape takes it away.
 * Tells the document by the event "stage" which stage is marked, and where: {stage, blocks, bars}.
 */
{
  const root = document.documentElement;
  const parts = [...document.querySelectorAll("[data-stage]")];
  const buttons = [...document.querySelectorAll("[data-mark]")];
  let kept;

  const mark = (stage, blocks, bars) => {
    root.classList.toggle("marking-blocks", stage !== undefined && blocks);
    root.classList.toggle("marking-bars", stage !== undefined && bars);
    for (const part of parts) part.classList.toggle("marked", part.dataset.stage === stage);
    document.dispatchEvent(new CustomEvent("stage", { detail: { stage, blocks, bars } }));
  };
  const keep = (stage) => {
    kept = stage === kept ? undefined : stage;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.mark === kept));
    mark(kept, true, true);
  };
  const partOf = ({ target }) => target.closest?.("[data-stage]");

  for (const figure of document.querySelectorAll("figure.view")) {
    const isTimeline = figure.classList.contains("timeline");
    let downX = 0;
    let downY = 0;
    figure.addEventListener("pointerover", (event) => {
      const part = partOf(event);
      if (kept === undefined) mark(part?.dataset.stage, isTimeline, !isTimeline);
    });
    figure.addEventListener("pointerleave", () => {
      if (kept === undefined) mark(undefined, false, false);
    });
    figure.addEventListener("pointerdown", ({ clientX, clientY }) => ([downX, downY] = [clientX, clientY]));
    figure.addEventListener("click", (event) => {
      const part = partOf(event);
      const isDrag = Math.hypot(event.clientX - downX, event.clientY - downY) > 4;
      if (part && !isDrag) keep(part.dataset.stage);
    });
    figure.addEventListener("keydown", (event) => {
      const part = partOf(event);
      if (event.key !== "Enter" || !part) return;
      event.preventDefault();
      keep(part.dataset.stage);
    });
    figure.addEventListener("stage-chosen", ({ detail }) => keep(detail));
  }
  for (const button of buttons) button.addEventListener("click", () => keep(button.dataset.mark));
  addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && kept !== undefined) keep(kept);
  });
}
