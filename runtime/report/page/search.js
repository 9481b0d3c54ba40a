/**
 * @file Finds blocks by name. Enter goes from one to the next. Tells the figure by the events "search", with what is
 * wanted, and "next"; a canvas answers by itself.
 */
for (const input of document.querySelectorAll('.model input[type="search"]')) {
  const figure = input.closest("figure");
  const found = figure.querySelector(".found");
  const blocks = [...figure.querySelectorAll(".block")];
  const names = blocks.map((block) =>
    `${block.dataset.nodes ?? ""} ${block.querySelector("title").textContent.split(", stage ")[0]}`.toLowerCase(),
  );
  let matches = [];
  let at = -1;
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    at = -1;
    matches = blocks.filter((block, place) => {
      const isMatch = wanted !== "" && names[place].includes(wanted);
      block.classList.toggle("match", isMatch);
      return isMatch;
    });
    figure.classList.toggle("searching", wanted !== "");
    if (blocks.length > 0) found.textContent = wanted === "" ? "" : `${matches.length} found`;
    figure.dispatchEvent(new CustomEvent("search", { detail: wanted }));
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    figure.dispatchEvent(new CustomEvent("next"));
    if (matches.length === 0) return;
    at = (at + 1) % matches.length;
    matches[at].scrollIntoView({ block: "center", inline: "center" });
    figure.querySelector(".readout").textContent = matches[at].querySelector("title").textContent;
  });
}
