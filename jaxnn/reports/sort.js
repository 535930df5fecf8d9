
// A click on a heading of the leaderboard sorts by it; a second click turns the order round. Dashes stay at the end.
const UNITS = { ms: 1e-3, s: 1, min: 60, h: 3600 };
const DURATION = /^(-?[\d.]+) (ms|s|min|h)(?: (\d+) (s|min))?$/;

function valueOf(text) {
  const parts = text.match(DURATION);
  if (parts) return parts[1] * UNITS[parts[2]] + (parts[3] ? parts[3] * UNITS[parts[4]] : 0);
  const plain = text.replaceAll(",", "");
  return text === "–" ? NaN : isNaN(plain) ? text : Number(plain);
}

function compare(a, b) {
  const missing = (value) => Number.isNaN(value);
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

function sortBy(heading) {
  const body = heading.closest("table").tBodies[0];
  const turn = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const rows = [...body.rows].map((row) => [valueOf(row.cells[heading.cellIndex].textContent), row]);
  rows.sort(([a], [b]) => (Number.isNaN(a) || Number.isNaN(b) ? compare(a, b) : turn * compare(a, b)));
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
  body.append(...rows.map(([, row]) => row));
}

for (const heading of document.querySelectorAll(".board th")) {
  const button = document.createElement("button");
  button.textContent = heading.textContent;
  button.onclick = () => sortBy(heading);
  heading.replaceChildren(button);
}
