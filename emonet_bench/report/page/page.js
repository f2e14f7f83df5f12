"use strict";
const table = document.querySelector("#cells-table");
const body = table.tBodies[0];
const rows = [...body.rows];
const find = document.querySelector("#find");
const selects = [...document.querySelectorAll("select[data-filter]")];

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const chosen = selects.every(select => !select.value || row.dataset[select.dataset.filter] === select.value);
    row.hidden = !(chosen && words.every(word => text.includes(word)));
    shown += !row.hidden;
  }
  document.querySelector("#shown").textContent = `${shown} of ${rows.length} cells`;
}

function value(row, index) {
  const cell = row.cells[index];
  const number = cell.dataset.value;
  if (number === undefined) return cell.textContent.trim().toLowerCase();
  return number === "" ? null : Number(number);
}

function sort(head) {
  const index = head.cellIndex;
  const descends = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descends ? "descending" : "ascending");
  rows.sort((first, second) => {
    const [a, b] = [value(first, index), value(second, index)];
    if (a === null || b === null) return (a === null) - (b === null);  // what is unknown stays last
    const order = typeof a === "number" ? a - b : a.localeCompare(b);
    return descends ? -order : order;
  });
  body.append(...rows);
}

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  }
}

find.addEventListener("input", filter);
for (const select of selects) select.addEventListener("change", filter);
for (const head of table.tHead.rows[0].cells) head.querySelector("button").addEventListener("click", () => sort(head));
window.addEventListener("hashchange", reveal);
document.querySelector("#theme").addEventListener("click", () => {
  const root = document.documentElement;
  const now = root.style.colorScheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.style.colorScheme = now === "dark" ? "light" : "dark";
});
filter();
reveal();
