/**
 * @file Says below a picture what is under the pointer or has the focus, and frames the same action of the other step.
 * Arrow keys go from one part to the next, Home and End to the first and the last.
 */
for (const figure of document.querySelectorAll("figure.view")) {
  const readout = figure.querySelector(".readout");
  const parts = [...figure.querySelectorAll('svg [role="img"]')];
  const bars = [...figure.querySelectorAll(".bar")];
  const groups = figure.querySelectorAll("svg.lanes > .group").length;
  const said = (target) => target.closest?.("g")?.querySelector(":scope > title")?.textContent;
  let framed = [];
  const frame = (bar) => {
    for (const old of framed) old.classList.remove("same");
    const at = groups === 2 && bar ? bars.indexOf(bar) : -1;
    framed = at < 0 ? [] : [bar, bars[(at + bars.length / 2) % bars.length]];
    for (const one of framed) one.classList.add("same");
  };
  const say = ({ target }) => {
    const text = said(target);
    if (text) readout.textContent = text;
    frame(target.closest?.(".bar"));
  };
  figure.addEventListener("pointerover", say);
  figure.addEventListener("focusin", say);
  figure.addEventListener("keydown", (event) => {
    const at = parts.indexOf(event.target);
    if (at < 0) return;
    const to = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: parts.length - 1,
    };
    const next = parts[to[event.key]];
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
