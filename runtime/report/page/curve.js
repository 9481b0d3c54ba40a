/** @file Says the step and the value of a curve under the pointer, with a line at it. */
for (const figure of document.querySelectorAll("figure.curve")) {
  const points = JSON.parse(figure.querySelector("script.points").textContent);
  const plot = figure.querySelector(".plot");
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("y1", "0");
  cursor.setAttribute("y2", plot.querySelector(".curves").getAttribute("height"));
  plot.append(cursor);
  plot.addEventListener("pointermove", ({ clientX }) => {
    const { left, width } = plot.getBoundingClientRect();
    const wanted = first + ((clientX - left) / width) * (last - first);
    const nearest = points.reduce((best, point) =>
      Math.abs(point[0] - wanted) < Math.abs(best[0] - wanted) ? point : best,
    );
    const x = `${last > first ? ((nearest[0] - first) / (last - first)) * 100 : 0}%`;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    figure.querySelector(".readout").textContent = `step ${nearest[0]}: loss ${nearest[1]}`;
  });
}
