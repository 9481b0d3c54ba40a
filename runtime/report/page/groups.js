/** @file Shows the predicted step, the measured one, or both; what stays moves up. Tells the figure by the event "groups". */
for (const figure of document.querySelectorAll("figure.timeline")) {
  const buttons = [...figure.querySelectorAll("[data-group]")];
  const isShown = (button) => button.getAttribute("aria-pressed") === "true";
  const heights = [...figure.querySelectorAll(".names .group")].map(({ dataset }) => Number(dataset.height));
  const pictures = [...figure.querySelectorAll("svg.names, svg.lanes")];
  const full = Number(pictures[0].getAttribute("height"));

  const show = () => {
    const shown = buttons.map(isShown);
    const hidden = heights.reduce((sum, height, at) => sum + (shown[at] ? 0 : height), 0);
    for (const picture of pictures) {
      let above = 0;
      [...picture.querySelectorAll(":scope > .group")].forEach((group, at) => {
        group.classList.toggle("gone", !shown[at]);
        group.setAttribute("transform", `translate(0 ${-above})`);
        if (!shown[at]) above += heights[at];
      });
      picture.setAttribute("height", full - hidden);
      for (const line of picture.querySelectorAll("line.tick")) line.setAttribute("y2", full - hidden - 20);
      for (const text of picture.querySelectorAll("text.tick")) text.setAttribute("y", full - hidden - 6);
    }
    figure.dispatchEvent(new CustomEvent("groups", { detail: shown }));
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(!isShown(button)));
      const other = buttons.find((one) => one !== button);
      if (!buttons.some(isShown)) other.setAttribute("aria-pressed", "true");
      show();
    });
  }
}
