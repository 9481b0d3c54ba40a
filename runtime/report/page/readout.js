/** @file Says below a picture what is under the pointer or has the focus. Arrow keys go from one part to the next. */
for (const figure of document.querySelectorAll("figure.view")) {
  const readout = figure.querySelector(".readout");
  const parts = [...figure.querySelectorAll('svg [role="img"]')];
  const said = (target) => target.closest?.("g")?.querySelector(":scope > title")?.textContent;
  const say = ({ target }) => {
    const text = said(target);
    if (text) readout.textContent = text;
  };
  figure.addEventListener("pointerover", say);
  figure.addEventListener("focusin", say);
  figure.addEventListener("keydown", (event) => {
    const at = parts.indexOf(event.target);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = at < 0 || step === undefined ? undefined : parts[at + step];
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
