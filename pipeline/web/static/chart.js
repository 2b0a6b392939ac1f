// A time line as SVG: one series, its greatest value, the first and the last time.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 320;
const HEIGHT = 90;

function svg(tag, attributes, text) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// points: [[time text, number], …] in time order
export function chart(title, points) {
  const most = Math.max(0, ...points.map(([, value]) => value));
  const top = most || 1;
  const x = (index) => (points.length < 2 ? 0 : (index / (points.length - 1)) * WIDTH);
  const y = (value) => HEIGHT - (value / top) * (HEIGHT - 16);
  const line = points.map(([, value], index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`);
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT + 14}`, role: "img", class: "chart",
    "aria-label": `${title}: at most ${most}`,
  });
  picture.append(
    svg("polygon", { class: "area", points: `0,${HEIGHT} ${line.join(" ")} ${WIDTH},${HEIGHT}` }),
    svg("polyline", { class: "line", points: line.join(" ") }),
    svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }),
    svg("text", { x: WIDTH, y: 10, "text-anchor": "end" }, `max ${most.toLocaleString("en")}`),
  );
  if (points.length) {
    picture.append(
      svg("text", { x: 0, y: HEIGHT + 12 }, points[0][0].slice(0, 16)),
      svg("text", { x: WIDTH, y: HEIGHT + 12, "text-anchor": "end" }, points.at(-1)[0].slice(0, 16)),
    );
  }
  const step = WIDTH / Math.max(1, points.length);
  points.forEach(([time, value], index) => {
    const hit = svg("rect", { class: "hit", x: x(index) - step / 2, y: 0, width: step, height: HEIGHT });
    hit.append(svg("title", {}, `${time.slice(0, 16)}  ${value.toLocaleString("en")}`));
    picture.append(hit);
  });
  return picture;
}
